"""What was found in files: a class that would vanish is refused, doubts are told."""

import numpy as np
import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.findings import Findings, refuse_lost_folders
from pipeline.new_dataset.image_statistics import ImageStatistics
from tests.support.builders import encode


def findings(*images, kind="archive"):
    """Return findings of images: class, whether it can be used, subset."""
    statistics = ImageStatistics()
    for number, (name, usable, subset) in enumerate(images):
        content = encode(np.full((5, 7, 3), number, np.uint8)) if usable else b""
        statistics.add(str(number), name, content, subset)
    classes = sorted({name for name, *_ in images})
    return Findings(kind, "", statistics, [], {}, classes)


def test_a_class_of_which_nothing_can_be_used_is_refused():
    found = findings(("cat", True, ""), ("dog", False, ""), ("dog", False, ""))
    with pytest.raises(DataError, match=r"no image can be used of class dog \(is empty: 2\); mend"):
        found.check()
    found = findings(("a", True, ""), ("b", False, ""), ("c", False, ""))
    with pytest.raises(DataError, match=r"of 2 classes, b \(is empty: 1\), c \(is empty: 1\);"):
        found.check()


def test_a_class_without_an_image_for_training_is_refused():
    images = [("cat", True, "train"), ("dog", True, "test"), ("dog", False, "train")]
    with pytest.raises(DataError, match=r"of class dog \(is empty: 1\); put .*\(--subsets none\)"):
        findings(*images).check()
    with pytest.raises(DataError, match=r"put some of its images there, or take the class out$"):
        findings(*images, kind="parquet").check()


def test_classes_that_lose_some_images_are_not():
    found = findings(("cat", True, "train"), ("cat", False, "train"), ("cat", True, "test"))
    found.check()
    found.warn()
    assert found.notes == []


def test_doubts_are_notes():
    found = findings(("cat", True, "train"), ("dog", True, "train"), ("dog", True, "train"))
    found.images.add("9", "cat", encode(np.full((5, 7, 3), 0, np.uint8)), "test")
    found.images.add("10", "emu", encode(np.full((5, 7, 3), 10, np.uint8)), "train")
    found.warn()
    twice, single = found.notes
    assert twice.startswith("1 images are in two subsets, byte for byte, such as 0 and 9")
    assert single.startswith("the image of class emu is learned or tested, not both")


IMAGES = ["p/cat/1.png", "p/dog/a/1.png"]


@pytest.mark.parametrize("other", ["p/owl/1.cr2", "p/owl/2.dcm", "p/dog/b/1.svg"])
def test_a_folder_whose_files_are_all_passed_over_is_refused(other):
    folder, _, name = other.rpartition("/")
    with pytest.raises(DataError, match=rf"no file is an image .* in {folder} \(1 \.{name[2:]}\)"):
        refuse_lost_folders(IMAGES, [other, "p/cat/1.cr2"])


@pytest.mark.parametrize("other", ["p/owl/1.txt", "q/r/1.cr2", "p/cat/1.cr2", "p/1.cr2"])
def test_notes_and_files_elsewhere_are_not(other):
    refuse_lost_folders(IMAGES, [other])
