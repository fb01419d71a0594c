import fnmatch

import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.layout.patterns import telling


@pytest.mark.parametrize(
    ("wanted", "others", "patterns"),
    [
        (["1.PNG"], [], ["*"]),
        (["1.PNG"], ["2.png", "a.csv"], ["*.PNG"]),
        (["1.jpg", "2.JPEG", "3.png"], ["a.txt"], ["*.JPEG", "*.jpg", "*.png"]),
        (["1.jpg", "2.webp"], ["a.txt", "b.jpg.zip"], ["*.jpg", "*.webp"]),
        (["train/1.jpg", "train/a/2.jpg"], ["test/1.jpg"], ["train/*"]),
        (
            ["t/train/1.jpg", "t/train/2.png"],
            ["t/train/x.csv", "t/1.png"],
            ["t/train/*.jpg", "t/train/*.png"],
        ),
        (["a[1]/1.jpg", "b/1.jpg"], ["a1/1.jpg"], ["a[[]1]/*", "b/*"]),
        (["a/1.jpg"], ["a/2.jpg"], ["a/1.jpg"]),
        (["i/Train_1.jpg", "i/Train_2.jpg"], ["i/Test_1.jpg"], ["*/Train_*"]),
    ],
)
def test_patterns_tell_the_wanted_from_the_others(wanted, others, patterns):
    found = telling(wanted, others)
    assert found == patterns
    assert all(any(fnmatch.fnmatchcase(name, one) for one in found) for name in wanted)
    assert not any(fnmatch.fnmatchcase(name, one) for one in found for name in others)


def test_a_users_patterns_are_taken_if_they_are_enough():
    wanted, others = ["a/1.jpg", "b/1.jpg"], ["c/1.jpg"]
    assert telling(wanted, others, ["[ab]/*"]) == ["[ab]/*"]
    assert telling(wanted, [*others, "a/x.csv"], ["[ab]/*"]) == ["a/*.jpg", "b/*"]


def test_too_many_patterns_are_refused():
    with pytest.raises(DataError, match=r"no simple pattern tells the images from x1\.jpg, x3\.j"):
        telling([f"x{n}.jpg" for n in range(0, 200, 2)], [f"x{n}.jpg" for n in range(1, 200, 2)])
