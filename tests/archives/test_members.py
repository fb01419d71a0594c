"""Archives in every format that is read: whole, above the limits and damaged."""

import tarfile
import tracemalloc
import zipfile

import py7zr
import pytest

from pipeline.archives import formats, limits
from pipeline.archives import members as archive_members
from pipeline.archives.limits import Limits
from pipeline.core.errors import DataError
from tests.support.archives import (
    COMPRESS,
    FEW,
    FOLDERS,
    LIMITS,
    MEMBERS,
    NOISE,
    flipped,
    is_refused,
    read,
    refusal,
    write,
)

SUFFIXES = list(archive_members.READERS)
WITHOUT_CHECKSUMS = {".zip", ".tar"}
"""Formats in which no checksum covers every content and every header."""
UNCOMPRESSED = {".tar"}


# Whole archives


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_members_in_the_archives_order(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", FOLDERS)
    assert read(path) == MEMBERS
    assert read(path, "train/*.png") == [m for m in MEMBERS if m[0] != "notes.txt"]
    assert read(path, "train/1.png") == [MEMBERS[-1]]
    assert read(path, "*.jpg") == []


def by_py7zr(path, folder):
    with py7zr.SevenZipFile(path) as archive:
        archive.extractall(folder)


def by_zipfile(path, folder):
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)


SAFELY = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # not in Python 3.11.2


def by_tarfile(path, folder):
    with tarfile.open(path) as archive:
        archive.extractall(folder, **SAFELY)


@pytest.mark.parametrize(
    ("suffix", "extract"),
    [
        (".7z", by_py7zr),
        (".zip", by_zipfile),
        (".tar", by_tarfile),
        (".tar.gz", by_tarfile),
        (".tar.bz2", by_tarfile),
        (".tar.xz", by_tarfile),
    ],
)
def test_same_as_an_extraction_to_disk(tmp_path, suffix, extract):
    path = write(tmp_path / f"a{suffix}", FOLDERS)
    out = tmp_path / "out"
    extract(path, out)
    files = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert files == dict(read(path))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_long_names(tmp_path, suffix):
    """Above 100 bytes, tar needs a header of its own for a name."""
    names = [f"{'long/' * 60}{number}.png" for number in range(3)]
    path = write(tmp_path / f"a{suffix}", [(name, b"x") for name in names])
    assert [name for name, _ in read(path)] == names


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_archive_without_members(tmp_path, suffix):
    assert read(write(tmp_path / f"a{suffix}", [])) == []


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_memory_does_not_grow_with_the_archive(tmp_path, suffix):
    """Nor with the ratio of its compression; py7zr's buffer for what it reads is 16 MB."""
    path = write(tmp_path / f"a{suffix}", ((f"{n}.bin", bytes(1 << 20)) for n in range(50)))
    tracemalloc.start()
    try:
        total = sum(len(content) for _, content in archive_members.members(path, "*", LIMITS))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 50 << 20
    assert peak < 25 << 20


# Limits; most hostile archives are in tests/support/hostile/


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_limits(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", [("a.bin", b"1" * 100), ("b.png", b"2" * 101)])
    assert len(read(path, "*", Limits(201, 101))) == 2
    assert "member 'b.png' is refused: with it the" in refusal(path, "*.bin", Limits(200, 101))
    assert "member 'b.png' is refused: it has 101" in refusal(path, "*.png", Limits(201, 100))


@pytest.mark.parametrize("suffix", [one for one in SUFFIXES if one not in UNCOMPRESSED])
def test_bomb(tmp_path, suffix, monkeypatch):
    """An archive that opens to 400 times its length and more: refused before its last member."""
    monkeypatch.setattr(limits, "SMALL", 1 << 22)
    path = write(tmp_path / f"a{suffix}", ((f"{n}.bin", bytes(1 << 19)) for n in range(9)))
    assert path.stat().st_size < 10_000
    names = []
    with pytest.raises(DataError, match=r"'8\.bin' .*far more than its own .extract\.max_ratio"):
        names += [name for name, _ in archive_members.members(path, "*", LIMITS)]
    assert "8.bin" not in names


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_repeated_name(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", [("a.png", b"1"), ("b.png", b"2"), ("a.png", b"3")])
    assert "member 'a.png' is refused: its name stands there twice" in refusal(path)


# Damaged archives


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_truncation_is_an_error(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", FEW)
    content = path.read_bytes()
    # A tar ends with zeros, of which some may be missing.
    end = 512 * (2 * 3 + 2) if suffix == ".tar" else len(content)
    step = 7 if suffix == ".tar" else 1
    assert all(is_refused(path, content[:length], FEW) for length in range(0, end, step))


@pytest.mark.parametrize("suffix", [one for one in SUFFIXES if one not in WITHOUT_CHECKSUMS])
def test_any_flipped_bit_is_an_error_or_changes_nothing(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", FEW)
    content = path.read_bytes()
    refused = sum(is_refused(path, copy, FEW) for copy in flipped(content))
    assert refused > len(content) / 2


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html>", bytes(2000), NOISE[:2000]])
def test_no_archive(tmp_path, suffix, content):
    if suffix == ".tar" and content == bytes(2000):
        pytest.skip("zeros are a tar without members")
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    assert "truncated, damaged or no such archive" in refusal(path)
    assert refusal(path).endswith("; fetch it again")


@pytest.mark.parametrize("suffix", [".tar", *dict.fromkeys(formats.MAGIC.values())])
def test_the_content_says_the_format(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", FEW)
    for name in ("b.zip", "b.7z", "b.tar.gz", "b", "b.ZIP", "b.data"):
        path = path.rename(tmp_path / name)
        assert archive_members.is_archive(path)
        assert read(path) == FEW


@pytest.mark.parametrize("name", ["a.rar", "a.tar.lz", "a.xz", "a.gz", "a", "zip"])
def test_unknown_suffix(tmp_path, name):
    (tmp_path / name).touch()
    assert refusal(tmp_path / name).endswith(f"format; known are {', '.join(SUFFIXES)}")
    assert not archive_members.is_archive(tmp_path / name)


def test_upper_case(tmp_path):
    (tmp_path / "a.ZIP").touch()
    assert "damaged or no such archive (File is not a zip file)" in refusal(tmp_path / "a.ZIP")
    assert archive_members.has_suffix("A.TAR.GZ")
    assert archive_members.has_suffix("a.7z.001")
    assert not archive_members.has_suffix("a.7z.png")


@pytest.mark.parametrize("outer", sorted(COMPRESS.keys() - {".tar", ".tgz"}))
@pytest.mark.parametrize("inner", [".tar.gz", ".tar.xz", ".zip"])
def test_compressed_twice(tmp_path, outer, inner):
    path = tmp_path / f"a{outer}"
    path.write_bytes(COMPRESS[outer](write(tmp_path / f"b{inner}", FEW).read_bytes()))
    assert "is compressed twice; decompress it once" in refusal(path)
    assert not archive_members.is_archive(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Rar!\x1a\x07\x01\0", "is a RAR archive, which is not read; unpack it"),
        (b"PK\x07\x08PK\x03\x04", "is a piece of a .zip; join all with: zip -s 0 NAME.zip"),
    ],
)
def test_what_is_no_archive_that_is_read(tmp_path, content, message):
    (tmp_path / "a.zip").write_bytes(content)
    assert message in refusal(tmp_path / "a.zip")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing(tmp_path, suffix):
    with pytest.raises(DataError, match=r"a\.\w+.* is missing; run the download stage"):
        read(tmp_path / f"a{suffix}")


def test_a_folder_is_no_archive(tmp_path):
    (tmp_path / "a.7z").mkdir()
    with pytest.raises(DataError, match=r"a\.7z is no plain file"):
        read(tmp_path / "a.7z")
