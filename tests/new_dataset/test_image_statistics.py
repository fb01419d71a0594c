"""Statistics of images: headers say what is decoded, and parameters follow from them."""

import io

import numpy as np
import pytest
from PIL import Image

from pipeline.core.errors import DataError
from pipeline.images import decode
from pipeline.images.convert import ALL
from pipeline.new_dataset.image_statistics import (
    DECODED,
    KEPT,
    STEP,
    Header,
    ImageStatistics,
)
from pipeline.new_dataset.image_statistics import header as header_of
from tests.support.builders import encode, palette_png, pixels, png

CONVERT = {"convert": ALL.model_dump()}


def header(content):
    return header_of(decode.examine(content, ALL))


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


def test_headers_are_of_what_is_seen():
    for suffix in ".png", ".webp", ".tiff":
        assert header(encode(np.zeros((5, 7, 4), np.uint8), suffix)) == Header(7, 5, 3, 8)
    photo, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (7, 5)).save(photo, "JPEG", exif=exif)
    assert header(photo.getvalue()) == Header(5, 7, 3, 8)


def statistics(*contents):
    images = ImageStatistics()
    for number, content in enumerate(contents):
        images.add(str(number), "cat", content)
    return images


def blank(height, width, channels=3):
    return encode(np.zeros((height, width, channels), np.uint8))


def test_images_of_one_small_size_are_taken_as_they_are():
    assert statistics(blank(28, 20, 1)).decode() == CONVERT | {
        "format": "parquet",
        "shape": [28, 20, 1],
    }


def test_images_of_several_sizes_or_large_ones_are_resized():
    found = statistics(blank(28, 20), blank(30, 40, 1), blank(40, 37))
    expected = {"format": "parquet", "resize": "crop"} | CONVERT
    assert found.decode() == expected | {"shape": [32, 32, 3]}
    found = statistics(blank(200, 300))
    assert found.decode() == expected | {"shape": [128, 128, 3]}


def test_faults_are_counted_by_class_and_left_out():
    found = statistics(blank(5, 7), b"", b"nothing", b"")
    found.add("5", "dog", b"nothing")
    assert found.faults == {
        ("is empty", "cat"): 2,
        ("cannot be decoded", "cat"): 1,
        ("cannot be decoded", "dog"): 1,
    }
    assert found.classes == {"cat": 1, "dog": 0}
    assert found.reasons("cat") == "is empty: 2, cannot be decoded: 1"
    assert found.decode()["on_bad_image"] == "quarantine"
    words = "is empty: 2 (cat: 2), cannot be decoded: 2 (cat: 1, dog: 1)"
    assert dict(found.described())["cannot be used"] == words
    with pytest.raises(DataError, match="no image can be used: cannot be decoded: 1"):
        statistics(b"nothing").decode()


def test_headers_alone_are_not_believed():
    noise = encode(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8), ".jpg")
    cut = noise[: len(noise) // 2]
    assert header(cut) == header(noise)
    found = statistics(noise, cut)
    assert found.faults == {("ends too early: more than a tenth of its rows is missing", "cat"): 1}
    assert found.decode()["on_bad_image"] == "quarantine"


def test_of_many_images_of_a_class_and_format_a_sample_is_decoded():
    found = statistics(*[blank(5, 7)] * (DECODED + 2 * STEP))
    found.add("x", "cat", encode(np.zeros((5, 7, 3), np.uint8), ".bmp"))
    found.add("y", "dog", blank(5, 7))
    assert found.decoded == DECODED + 2 + 2
    assert dict(found.described())["decoded"].startswith("104, some of each class")
    assert "decoded" not in dict(statistics(blank(5, 7)).described())


def test_of_several_depths_the_most_frequent_is_taken_and_too_large_images_are_faults():
    found = statistics(blank(5, 7), blank(5, 7), encode(np.zeros((5, 7), np.uint16)))
    found.add("4", "dog", png(60_000, 60_000, 8, 2, []))
    assert found.decode() == CONVERT | {
        "format": "parquet",
        "shape": [5, 7, 3],
        "on_bad_image": "quarantine",
    }
    assert dict(found.described())["depth"] == "8 bits: 2, 16 bits: 1"
    assert found.reasons("dog").startswith("is 60000x60000 pixels, above 50,000,000 in all")
    assert found.classes == {"cat": 3, "dog": 0}


def test_images_that_are_not_plain_are_counted_by_what_they_need():
    palette = palette_png(np.zeros((5, 7), np.uint8), np.zeros((2, 3), np.uint8))
    noise = encode(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8), ".jpg")
    alpha = encode(np.zeros((5, 7, 4), np.uint8))
    found = statistics(palette, alpha, alpha, noise[:-2])
    assert found.faults == {}
    assert dict(found.described())["converted"] == "alpha: 2, palette: 1, truncated: 1"


def test_files_that_are_passed_over_are_counted_by_suffix():
    found = statistics(blank(5, 7))
    found.passed = ["a/1.JFIF", "b/2.jfif", "b/README", "c/x.tar.gz"]
    words = dict(found.described())["passed over"]
    assert words == "2 .jfif, 1 without suffix, 1 .gz"


def test_images_of_two_subsets_are_told():
    found = ImageStatistics()
    for number, (subset, side) in enumerate([("train", 5), ("train", 5), ("test", 6), ("test", 5)]):
        found.add(str(number), "cat", blank(side, 7), subset)
    assert found.repeated == [("0", "3")]
    assert found.trained == {"cat": 2}
    arrays = pixels([0, 1, 2], (5, 7))
    found.add_arrays("train", arrays, np.arange(3))
    found.add_arrays("test", arrays[1:2], np.arange(1))
    assert found.repeated == [("0", "3"), ("train-1", "test-0")]


def test_arrays_and_their_labels():
    found = ImageStatistics()
    labels = np.array([0, 2, 2], np.uint8)
    found.add_arrays("train", pixels(labels, (5, 7)), labels)
    assert found.classes == {"0": 1, "2": 2}
    assert found.headers == {Header(7, 5, 1, 8): 3}
    assert [kept.id for kept in found.kept["2"]] == ["train-1", "train-2"]


def test_few_images_are_kept():
    assert len(statistics(*[blank(5, 7)] * (KEPT + 5)).kept["cat"]) == KEPT
