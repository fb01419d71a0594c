import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.images.resize import resize_to

WAYS = ["stretch", "crop", "pad"]
SIDES = st.integers(1, 40)


def noise(*shape, kind=np.uint8):
    return np.random.default_rng(1).integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)


@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from([1, 3]), st.sampled_from(WAYS))
def test_every_size_becomes_the_one_that_is_asked_for(h, w, height, width, channels, how):
    found = resize_to(np.full((h, w, channels), 200, np.uint8), (height, width, channels), how)
    assert found.shape == (height, width, channels)
    assert found.dtype == np.uint8
    if how != "pad":
        assert (found == 200).all()  # nothing is added, and a plain image stays plain


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_an_image_of_the_size_is_left_as_it_is(how, kind):
    image = noise(7, 9, 3, kind=kind)
    assert (resize_to(image, (7, 9, 3), how) == image).all()


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_shrinking_averages_areas(kind):
    """Compared with the means, computed here, and with Pillow's box filter."""
    image = noise(12, 20, 1, kind=kind)
    found = resize_to(image, (4, 5, 1), "stretch")[..., 0].astype(float)
    means = image.reshape(4, 3, 5, 4).mean(axis=(1, 3))
    assert np.abs(found - means).max() <= 0.5001
    if kind == np.uint8:
        boxed = Image.fromarray(image[..., 0]).resize((5, 4), Image.Resampling.BOX)
        assert np.abs(found - np.asarray(boxed, float)).max() <= 1


def test_enlarging_interpolates():
    ramp = np.array([0, 100], np.uint8).reshape(1, 2, 1)
    assert resize_to(ramp, (1, 4, 1), "stretch")[0, :, 0].tolist() == [0, 25, 75, 100]


def test_one_side_may_shrink_while_the_other_grows():
    """Both as they would alone: 8 rows of black and white are grey, not either."""
    stripes = np.tile(np.array([0, 255], np.uint8), 4).reshape(8, 1, 1).repeat(4, axis=1)
    found = resize_to(stripes, (4, 8, 1), "stretch")
    assert found.shape == (4, 8, 1)
    assert set(found.ravel().tolist()) <= {127, 128}


def test_the_middle_is_cropped():
    wide = np.zeros((2, 8, 1), np.uint8)
    wide[:, 3:5] = 255  # the middle third
    assert (resize_to(wide, (2, 2, 1), "crop") == 255).all()
    assert (resize_to(wide.swapaxes(0, 1), (2, 2, 1), "crop") == 255).all()


def test_black_stands_around_what_is_padded():
    white = np.full((2, 4, 3), 255, np.uint8)
    found = resize_to(white, (8, 8, 3), "pad")
    assert (found[2:6] == 255).all()
    assert not found[:2].any()
    assert not found[6:].any()
    assert (resize_to(white, (4, 2, 3), "pad") == 255).sum() == 2 * 3  # at least a line is left
