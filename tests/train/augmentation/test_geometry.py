import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("tensorflow")


@pytest.fixture
def images():
    """Return smooth images, of which a difference in interpolation changes little."""
    noise = np.random.default_rng(0).integers(0, 256, (5, 24, 32, 3)).astype(np.uint8)
    return np.stack([cv2.GaussianBlur(image, (0, 0), 3) for image in noise])


def warp(images, **changes):
    from pipeline.train.augmentation import geometry

    ones = np.ones(len(images), np.float32)
    told = {
        name: tuple(v * ones for v in value) if isinstance(value, tuple) else value * ones
        for name, value in changes.items()
    }
    return geometry.warp(images, **told).numpy()


def reference(image, matrix):
    """Return what OpenCV makes of an image; the matrix leads from the result to the image."""
    height, width = image.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        image, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT
    )


def centred(linear, move=(0, 0)):
    """Return the matrix of a change about the centre of 32 x 24 pixels."""
    centre = np.array([15.5, 11.5])
    return np.c_[linear, centre - np.array(linear) @ centre - np.array(move)]


COS, SIN = np.cos(0.5), np.sin(0.5)


@pytest.mark.parametrize(
    ("changes", "matrix"),
    [
        ({}, centred([[1, 0], [0, 1]])),
        ({"rotation": 0.5}, centred([[COS, -SIN], [SIN, COS]])),
        ({"size": 1.5}, centred([[1 / 1.5, 0], [0, 1 / 1.5]])),
        ({"shear": (0.3, 0.0)}, centred([[1, 0.3], [0, 1]])),
        ({"shear": (0.0, -0.2)}, centred([[1, 0], [-0.2, 1]])),
        ({"move": (4.0, -3.0)}, centred([[1, 0], [0, 1]], (4, -3))),
    ],
)
def test_a_change_is_opencvs(images, changes, matrix):
    found = warp(images, **changes).astype(int)
    for image, ours in zip(images, found, strict=True):
        assert (
            np.abs(ours - reference(image, matrix)).max() <= 3
        )  # OpenCV counts in 32nds of a pixel


def test_a_quarter_turn_moves_each_pixel(images):
    square = images[:, :, :24]
    assert (warp(square, rotation=np.pi / 2) == np.rot90(square, axes=(1, 2))).all()


def test_each_image_has_its_own_change(images):
    from pipeline.train.augmentation import geometry

    moves = np.arange(len(images), dtype=np.float32)
    found = geometry.warp(images, move=(moves, 0 * moves)).numpy()
    for move, image, ours in zip(range(len(images)), images, found, strict=True):
        assert (ours[:, move:] == image[:, : 32 - move]).all()


def test_two_bytes_a_value_stay_two(images):
    large = images.astype(np.uint16) * 257
    found = warp(large, rotation=0.0)
    assert found.dtype == np.uint16
    assert (found == large).all()
