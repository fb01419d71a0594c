"""Statistics of images: headers say what is decoded, and parameters follow from them."""

import io

import numpy as np
import pytest
from PIL import Image

from pipeline.core.errors import DataError
from pipeline.images import decode
from pipeline.images.decode import ImageError
from pipeline.new_dataset.image_statistics import KEPT, Header, ImageStatistics, header
from tests.support.builders import encode, palette_png, pixels


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tiff", ".webp", ".ppm"])
def test_headers_are_what_is_decoded(suffix):
    content = encode(np.zeros((5, 7, 3), np.uint8), suffix)
    assert header(content) == Header(7, 5, 3, 8)
    assert decode.decode(content, (5, 7, 3), 8).shape == (5, 7, 3)


def test_depth_and_grey():
    assert header(encode(np.zeros((5, 7), np.uint16))) == Header(7, 5, 1, 16)
    assert header(encode(np.zeros((5, 7, 3), np.uint16))) == Header(7, 5, 3, 16)
    assert header(encode(np.zeros((5, 7), np.uint16), ".tiff")).bits == 16
    bilevel = io.BytesIO()
    Image.new("1", (7, 5)).save(bilevel, "PNG")
    assert header(bilevel.getvalue()) == Header(7, 5, 1, 8)


def test_alpha_is_a_fault():
    for content in (encode(np.zeros((5, 7, 4), np.uint8), s) for s in (".png", ".webp", ".tiff")):
        with pytest.raises(ImageError, match="has an alpha channel"):
            header(content)


def statistics(*contents):
    images = ImageStatistics()
    for number, content in enumerate(contents):
        images.add(str(number), "cat", content)
    return images


def blank(height, width, channels=3):
    return encode(np.zeros((height, width, channels), np.uint8))


def test_images_of_one_small_size_are_taken_as_they_are():
    assert statistics(blank(28, 20, 1)).decode() == {"format": "parquet", "shape": [28, 20, 1]}


def test_images_of_several_sizes_or_large_ones_are_resized():
    found = statistics(blank(28, 20), blank(30, 40, 1), blank(40, 37))
    assert found.decode() == {"format": "parquet", "shape": [32, 32, 3], "resize": "crop"}
    found = statistics(blank(200, 300))
    assert found.decode() == {"format": "parquet", "shape": [64, 64, 3], "resize": "crop"}


def test_faults_are_counted_and_left_out():
    palette = palette_png(np.zeros((5, 7), np.uint8), np.zeros((2, 3), np.uint8))
    found = statistics(blank(5, 7), palette, b"nothing", palette)
    assert found.faults == {"has a palette": 2, "cannot be decoded": 1}
    assert found.decode()["on_bad_image"] == "quarantine"
    assert dict(found.described())["cannot be used"] == "has a palette: 2, cannot be decoded: 1"
    with pytest.raises(DataError, match="no image can be used: cannot be decoded: 1"):
        statistics(b"nothing").decode()


def test_arrays_and_other_names():
    found = ImageStatistics()
    labels = np.array([0, 2, 2], np.uint8)
    found.add_arrays("train", pixels(labels, (5, 7)), labels)
    assert found.classes == {"0": 1, "2": 2}
    assert found.headers == {Header(7, 5, 1, 8): 3}
    assert [kept.id for kept in found.kept["2"]] == ["train-1", "train-2"]
    found.rename({"0": "cat", "2": "cat"})
    assert found.classes == {"cat": 3}
    assert len(found.kept["cat"]) == 3


def test_few_images_are_kept():
    assert len(statistics(*[blank(5, 7)] * (KEPT + 5)).kept["cat"]) == KEPT
