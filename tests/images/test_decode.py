import io

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.images import decode as image_decode
from pipeline.images.decode import decode
from pipeline.images.formats import ImageError
from pipeline.images.header import Header
from tests.support.builders import encode, palette_png, pixels, png
from tests.support.hostile.images import (
    LADDER,
    huge_bmp,
    huge_jpeg,
    huge_png,
    interlaced_png,
    saved,
    transparent_png,
    wrong_crc_png,
)

COLOUR = pixels([0], (6, 5, 3))[0]
GREY = pixels([0], (6, 5, 1))[0]
DEEP = pixels([0], (6, 5, 3), bits=16)[0]


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp"])
def test_colour_is_rgb_as_a_second_decoder_says(suffix):
    content = encode(COLOUR, suffix)
    if suffix == ".webp":  # OpenCV's default for it loses
        content = cv2.imencode(suffix, COLOUR[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 101])[1]
        content = content.tobytes()
    found = decode(content, (6, 5, 3), 8)
    assert found.dtype == np.uint8
    assert (found == np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))).all()
    assert (found == COLOUR).all()


def test_jpeg_is_near_a_second_decoders():
    smooth = np.linspace(0, 255, 32 * 32 * 3).reshape(32, 32, 3).astype(np.uint8)
    content = encode(smooth, ".jpg")
    second = np.asarray(Image.open(io.BytesIO(content)))
    assert np.abs(decode(content, (32, 32, 3), 8).astype(int) - second).max() <= 2


def test_red_is_the_first_channel():
    content = png(1, 1, 8, 2, [bytes([255, 0, 0])])
    assert decode(content, (1, 1, 3), 8).tolist() == [[[255, 0, 0]]]


def test_grey_stays_grey_or_becomes_equal_channels():
    content = encode(GREY)
    assert (decode(content, (6, 5, 1), 8) == GREY).all()
    assert (decode(content, (6, 5, 3), 8) == GREY.repeat(3, axis=2)).all()


def test_colour_becomes_grey_by_the_weights_of_bt_601():
    found = decode(encode(COLOUR), (6, 5, 1), 8)
    assert found.shape == (6, 5, 1)
    expected = COLOUR @ np.array([0.299, 0.587, 0.114])
    assert np.abs(found[..., 0] - expected).max() <= 1


def test_16_bits_stay_16_bits():
    rows = [row.astype(">u2").tobytes() for row in DEEP]
    found = decode(png(5, 6, 16, 2, rows), (6, 5, 3), 16)
    assert found.dtype == np.uint16
    assert (found == DEEP).all()


def test_exif_does_not_rotate():
    image = Image.fromarray(np.zeros((4, 9, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # by a quarter to the right
    stream = io.BytesIO()
    image.save(stream, "JPEG", exif=exif)
    assert decode(stream.getvalue(), (4, 9, 3), 8).shape == (4, 9, 3)


def gif():
    stream = io.BytesIO()
    Image.fromarray(GREY[..., 0]).save(stream, "GIF")
    return stream.getvalue()


def bmp(mode):
    stream = io.BytesIO()
    Image.fromarray(GREY[..., 0] if mode == "L" else COLOUR).convert(mode).save(stream, "BMP")
    return stream.getvalue()


def alpha(channels):
    return encode(np.dstack([COLOUR[..., : channels - 1], GREY]))


PALETTE = palette_png(np.zeros((6, 5), np.uint8), np.array([[9, 8, 7]], np.uint8))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"hello", "cannot be decoded"),
        (b"\x89PNG\r\n\x1a\n", "cannot be decoded"),
        (encode(COLOUR)[:60], "cannot be decoded"),
        (encode(COLOUR).replace(b"IDAT", b"IDAX"), "cannot be decoded"),
        (alpha(4), "has an alpha channel"),
        (png(5, 6, 8, 4, [bytes(10)] * 6), "has an alpha channel"),
        (PALETTE, "has a palette"),
        (transparent_png(), "has a transparent colour"),
        (saved("PNG", frames=2), "is animated"),
        (saved("WEBP", frames=2), "has several frames"),
        (saved("TIFF", frames=2), "has several frames"),
        (saved("JPEG", "CMYK"), "is CMYK, not RGB or grey"),
        (saved("TIFF", "LAB"), "is LAB, not RGB or grey"),
        (saved("TIFF", "LA"), "has an alpha channel"),
        (
            saved("PCX"),
            "is PCX, not one of AVIF, BMP, GIF, HEIF, JPEG, JPEG2000, MPO, PNG, PPM, TIFF, WEBP",
        ),
        (gif(), "has a palette"),
        (bmp("P"), "has a palette"),
        (encode(COLOUR[:5]), "is 5x5 pixels, not 5x6"),
        (encode(DEEP), "is of type uint16, not uint8 (decode.bits: 8)"),
    ],
)
def test_what_cannot_be_used_says_why(content, reason):
    with pytest.raises(ImageError) as raised:
        decode(content, (6, 5, 3), 8)
    assert str(raised.value) == reason


def test_8_bits_are_not_16():
    with pytest.raises(ImageError, match="is of type uint8, not uint16"):
        decode(encode(COLOUR), (6, 5, 3), 16)


def test_the_size_is_compared_before_anything_is_decoded(monkeypatch):
    monkeypatch.setattr("cv2.imdecode", None)  # not called
    for content in huge_png(), huge_bmp(), huge_jpeg():
        with pytest.raises(ImageError, match=r"is 60000x60000 pixels, not 5x6"):
            decode(content, (6, 5, 3), 8)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".webp", ".ppm"])
def test_declared_size_is_that_of_the_image(suffix):
    assert Header.read(encode(COLOUR, suffix)).size == (5, 6)


def test_grey_palette_of_a_bmp_is_grey():
    assert (decode(bmp("L"), (6, 5, 1), 8) == GREY).all()


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_grey_of_fewer_bits_is_scaled_to_eight(depth):
    content = png(8, 1, depth, 0, [bytes([0b00011011] * depth)])
    with Image.open(io.BytesIO(content)) as image:
        expected = np.asarray(image.convert("L"))
    assert (decode(content, (1, 8, 1), 8)[..., 0] == expected).all()


def test_interlaced_png():
    assert (decode(interlaced_png(), (8, 8, 1), 8)[..., 0] == LADDER).all()


def test_progressive_jpeg_is_as_the_baseline_one():
    found = []
    for progressive in False, True:
        stream = io.BytesIO()
        Image.fromarray(COLOUR).save(stream, "JPEG", progressive=progressive)
        found.append(decode(stream.getvalue(), (6, 5, 3), 8))
    assert (found[0] == found[1]).all()


def test_want_of_memory_is_no_fault_of_the_image(monkeypatch):
    monkeypatch.setattr(image_decode, "SPARE", 1 << 60)  # more than there is
    with pytest.raises(MemoryError):
        decode(wrong_crc_png(), (8, 8, 3), 8)
