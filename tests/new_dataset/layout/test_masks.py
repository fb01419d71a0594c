"""Masks beside the images that they are of are no classes and no pictures of one."""

import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.layout import masks


def classes(*folders, names=("1.png", "2.png")):
    return {f"{folder}/{name}": folder.split("/")[-1] for folder in folders for name in names}


@pytest.mark.parametrize(
    ("plain", "marks"),
    [("images", "masks"), ("JPEGImages", "SegmentationClass"), ("img", "truth_masks")],
)
def test_folders_of_masks_are_refused(plain, marks):
    with pytest.raises(DataError) as caught:
        masks.refuse(classes(f"d/{plain}", f"d/{marks}"))
    text = str(caught.value)
    assert text.startswith(f"{plain} and {marks} are by their names images and their masks")
    assert f"--only '*{plain}/*'" in text
    assert f"--classes-at 2 ({plain}: 2, {marks}: 2)" in text


@pytest.mark.parametrize(
    "folders", [("with_mask", "without_mask"), ("mask", "no mask"), ("images", "drawings")]
)
def test_ordinary_classes_stay(folders):
    masks.refuse(classes(*folders, names=("with_mask_1.jpg", "a_2.jpg")))


@pytest.mark.parametrize("end", ["_mask.png", "_mask_1.png", "-seg.png", " GT.png"])
def test_masks_beside_their_images_are_refused(end):
    names = ("x (1).jpg", "x (2).jpg", f"x (1){end}", f"x (2){end}")
    with pytest.raises(DataError, match=r"^4 images are by their names masks of others") as caught:
        masks.refuse(classes("benign", "normal", names=names))
    assert "leave them out with --only '*" in str(caught.value)
    masks.refuse(classes("benign", "normal", names=names[2:]))  # of none that is here


def test_masks_that_no_pattern_tells_are_to_be_moved():
    names = ("a k.png", "a k_mask.png", "b.PNG")
    with pytest.raises(DataError, match="move them elsewhere, or take all with --only"):
        masks.refuse(classes(*map(str, range(60)), names=names))
