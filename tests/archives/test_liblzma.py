"""The fast decoder against Python's own."""

import io
import lzma
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.archives import liblzma

LZMA, LZMA2 = liblzma.FILTERS
CONTENT = random.Random(0).randbytes(2_000_000) + bytes(3_000_000) + b"abc" * 100_000

pytestmark = pytest.mark.skipif(
    not liblzma.load(), reason="Pillow has no liblzma of 5.6 or later for this machine"
)


def packed(content, method, dictionary=1 << 20):
    """A raw stream, and its settings as a .7z writes them."""
    if method == LZMA2:
        filters = [{"id": lzma.FILTER_LZMA2, "dict_size": dictionary}]
        properties = bytes([16])  # 1 MB
    else:
        filters = [{"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": 3, "lp": 0, "pb": 2}]
        properties = bytes([(2 * 5 + 0) * 9 + 3]) + struct.pack("<I", dictionary)
    return lzma.compress(content, format=lzma.FORMAT_RAW, filters=filters), properties


def decode(raw, method, properties, length, behind=b""):
    return b"".join(liblzma.decode(io.BytesIO(raw + behind), len(raw), method, properties, length))


@pytest.mark.parametrize("method", [LZMA, LZMA2])
@pytest.mark.parametrize("content", [b"", b"a", CONTENT], ids=["empty", "one byte", "5 MB"])
def test_what_python_packs(method, content):
    raw, properties = packed(content, method)
    assert decode(raw, method, properties, len(content), behind=b"more") == content


@given(st.binary(max_size=3000), st.sampled_from([LZMA, LZMA2]), st.data())
def test_damage_ends_in_an_error_or_in_other_bytes(content, method, data):
    raw, properties = packed(content, method)
    position = data.draw(st.integers(0, len(raw) - 1))
    broken = bytearray(raw)
    broken[position] ^= data.draw(st.integers(1, 255))
    try:
        decoded = decode(bytes(broken), method, properties, len(content))
    except lzma.LZMAError:
        return
    assert len(decoded) <= len(content)


@pytest.mark.parametrize("method", [LZMA, LZMA2])
def test_a_stream_that_ends_too_early_gives_what_there_is(method):
    raw, properties = packed(CONTENT, method)
    decoded = decode(raw[:100_000], method, properties, len(CONTENT))
    assert 50_000 < len(decoded) < len(CONTENT)
    assert CONTENT.startswith(decoded)


@pytest.mark.parametrize("properties", [b"", b"\xff", b"\x05" * 9])
def test_settings_that_there_are_not(properties):
    with pytest.raises(lzma.LZMAError, match="liblzma's error 8"):
        decode(b"\0" * 100, LZMA2, properties, 10)
