import numpy as np
import pytest
from PIL import Image, ImageOps

pytestmark = pytest.mark.usefixtures("tensorflow")


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(20, 200, (4, 8, 9, 3)).astype(np.uint8)


def ones(images, value=1.0):
    return np.full(len(images), value, np.float32)


def pillow(change, images):
    return np.stack([np.asarray(change(Image.fromarray(image))) for image in images])


@pytest.mark.parametrize(
    ("brighter", "contrast"), [(0.0, 1.0), (0.2, 1.0), (-0.9, 1.0), (0.1, 2.5)]
)
def test_adjusted_is_numpys(images, brighter, contrast):
    import tensorflow as tf

    from pipeline.train.augmentation import light

    found = light.adjusted(
        tf.constant(images), ones(images, brighter), ones(images, contrast)
    ).numpy()
    mean = images.mean((1, 2, 3), keepdims=True)
    expected = np.clip((images - mean) * contrast + mean + brighter * 255, 0, 255)
    assert np.abs(found - expected).max() <= 0.51


@pytest.mark.parametrize("bits", [0, 1, 4])
def test_posterized_is_pillows(images, bits):
    import tensorflow as tf

    from pipeline.train.augmentation import light

    found = light.posterized(tf.constant(images), ones(images, 2**bits)).numpy()
    assert (found == pillow(lambda image: ImageOps.posterize(image, 8 - bits), images)).all()


@pytest.mark.parametrize("threshold", [0, 100, 256])
def test_solarized_is_pillows(images, threshold):
    import tensorflow as tf

    from pipeline.train.augmentation import light

    found = light.solarized(tf.constant(images), ones(images, threshold / 255)).numpy()
    assert (found == pillow(lambda image: ImageOps.solarize(image, threshold), images)).all()


def test_stretched_is_pillows(images):
    import tensorflow as tf

    from pipeline.train.augmentation import light

    found = light.stretched(tf.constant(images)).numpy().astype(int)
    assert np.abs(found - pillow(ImageOps.autocontrast, images)).max() <= 1  # which truncates
    assert (light.stretched(tf.fill((1, 2, 2, 1), tf.constant(7, tf.uint8))).numpy() == 7).all()
