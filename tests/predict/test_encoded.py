"""Encoded images adapted in a graph, compared with those that ``predict`` adapts."""

import cv2
import numpy as np
import pytest

from pipeline.images.convert import Convert
from pipeline.predict.adapt import Adapter

pytestmark = pytest.mark.usefixtures("tensorflow")

HEIGHT, WIDTH = 16, 12
LARGER = (32, 24), (50, 37), (240, 320)
OTHERS = (9, 7), (12, 16), (8, 90), (90, 8), (1, 1), (1, 4000)


def photo(rng, height, width, channels, kind=np.uint8):
    """Return smooth colours with noise."""
    rough = rng.uniform(0, 255, (height // 6 + 2, width // 6 + 2, channels)).astype(np.float32)
    smooth = cv2.resize(rough, (width, height)).reshape(height, width, channels)
    noisy = np.clip(smooth + rng.normal(0, 5, smooth.shape), 0, 255)
    return (noisy * (np.iinfo(kind).max / 255)).astype(kind)


def files(sizes, *, bits=8):
    """Return PNGs, grey, RGB and with transparency, and JPEGs, grey and RGB, of these sizes."""
    rng = np.random.default_rng(7)
    forms = [(".png", 1), (".png", 3), (".png", 4)]
    forms += [(".jpg", 1), (".jpg", 3)] if bits == 8 else []
    kind = np.uint8 if bits == 8 else np.uint16
    return [
        cv2.imencode(suffix, photo(rng, *size, channels, kind))[1].tobytes()
        for size in sizes
        for suffix, channels in forms
    ]


def differences(adapter, contents):
    """Return the differences of all pixels of images that a graph adapted, in steps of 255."""
    import tensorflow as tf

    from pipeline.predict import encoded

    found = tf.function(encoded.adapted)(tf.constant(contents), adapter).numpy()
    expected = np.stack([adapter(content).pixels for content in contents])
    assert expected.std() > 0.05
    return np.abs(found - expected) * 255


@pytest.mark.parametrize(("resize", "channels"), [("stretch", 1), ("crop", 3), ("pad", 3)])
def test_pixels_are_those_of_predict(resize, channels):
    sizes = [(HEIGHT, WIDTH), *LARGER, *OTHERS]
    found = differences(Adapter((HEIGHT, WIDTH, channels), declared=resize), files(sizes))
    same, shrunk, other = np.split(found, [5, 5 * (1 + len(LARGER))])
    assert same.max() < 1e-4
    assert shrunk.max() < 1.001
    assert (shrunk > 0.5).mean() < 0.01
    assert other.max() < 2.001


@pytest.mark.parametrize("background", ["white", "black"])
def test_transparency_and_depth_follow_the_policy(background):
    policy = Convert(alpha=background, depth="scale")
    adapter = Adapter((HEIGHT, WIDTH, 3), convert=policy)
    deep = files([(HEIGHT, WIDTH)], bits=16)
    grey, colour, transparent = differences(adapter, deep)
    assert max(grey.max(), colour.max()) < 1e-4
    assert transparent.max() < 1.001  # rounded twice, in another order
    of_16 = differences(adapter._replace(bits=16), [*deep, *files([(HEIGHT, WIDTH)])])
    assert of_16.max() < 0.51


def test_all_transparencies_of_all_values():
    values = np.dstack(np.meshgrid(np.arange(256), np.arange(256))).astype(np.uint8)
    content = cv2.imencode(".png", np.dstack([values[..., :1]] * 3 + [values[..., 1:]]))[1]
    for background in ("white", "black"):
        adapter = Adapter((256, 256, 3), background=background)
        assert differences(adapter, [content.tobytes()]).max() < 1e-4


def test_all_colours_become_the_same_grey():
    levels = np.arange(0, 256, 5, np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(-1, 52, 3)
    content = cv2.imencode(".png", colours)[1].tobytes()
    assert differences(Adapter((*colours.shape[:2], 1)), [content]).max() < 1e-4


def test_a_damaged_image_is_an_error():
    import tensorflow as tf

    from pipeline.predict import encoded

    good = files([(HEIGHT, WIDTH)])[0]
    for bad in (b"", b"no image", good[:60]):
        with pytest.raises(tf.errors.InvalidArgumentError):
            encoded.adapted(tf.constant([bad]), Adapter((HEIGHT, WIDTH, 3)))
