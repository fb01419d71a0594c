import io

import numpy as np
import pytest
from PIL import Image

from pipeline.images.formats import ImageError
from pipeline.images.header import Header
from tests.support.builders import encode, palette_png, png
from tests.support.hostile.images import saved


def test_png_is_described_as_pillow_describes_it():
    grey = np.zeros((6, 5), np.uint8)
    for content in (
        encode(np.zeros((6, 5, 3), np.uint8)),
        encode(np.zeros((6, 5, 4), np.uint8)),
        encode(grey),
        png(5, 6, 8, 4, [bytes(10)] * 6),
        png(5, 6, 8, 2, [bytes(15)] * 6, (b"tRNS", bytes(6))),
        palette_png(grey, np.array([[9, 8, 7]], np.uint8)),
        saved("PNG", frames=2),
    ):
        found = Header.read(content)
        with Image.open(io.BytesIO(content)) as image:
            assert (found.mode, found.width, found.height) == (image.mode, *image.size)
            assert found.has_alpha == image.has_transparency_data
            assert found.has_frames == image.is_animated


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_depth_and_channels(suffix, channels):
    for kind, bits in (np.uint8, 8), (np.uint16, 16):
        found = Header.read(encode(np.zeros((6, 5, channels), kind), suffix))
        assert (found.bits, found.channels) == (bits, channels)


def test_size_is_after_the_turn_and_orientation_is_read_only_if_asked_for():
    exif = Image.Exif()
    exif[0x0112] = 8
    for kind in "JPEG", "PNG", "WEBP":
        stream = io.BytesIO()
        Image.new("RGB", (7, 5)).save(stream, kind, exif=exif)
        assert Header.read(stream.getvalue()).size == (7, 5)
        assert Header.read(stream.getvalue(), orientation=True).size == (5, 7)


def test_a_png_whose_tags_pillow_refuses_is_not_turned():
    content = encode(np.zeros((6, 5, 3), np.uint8))
    tag = b"\0\0\0\x04zTXt" + b"a\0\0\xff" + b"\0\0\0\0"  # no zlib data
    assert Header.read(content[:33] + tag + content[33:], orientation=True).orientation == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n", "cannot be decoded"),
        (png(0, 6, 8, 2, []), "cannot be decoded"),
        (png(5, 6, 8, 5, []), "cannot be decoded"),
        (saved("TIFF", "LAB"), "is LAB, not RGB or grey"),
        (saved("ICO"), "is ICO, not one of AVIF, BMP"),
    ],
)
def test_what_declares_no_image_that_could_be_converted_is_refused(content, words):
    with pytest.raises(ImageError, match=words):
        Header.read(content)
