import pytest

from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.layout.labelled import read
from pipeline.new_dataset.layout.result import AmbiguousError


def test_folders_for_test_without_rows_are_left_out():
    names = ["train/1.png", "train/2.png", "test/3.png"]
    layout = read(names, {"train/1.png": "a", "train/2.png": "b"}.get, Choices())
    assert layout.classes == {"train/1.png": "a", "train/2.png": "b"}
    assert layout.notes == ["the 1 images in test have no row in the table, and are left out"]


def test_files_for_test_without_rows_are_left_out():
    names = ["i/Train_1.png", "i/Train_2.png", "i/Test_1.png"]
    layout = read(names, lambda name: "a" if "Train" in name else "", Choices())
    assert list(layout.classes) == names[:2]
    assert layout.notes == ["the 1 images called Test_… have no row in the table, and are left out"]


def test_other_folders_without_rows_are_refused():
    names = ["Meta/1.png", "Train/1.png", "Train/2.png"]
    with pytest.raises(AmbiguousError) as caught:
        read(names, lambda name: "a" if name.startswith("Train") else "", Choices())
    assert str(caught.value) == (
        "1 images in Meta have no row in the table; leave them out with --only 'Train/*', or add "
        "their rows"
    )


def test_folders_that_are_subsets_of_some_images_alone_are_told():
    layout = read(["a/1.png", "test/2.png"], lambda _: "a", Choices())
    assert (layout.subsets, layout.division) == ({}, False)
    assert layout.notes == [
        "not all images are in folders of subsets, so that test is not taken for one"
    ]
