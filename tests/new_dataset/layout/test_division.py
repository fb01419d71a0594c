import pytest

from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.layout import division


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train/1.png", "test/1.png"], True),
        (["x/seg_train/a/1.png", "x/seg_test/a/1.png"], True),
        (["train/train/1.png", "test/train/1.png"], {"train/*": "train", "test/*": "test"}),
        (["Train_0.png", "Test_0.png"], {"Train_*": "train", "Test_*": "test"}),
        (["i/train1.png", "i/val1.png"], {"*/train*": "train", "*/val*": "validation"}),
        (["train/1.png", "2.png"], False),
        (["train/1.png", "train/2.png"], False),
        (["train_1.png", "tested_2.png"], False),
        (["test_1.png", "val_2.png"], False),
    ],
)
def test_folders_and_files_that_say_the_subset(names, expected):
    subsets, parameter = division.beside_table(names, Choices())
    assert parameter == expected
    assert bool(subsets) == bool(expected)


def test_a_division_that_the_user_does_not_want():
    names = ["train/1.png", "test/1.png"]
    assert division.beside_table(names, Choices(subsets=("none",))) == ({}, False)
