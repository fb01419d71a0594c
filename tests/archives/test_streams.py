import bz2
import gzip
import io
import lzma
import zlib

import pytest
from backports import zstd

from pipeline.archives import streams
from tests.support.archives import NOISE

COMPRESS = {
    ".tar.gz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
    ".tar.zst": zstd.compress,
}
CONTENT = NOISE[:300_000] + bytes(3_000_000)


def read(content, suffix):
    return streams.Decompressed(io.BytesIO(content), streams.NEW[suffix])


@pytest.mark.parametrize(("suffix", "compress"), COMPRESS.items())
def test_streams_one_after_the_other(suffix, compress):
    parts = [CONTENT[at : at + 1000] for at in range(0, 50_000, 1000)] + [CONTENT]
    joined = b"".join(compress(part) + bytes(number) for number, part in enumerate(parts))
    assert io.BufferedReader(read(joined, suffix)).read() == b"".join(parts)


@pytest.mark.parametrize(("suffix", "compress"), COMPRESS.items())
def test_no_more_comes_out_than_is_asked_for(suffix, compress):
    stream = read(compress(bytes(50_000_000)), suffix)
    assert [stream.readinto(bytearray(1000)) for _ in range(3)] == [1000] * 3


@pytest.mark.parametrize(("suffix", "compress"), COMPRESS.items())
def test_streams_without_content_are_few(suffix, compress, monkeypatch):
    monkeypatch.setattr(streams, "MOST_EMPTY", 10)
    few = compress(b"1") + 10 * compress(b"") + compress(b"2")
    assert io.BufferedReader(read(few, suffix)).read() == b"12"
    many = compress(b"1") + 11 * compress(b"") + compress(b"2")
    with pytest.raises(ValueError, match="more than 10 compressed streams without content"):
        io.BufferedReader(read(many, suffix)).read()


@pytest.mark.parametrize(("suffix", "compress"), COMPRESS.items())
def test_a_stream_that_ends_early(suffix, compress):
    content = compress(CONTENT)
    for length in (0, 3, len(content) // 2, len(content) - 1):
        with pytest.raises(EOFError, match="the compressed data ends too early"):
            io.BufferedReader(read(content[:length], suffix)).read()


def test_deflate_as_zlib_has_it():
    decompressor = streams.Inflate(-15)
    raw = zlib.compress(CONTENT, wbits=-15)
    assert b"".join(streams.limited(io.BytesIO(raw), len(raw), decompressor, 10)) == CONTENT[:10]
    whole = streams.limited(io.BytesIO(raw + b"more"), len(raw), streams.Inflate(-15), 1 << 40)
    assert b"".join(whole) == CONTENT


def test_a_dictionary_is_no_larger_than_the_content():
    properties = bytes([(2 * 5 + 1) * 9 + 3]) + (1 << 31).to_bytes(4, "little")
    assert streams.lzma_filter(properties, 1_000_000) == {
        "id": lzma.FILTER_LZMA1, "dict_size": 1_000_000, "lc": 3, "lp": 1, "pb": 2,
    }  # fmt: skip
    assert streams.lzma2_filter(bytes([40]), 10)["dict_size"] == 4096
    assert streams.lzma2_filter(bytes([17]), 1 << 40)["dict_size"] == 3 << 19
    with pytest.raises(NotImplementedError, match="needs too much memory"):
        streams.lzma_filter(properties, 1 << 30)


@pytest.mark.parametrize("properties", [b"", b"\xff\0\0\1\0", b"\x5d\0\0\1", b"\x5d\0\0\1\0\0"])
def test_properties_that_there_are_not(properties):
    with pytest.raises(lzma.LZMAError, match="no properties of LZMA"):
        streams.lzma_filter(properties, 10)
    with pytest.raises(lzma.LZMAError, match="no properties of LZMA2"):
        streams.lzma2_filter(properties, 10)
