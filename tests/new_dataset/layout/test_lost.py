"""Folders beside those of classes without an image: refused where a class would vanish, or told."""

import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.layout import lost

CLASSES = {"p/cat/1.png": "cat", "p/dog/a/1.png": "dog"}
DIVIDED = {f"{subset}/{name}/1.png": name for subset in ("train", "test") for name in "ab"}


def check(others=(), empty=(), classes=CLASSES):
    return lost.check(classes, others, empty)


@pytest.mark.parametrize(
    "other", ["p/owl/1.cr2", "p/owl/2.dcm", "p/dog/b/1.svg", "p/owl/images/1.cr2"]
)
def test_a_folder_whose_files_are_all_passed_over_is_refused(other):
    folder, _, name = other.replace("/images", "").rpartition("/")
    with pytest.raises(DataError, match=rf"no file is an image .* in {folder} \(1 \.{name[2:]}\)"):
        check([other, "p/cat/1.cr2"])


@pytest.mark.parametrize("other", ["q/r/1.cr2", "p/cat/1.cr2", "p/1.cr2", "p/code/src/x.c"])
def test_files_elsewhere_do_not_matter(other):
    assert check([other]) == []


def test_a_folder_with_notes_alone_is_told():
    (note,) = check(["p/owl/1.txt", "p/owl/README.txt", "p/owl/LICENSE"])
    assert note == "no image is in p/owl (2 .txt, 1 without suffix), beside the folders of classes"
    with pytest.raises(DataError, match=r"no file is an image .* in p/owl \(2 without suffix\)"):
        check(["p/owl/1", "p/owl/2"])


@pytest.mark.parametrize("empty", [["p/owl"], ["p/", "p/owl/images/"], ["p/owl/", "p/owl/images/"]])
def test_an_empty_folder_is_refused(empty):
    with pytest.raises(DataError, match=r"no file is in p/owl, beside .*put its images there"):
        check(empty=empty)


def test_an_empty_folder_of_a_class_that_has_images_elsewhere_is_told():
    assert check(empty=["train/a/", "test/a/"], classes=DIVIDED) == []
    divided = {name: own for name, own in DIVIDED.items() if name != "test/a/1.png"}
    (note,) = check(empty=["test/a/"], classes=divided)
    assert note == "no image is in test/a (empty), beside the folders of classes"


def test_an_empty_folder_of_a_subset_is_told():
    assert check(empty=["val/"]) == ["no file is in val, which is called as a subset"]


@pytest.mark.parametrize("empty", [["q/r"], ["p/cat"], ["p"], [""]])
def test_empty_folders_elsewhere_do_not_matter(empty):
    assert check(empty=empty) == []
