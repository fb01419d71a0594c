"""What was found in files: a class that would vanish is refused, doubts are told."""

import numpy as np
import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.findings import Findings, alike
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


def test_names_that_differ_in_unicode_normalization_are_told_in_letters_that_show_it():
    composed, decomposed = "caf\xe9", "cafe\u0301"
    names, differ = alike([composed, decomposed])
    assert names == r"'caf\xe9' and 'cafe\u0301'"
    assert differ.startswith("differ in Unicode normalization alone")
    assert alike([composed, "cafe", "CAF\xc9"])[1] == "differ in case or spaces alone"
