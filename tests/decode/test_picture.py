import base64

import cv2
import numpy as np
import pytest

from pipeline.decode import picture
from pipeline.shards.index import PICTURE, Quarantined
from tests.support import builders

RED = np.zeros((40, 80, 3), np.uint8)
RED[..., 0] = 250


def decoded(address):
    body = base64.b64decode(address.removeprefix(PICTURE))
    return cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)


def test_an_image_of_another_size_is_padded():
    address = picture.picture(builders.encode(RED), 3, 10_000)
    pixels = decoded(address)
    assert pixels.shape == (64, 64, 3)
    np.testing.assert_allclose(pixels[32, 32], (0, 0, 250), atol=6)  # OpenCV reads BGR
    np.testing.assert_allclose(pixels[4, 32], 0, atol=6)
    assert Quarantined(id="a", name="a", reason="b", picture=address).picture == address


def test_transparency_is_white_and_grey_stays_grey():
    see_through = np.dstack([RED, np.zeros((40, 80), np.uint8)])
    np.testing.assert_allclose(
        decoded(picture.picture(builders.encode(see_through), 3, 10_000))[32], 255, atol=6
    )
    grey = np.full((9, 9, 1), 100, np.uint8)
    pixels = decoded(picture.picture(builders.encode(grey), 1, 10_000))
    assert pixels.shape == (64, 64)
    np.testing.assert_allclose(pixels, 100, atol=6)


@pytest.mark.parametrize("content", [b"", b"no image", builders.encode(RED)[:60]])
def test_a_broken_image_has_none(content):
    assert picture.picture(content, 3, 10_000) is None


def test_an_image_above_the_limit_has_none():
    wide = np.zeros((80, 80, 3), np.uint8)
    assert picture.picture(builders.encode(wide), 3, 80 * 80) is not None
    assert picture.picture(builders.encode(wide), 3, 80 * 80 - 1) is None
