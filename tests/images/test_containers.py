import io
import struct

import numpy as np
import pytest
from PIL import Image

from pipeline.images import containers
from pipeline.images.decode import decode
from pipeline.images.formats import ImageError
from tests.support.hostile.images import saved, tiff


@pytest.mark.parametrize("kind", ["TIFF", "PPM", "JPEG2000", "BMP", "WEBP"])
def test_good_files_have_no_fault(kind):
    assert containers.fault(saved(kind)) is None


def test_tiffs_of_both_orders_and_both_kinds_have_no_fault():
    for big_tiff in False, True:
        assert containers.fault(saved("TIFF", big_tiff=big_tiff)) is None
    assert containers.fault(tiff(order=">")) is None
    assert decode(tiff(order=">"), (8, 8, 3), 8).shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tiff({273: [8] * 100_001}), "is in 100,001 pieces, above 100,000"),
        (tiff({322: [60_000], 323: [60_000]}), "has tiles of 10,800,000,000 bytes"),
        (tiff({n: [1] for n in range(50_000, 54_100)}), "has a directory of 4,1"),
        (tiff()[:-20], "cannot be decoded"),
        (b"II*\0" + struct.pack("<I", 2**32 - 1), "cannot be decoded"),
        (b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**60), "has a directory of"),
        (saved("JPEG2000")[:12] + b"\0\0\0\x08free" * 100_000, "in more than 100,000 boxes"),
        (b"P5 #" + b"a" * 5000 + b"\n8 8 255\n" + bytes(64), "cannot be decoded"),
    ],
)
def test_what_a_library_would_follow_is_refused(monkeypatch, content, words):
    monkeypatch.setattr("PIL.Image.open", None)  # not called
    with pytest.raises(ImageError, match=words):
        decode(content, (8, 8, 3), 8)


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("tile", [0, 5, 15])
def test_a_jpeg_2000_without_a_tile_is_refused(tile, wrapped):
    content = saved("JPEG2000", tile_size=(2, 2))
    start = content.index(b"\xff\x90")
    for _ in range(tile):
        start += int.from_bytes(content[start + 6 : start + 10], "big")
    end = start + int.from_bytes(content[start + 6 : start + 10], "big")
    first = 0 if wrapped else content.index(b"\xff\x4f\xff\x51")
    assert decode(content[first:], (8, 8, 3), 8).shape == (8, 8, 3)
    with pytest.raises(ImageError, match="has 15 of its 16 tiles"):
        decode(content[first:start] + content[end:], (8, 8, 3), 8)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_a_tiff_with_a_damaged_strip_is_refused(compression):
    content = bytearray(saved("TIFF", compression=compression))
    assert decode(bytes(content), (8, 8, 3), 8).shape == (8, 8, 3)
    content[20:60] = b"\xff" * 40
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode(bytes(content), (8, 8, 3), 8)


def test_the_checksum_of_a_tiffs_strip_counts():
    content = saved("TIFF", compression="tiff_adobe_deflate")
    with Image.open(io.BytesIO(content)) as image:
        end = image.tag_v2[273][0] + image.tag_v2[279][0]
    flipped = content[: end - 1] + bytes([content[end - 1] ^ 1]) + content[end:]
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode(flipped, (8, 8, 3), 8)


VALUES = np.arange(64).reshape(8, 8)


@pytest.mark.parametrize("maximum", [1, 63, 100, 254, 255, 256, 1000, 65534, 65535])
@pytest.mark.parametrize("number", [b"2", b"5"])
def test_a_pnms_maximum_is_white(number, maximum):
    values = VALUES % (maximum + 1)
    values[7, 7] = maximum
    kind, bits = (np.uint8, 8) if maximum < 256 else (">u2", 16)
    text = b"".join(b"%d\n" % value for value in values.ravel())
    body = text if number == b"2" else values.astype(kind).tobytes()
    found = decode(b"P%s 8 8 %d\n" % (number, maximum) + body, (8, 8, 1), bits)[..., 0]
    expected = values.astype(float) * (2**bits - 1) / maximum
    assert np.abs(found - expected).max() <= (1 if number == b"2" else 0.5)
    assert found[7, 7] == 2**bits - 1


def test_values_above_a_pnms_maximum_are_refused():
    with pytest.raises(ImageError, match="has values above the maximum that it declares"):
        decode(b"P5 8 8 50\n" + bytes(range(64)), (8, 8, 1), 8)
