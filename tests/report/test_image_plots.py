import hashlib

import matplotlib
import numpy as np
import pytest

from pipeline.report import image_plots, plots
from pipeline.report.image_plots import Mistake, Sample


def image(value, shape=(4, 4, 1)):
    return np.full(shape, value, np.float32)


def captions(axes, lines):
    """The captions' lines, image by image."""
    texts = [text.get_text() for text in axes.texts]
    return [tuple(texts[start : start + lines]) for start in range(0, len(texts), lines)]


def values(axes):
    """The value of each (one-coloured) image that is drawn."""
    return [round(float(drawn.get_array().flat[0]), 3) for drawn in axes.images]


def every_picture(channels):
    shape = (4, 5, channels)
    pixels = np.arange(20 * channels, dtype=np.uint8).reshape(shape)
    return {
        "samples": image_plots.samples([[Sample(image(0.5, shape), "$7", r"$\frac{")], []]),
        "mistakes": image_plots.mistakes([Mistake(image(0.5, shape), "7", "$a$", "猫", 0.75)]),
        "none": image_plots.mistakes([]),
        "matrix": image_plots.matrix((pixels / 255).astype(np.float32), pixels, "$a (1)"),
    }


def digests(folder, channels):
    found = {}
    for name, figure in every_picture(channels).items():
        plots.save(figure, folder / f"{name}.png", 50)
        found[name] = hashlib.sha256((folder / f"{name}.png").read_bytes()).hexdigest()
    return found


@pytest.mark.parametrize("channels", [1, 3])
def test_the_users_settings_change_no_byte(tmp_path, channels):
    plain = digests(tmp_path, channels)
    hostile = {"font.size": 30, "image.interpolation": "lanczos", "image.origin": "lower"}
    with matplotlib.rc_context(hostile):
        assert digests(tmp_path, channels) == plain


def test_each_sample_stands_over_its_own_caption():
    classes = [
        [Sample(image(0.1), "train-3", "cat"), Sample(image(0.2), "train-4", "cat")],
        [Sample(image(0.3), "train-0", "dog")],
    ]
    (axes,) = image_plots.samples(classes).axes
    assert values(axes) == [0.1, 0.3, 0.2]
    assert captions(axes, 2) == [("cat", "train-3"), ("dog", "train-0"), ("cat", "train-4")]
    for number, drawn in enumerate(axes.images):
        left, right, bottom, top = drawn.get_extent()
        for text in axes.texts[2 * number : 2 * number + 2]:
            x, y = text.get_position()
            assert x == left
            assert bottom < y < bottom + 3 * image_plots.LINE
        assert right > left
        assert bottom > top
    assert axes.images[0].get_extent()[0] == axes.images[2].get_extent()[0]  # a column a class


def test_many_classes_continue_below(tmp_path):
    classes = [
        [Sample(image(number / 200), f"{number}-{k}", f"class {number}") for k in range(2)]
        for number in range(100)
    ]
    figure = image_plots.samples(classes)
    plots.save(figure, tmp_path / "a.png", 50)
    (axes,) = figure.axes
    assert len(axes.images) == 200
    assert captions(axes, 2)[20] == ("class 10", "10-0")
    assert captions(axes, 2)[199] == ("class 99", "99-1")
    assert figure.get_figwidth() < 13


def test_mistakes_say_what_was_taken_for_what():
    wrong = [
        Mistake(image(0.9), "test-5", "Shirt", "Coat", 0.9876),
        Mistake(image(0.4), "test-2", "Bag", "a very long name of a class", 0.5),
    ]
    (axes,) = image_plots.mistakes(wrong).axes
    assert values(axes) == [0.9, 0.4]
    assert captions(axes, 3) == [
        ("true Shirt", "predicted Coat", "98.8% · test-5"),
        ("true Bag", "predicted a very long nam…", "50.0% · test-2"),
    ]


def test_without_mistakes_the_picture_says_so():
    figure = image_plots.mistakes([])
    assert [text.get_text() for text in figure.texts] == [
        "No mistakes: every image is classified correctly."
    ]


@pytest.mark.parametrize(("channels", "kind"), [(1, np.uint8), (3, np.uint8), (1, np.uint16)])
def test_the_matrix_holds_every_value(channels, kind):
    pixels = np.random.default_rng(5).integers(0, np.iinfo(kind).max + 1, (7, 5, channels), kind)
    normalized = (pixels / np.iinfo(kind).max).astype(np.float32)
    picture, *panels = image_plots.matrix(normalized, pixels, "Coat (train-5000)").axes
    assert picture.get_title(loc="left") == "Coat (train-5000)"
    np.testing.assert_array_equal(picture.images[0].get_array(), normalized.squeeze())
    assert len(panels) == channels
    for channel, axes in enumerate(panels):
        found = np.zeros((7, 5), kind)
        for text in axes.texts:
            column, row = text.get_position()
            found[int(row), int(column)] = int(text.get_text())
        np.testing.assert_array_equal(found, pixels[..., channel])
    names = [axes.get_title(loc="left").split(",")[0] for axes in panels]
    assert names == (["grey"] if channels == 1 else ["red", "green", "blue"])


def test_the_matrix_of_a_large_image_is_its_middle():
    pixels = np.arange(100 * 40, dtype=np.uint16).reshape(100, 40, 1)
    _, axes = image_plots.matrix(pixels.astype(np.float32) / 65535, pixels, "large").axes
    assert len(axes.texts) == 32 * 32
    for text in axes.texts:
        column, row = text.get_position()
        assert int(text.get_text()) == pixels[int(row), int(column), 0]
    assert axes.texts[0].get_position() == (4, 34)
