import bz2
import gzip
import lzma
import subprocess
import tarfile
import zlib

import pytest

from pipeline.archives import tar_file
from tests.support.archives import (
    COMPRESS,
    FEW,
    MEMBERS,
    is_refused,
    read,
    refusal,
    tar,
    write,
)
from tests.support.builders import write_tar

COMPRESSED = [".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"]
IN_STREAMS = {".tar.bz2": bz2.compress, ".tar.xz": lzma.compress, ".tar.zst": COMPRESS[".tar.zst"]}


def test_names_as_tar_writes_them(tmp_path):
    """``tar czf a.tgz .`` writes "./" before each name."""
    path = write(tmp_path / "a.tgz", [("./", b""), ("./a.png", b"1"), ("./b/c.png", b"2")])
    assert read(path, "*.png") == [("a.png", b"1"), ("b/c.png", b"2")]


@pytest.mark.parametrize(("suffix", "compress"), IN_STREAMS.items())
def test_several_streams_one_after_the_other(tmp_path, suffix, compress):
    """As parallel compressors write them, with padding."""
    path = tmp_path / f"a{suffix}"
    content = tar(MEMBERS)
    pieces = [content[start : start + 100_000] for start in range(0, len(content), 100_000)]
    path.write_bytes(bytes(8).join(map(compress, pieces)) + bytes(12))
    assert read(path) == MEMBERS


@pytest.mark.parametrize(("suffix", "compress"), IN_STREAMS.items())
@pytest.mark.parametrize("damage", [slice(0, 1), slice(3, 4), slice(9, 10)])
def test_a_later_stream_that_is_damaged_is_an_error(tmp_path, suffix, compress, damage):
    path = tmp_path / f"a{suffix}"
    content = tar(FEW)
    second = bytearray(compress(content[2048:]))
    second[damage] = bytes([second[damage][0] ^ 0xFF])
    assert is_refused(path, compress(content[:2048]) + second, FEW)


@pytest.mark.parametrize(("suffix", "compress"), IN_STREAMS.items())
def test_what_stands_behind_the_end_is_an_error(tmp_path, suffix, compress):
    path = tmp_path / f"a{suffix}"
    assert is_refused(path, compress(tar(FEW)) + b"more", FEW)


def test_skippable_frames_of_zstd(tmp_path):
    """As ``pzstd`` writes them before each frame."""
    path = write(tmp_path / "a.tar.zst", FEW)
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"
    path.write_bytes(skippable + path.read_bytes() + skippable)
    assert read(path) == FEW


@pytest.mark.parametrize(
    ("suffix", "program"), [(".tar.bz2", "bzip2"), (".tar.xz", "xz"), (".tar.zst", "zstd")]
)
def test_what_other_programs_write(tmp_path, suffix, program):
    path = tmp_path / f"a{suffix}"
    try:
        done = subprocess.run([program, "-c"], input=tar(MEMBERS), capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip(f"there is no {program} here")
    path.write_bytes(done.stdout)
    assert read(path) == MEMBERS


def huge_dictionary_xz(content):
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
    header = bytearray(lzma.compress(content, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0}]))
    raw = lzma._encode_filter_properties(filters[0])
    header[16:17] = raw  # the block header: size, flags, filter, length of its settings, settings
    header[20:24] = zlib.crc32(header[12:20]).to_bytes(4, "little")
    return bytes(header)


def huge_window_zstd(content):
    magic, descriptor, window = b"\x28\xb5\x2f\xfd", b"\0", bytes([20 << 3])  # 2^30 bytes
    block = (len(content) << 3 | 1).to_bytes(3, "little")
    return magic + descriptor + window + block + content


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".tar.xz", huge_dictionary_xz), (".tar.zst", huge_window_zstd)]
)
def test_a_dictionary_that_would_fill_the_memory(tmp_path, suffix, compress):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(compress(tar(FEW)))
    assert "its compression needs too much memory; pack it again, with" in refusal(path)


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_what_is_behind_the_end_is_bounded(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(COMPRESS[suffix](tar(FEW) + bytes(65 << 20)))
    assert "more than 67,108,864 bytes behind its end" in refusal(path)


@pytest.mark.parametrize("kind", [tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_would_fill_the_memory(tmp_path, kind):
    info = tarfile.TarInfo("a")
    info.type = kind
    write_tar(tmp_path / "a.tgz", [(info, bytes(tar_file.CHUNK + 1))])
    assert "a header of 1,048,577 bytes" in refusal(tmp_path / "a.tgz")


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_a_tar_that_was_damaged_before_it_was_compressed(tmp_path, suffix):
    """As by a full disk: the compression is sound, so tar's own structure must tell."""
    path, compress, content = tmp_path / f"a{suffix}", COMPRESS[suffix], tar(FEW)
    end = 512 * (2 * 3 + 1)  # a header and a block each, and the empty member's header
    for length in range(0, end + 1, 64):
        assert is_refused(path, compress(content[:length]), FEW), length
    for header in range(0, end, 512 * 2):
        for position in (header, header + 124, header + 148):  # name, length, checksum
            damaged = bytearray(content)
            damaged[position] ^= 1
            assert is_refused(path, compress(bytes(damaged)), FEW), position


def test_gzip_with_a_wrong_checksum_at_its_end(tmp_path):
    path = write(tmp_path / "a.tar.gz", FEW)
    content = path.read_bytes()
    assert content[-8:-4] == zlib.crc32(gzip.decompress(content)).to_bytes(4, "little")
    path.write_bytes(content[:-8] + bytes(4) + content[-4:])
    assert "CRC check failed" in refusal(path)
