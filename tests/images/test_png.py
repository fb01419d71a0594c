import struct
import zlib

import numpy as np
import pytest

from pipeline.images import png
from pipeline.images.decode import decode
from pipeline.images.formats import ImageError
from tests.support.builders import encode
from tests.support.hostile.images import GOOD, interlaced_png, saved
from tests.support.hostile.images import _chunk as chunk

REST = GOOD[png.FIRST :]
HEAD = GOOD[: png.FIRST]


def test_a_plain_png_is_the_picture_itself():
    assert png.plain(GOOD) == GOOD[16:29]
    found = png.read(GOOD)
    assert found.picture is GOOD
    assert not found.tags
    assert not found.is_transparent
    assert not found.is_animated


def test_a_decoder_sees_the_picture_alone():
    text = chunk(b"tEXt", b"a\0b")
    content = HEAD + text + chunk(b"iCCP", b"?") + REST + b"behind"
    assert png.plain(content) is None
    found = png.read(content)
    assert found.picture == GOOD
    assert found.tags == HEAD + text + struct.pack(">I4s", 0, b"IDAT")
    assert (decode(content, (8, 8, 3), 8) == decode(GOOD, (8, 8, 3), 8)).all()


@pytest.mark.parametrize("length", [2**32 - 1, 2**32 - 12, 2**32 - 5, 2**31, 1 << 20])
@pytest.mark.parametrize("name", [b"IDAT", b"tEXt", b"PLTE"])
def test_a_chunk_that_is_not_there_is_not_looked_for(monkeypatch, length, name):
    monkeypatch.setattr("cv2.imdecode", None)  # not called
    for before, after in (HEAD, REST), (GOOD[:-12], GOOD[-12:]):
        content = before + struct.pack(">I4s", length, name) + after
        with pytest.raises(ImageError, match="cannot be decoded"):
            decode(content, (8, 8, 3), 8)


@pytest.mark.parametrize(
    "content",
    [
        GOOD[:-12],
        HEAD + GOOD[-12:],
        HEAD + HEAD[8:] + REST,
        HEAD + chunk(b"ABCD", b"") + REST,
        GOOD[:8] + chunk(b"gAMA", bytes(4)) + GOOD[8:],
        GOOD[:20],
    ],
)
def test_chunks_that_lack_or_are_out_of_place(content):
    assert png.read(content) is None


def data(rows):
    return HEAD + chunk(b"IDAT", zlib.compress(bytes(25 * rows))) + GOOD[-12:]


def test_data_of_more_pixels_than_the_header_says_are_refused():
    assert not png.has_more(data(8))
    assert png.has_more(data(9))
    assert decode(data(8), (8, 8, 3), 8).shape == (8, 8, 3)
    with pytest.raises(ImageError, match="has data of more pixels than its header says"):
        decode(data(9), (8, 8, 3), 8)
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode(data(7), (8, 8, 3), 8)


def test_good_files_have_no_more_than_their_pixels():
    large = encode(np.random.default_rng(0).integers(0, 256, (300, 200, 3), np.uint8))
    for content in large, interlaced_png(), saved("PNG", "1"), saved("PNG", "P"):
        assert not png.has_more(png.read(content).picture)


def test_a_wrong_sum_behind_the_pixels_is_no_traceback():
    content = saved("PNG", "P")
    start = content.index(b"IDAT")
    end = start + 4 + int.from_bytes(content[start - 4 : start], "big")
    wrong = chunk(b"IDAT", content[start + 4 : end - 1] + bytes([content[end - 1] ^ 1]))
    content = content[: start - 4] + wrong + content[end + 4 :]
    assert not png.has_more(content)
