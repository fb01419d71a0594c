"""Archives in the real formats, whole, hostile and damaged."""

import base64
import gzip
import tarfile
import tracemalloc
import zipfile
import zlib

import numpy as np
import py7zr
import pytest

from pipeline.archives import members as archive_members
from pipeline.archives import tar_file
from pipeline.archives.limits import Limits
from pipeline.core.errors import DataError
from tests.support.builders import write_7z, write_archive, write_tar, write_zip

SUFFIXES = (".7z", ".zip", ".tar.gz", ".tgz")
LIMITS = Limits(total_bytes=1 << 30, member_bytes=1 << 24)
NOISE = np.random.default_rng(0).bytes(1_200_000)
MEMBERS = [
    ("train/10.png", NOISE[:1000]),
    ("train/2.png", b"a" * 5000),
    ("train/empty.png", b""),
    ("notes.txt", b"not an image"),
    ("train/é 1.png", NOISE),  # longer than what is decompressed at a time
    ("train/1.png", NOISE[:1000]),
]
FOLDERS = [("train/", b""), *MEMBERS]


def read(path, pattern="*", limits=LIMITS):
    return list(archive_members.members(path, pattern, limits))


def refusal(path, pattern="*", limits=LIMITS) -> str:
    with pytest.raises(DataError) as caught:
        read(path, pattern, limits)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return message


# Whole archives


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_members_in_the_archives_order(tmp_path, suffix):
    path = write_archive(tmp_path / f"a{suffix}", FOLDERS)
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


def by_tarfile(path, folder):
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")


@pytest.mark.parametrize(
    ("suffix", "extract"), [(".7z", by_py7zr), (".zip", by_zipfile), (".tar.gz", by_tarfile)]
)
def test_same_as_an_extraction_to_disk(tmp_path, suffix, extract):
    path = write_archive(tmp_path / f"a{suffix}", FOLDERS)
    out = tmp_path / "out"
    extract(path, out)
    files = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert files == dict(read(path))


METHODS = {
    "LZMA2": [{"id": py7zr.FILTER_LZMA2, "preset": 1}],
    "LZMA": [{"id": py7zr.FILTER_LZMA, "preset": 1}],
    "x86 and LZMA2": [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA2, "preset": 1}],
    "delta and LZMA2": [{"id": py7zr.FILTER_DELTA}, {"id": py7zr.FILTER_LZMA2, "preset": 1}],
    "bzip2": [{"id": py7zr.FILTER_BZIP2}],
    "stored": [{"id": py7zr.FILTER_COPY}],
}


@pytest.mark.parametrize("filters", METHODS.values(), ids=METHODS.keys())
def test_methods_of_7z(tmp_path, filters):
    write_7z(tmp_path / "a.7z", MEMBERS, filters=filters)
    assert read(tmp_path / "a.7z") == MEMBERS


@pytest.mark.parametrize("name", ["DEFLATE", "PPMD", "ZSTD", "BROTLI"])
def test_methods_of_7z_that_are_not_read(tmp_path, name):
    extra = {"PPMD": {"order": 6, "mem": 16}, "DEFLATE": {}}.get(name, {"level": 1})
    filters = [{"id": getattr(py7zr, f"FILTER_{name}"), **extra}]
    write_7z(tmp_path / "a.7z", MEMBERS, filters=filters)
    assert "with a method that is not read here; pack it again, with" in refusal(tmp_path / "a.7z")


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_methods_of_zip(tmp_path, method):
    write_zip(tmp_path / "a.zip", MEMBERS, method=method)
    assert read(tmp_path / "a.zip") == MEMBERS


def test_method_of_zip_that_is_not_read(tmp_path):
    path = write_archive(tmp_path / "a.zip", MEMBERS)
    deflate64 = 9
    content = bytearray(path.read_bytes())
    table = zipfile.ZipFile(path).start_dir
    content[8:10] = content[table + 10 : table + 12] = deflate64.to_bytes(2, "little")
    path.write_bytes(content)
    assert "compression method is not supported; pack it again, with LZMA2" in refusal(path)


def test_7z_of_several_blocks(tmp_path):
    path = tmp_path / "a.7z"
    write_7z(path, [("a", b"a" * 10), ("e", b""), ("b", b"b" * 20)])
    write_7z(path, [("c", b"c" * 30), ("f", b""), ("x/", b"")], mode="a")
    write_7z(path, [("d", NOISE)], mode="a")
    assert [(name, len(content)) for name, content in read(path)] == [
        ("a", 10), ("e", 0), ("b", 20), ("c", 30), ("f", 0), ("d", len(NOISE)),
    ]  # fmt: skip
    assert read(path, "[bcf]") == [("b", b"b" * 20), ("c", b"c" * 30), ("f", b"")]
    assert read(path, "d") == [("d", NOISE)]


def test_names_in_the_manner_of_tar(tmp_path):
    """``tar czf a.tgz .`` writes "./" before each name."""
    path = write_archive(tmp_path / "a.tgz", [("./", b""), ("./a.png", b"1"), ("./b/c.png", b"2")])
    assert read(path, "*.png") == [("a.png", b"1"), ("b/c.png", b"2")]


def test_long_names(tmp_path):
    """Above 100 bytes, tar needs a header of its own for a name."""
    names = [f"{'long/' * 60}{number}.png" for number in range(3)]
    for suffix in SUFFIXES:
        path = write_archive(tmp_path / f"a{suffix}", [(name, b"x") for name in names])
        assert [name for name, _ in read(path)] == names


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_archive_without_members(tmp_path, suffix):
    assert read(write_archive(tmp_path / f"a{suffix}", [])) == []


@pytest.mark.parametrize(
    ("suffix", "method"),
    [*((".7z", method) for method in METHODS), (".zip", None), (".tar.gz", None)],
)
def test_memory_does_not_grow_with_the_archive(tmp_path, suffix, method):
    """Nor with the ratio of its compression; py7zr's buffer for what it reads is 16 MB."""
    members = ((f"{number}.bin", bytes(1 << 20)) for number in range(50))
    path = tmp_path / f"a{suffix}"
    if suffix == ".7z":
        write_7z(path, members, filters=METHODS[method])
    else:
        write_archive(path, members)
    tracemalloc.start()
    try:
        total = sum(len(content) for _, content in archive_members.members(path, "*", LIMITS))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 50 << 20
    assert peak < 25 << 20


# Hostile archives; most of them are in tests/support/hostile.py


def test_an_encrypted_block_that_no_one_wants_is_passed_over(tmp_path):
    path = tmp_path / "a.7z"
    write_7z(path, [("a.png", b"1")])
    write_7z(path, [("secret.txt", b"2")], mode="a", password="secret")
    write_7z(path, [("b.png", b"3")], mode="a")
    assert read(path, "*.png") == [("a.png", b"1"), ("b.png", b"3")]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_limits(tmp_path, suffix):
    path = write_archive(tmp_path / f"a{suffix}", [("a.bin", b"1" * 100), ("b.png", b"2" * 101)])
    assert len(read(path, "*", Limits(201, 101))) == 2
    assert "member 'b.png' is refused: with it the" in refusal(path, "*.bin", Limits(200, 101))
    assert "member 'b.png' is refused: it has 101" in refusal(path, "*.png", Limits(201, 100))


@pytest.mark.parametrize("kind", [tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_tar_header_that_would_fill_the_memory(tmp_path, kind):
    info = tarfile.TarInfo("a")
    info.type = kind
    write_tar(tmp_path / "a.tgz", [(info, bytes(tar_file.CHUNK + 1))])
    assert "a header of 1,048,577 bytes" in refusal(tmp_path / "a.tgz")


def test_zip_member_longer_than_it_says(tmp_path):
    path = write_archive(tmp_path / "a.zip", [("a.bin", bytes(10_000))])
    content = bytearray(path.read_bytes())
    table = zipfile.ZipFile(path).start_dir
    content[22:26] = content[table + 24 : table + 28] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    assert "Bad CRC-32 for file 'a.bin'" in refusal(path)


# Damaged archives

SMALL = [(f"train/{number}.png", NOISE[:60] + b"a" * 50) for number in range(3)] + [("e.png", b"")]


def damaged(path, content, whole) -> bool:
    """Whether reading ``content`` is an error of ours; otherwise it must give ``whole``."""
    path.write_bytes(content)
    try:
        found = read(path)
    except DataError as error:
        message = str(error)
    else:
        assert found == whole
        return False
    assert message.isprintable()
    return True


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_truncation_is_an_error(tmp_path, suffix):
    path = write_archive(tmp_path / f"a{suffix}", SMALL)
    content = path.read_bytes()
    assert all(damaged(path, content[:length], SMALL) for length in range(len(content)))


@pytest.mark.parametrize(
    ("suffix", "method"),
    [
        *((".7z", method) for method in METHODS),
        *((".zip", method) for method in (0, 8, 12, 14)),
        (".tar.gz", None),
    ],
)
def test_any_flipped_bit_is_an_error_or_changes_nothing(tmp_path, suffix, method):
    """Every byte, one bit of it; but of a .zip not its table, which has no checksum of its own."""
    path = tmp_path / f"a{suffix}"
    if suffix == ".7z":
        write_7z(path, SMALL, filters=METHODS[method])
    elif suffix == ".zip":
        write_zip(path, SMALL, method=method)
    else:
        write_archive(path, SMALL)
    content = path.read_bytes()
    stop = zipfile.ZipFile(path).start_dir if suffix == ".zip" else len(content)
    found = 0
    for position in range(stop):
        flipped = bytearray(content)
        flipped[position] ^= 1 << position % 8
        found += damaged(path, flipped, SMALL)
    assert found > stop / 2


def test_flipped_bits_in_the_table_of_a_zip(tmp_path):
    """Members may get lost, which ``decode`` notices by their labels, but none is changed."""
    path = write_archive(tmp_path / "a.zip", SMALL)
    content = path.read_bytes()
    for position in range(zipfile.ZipFile(path).start_dir, len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1 << position % 8
        path.write_bytes(flipped)
        try:
            found = read(path, "train/*.png")
        except DataError:
            continue
        assert set(found) <= set(SMALL)


def test_tar_that_was_damaged_before_it_was_zipped(tmp_path):
    """As by a full disk: the gzip is sound, so tar's own structure must tell."""
    path = write_archive(tmp_path / "a.tgz", SMALL)
    content = gzip.decompress(path.read_bytes())
    end = 512 * (2 * 3 + 1)  # a header and a block each, and the empty member's header
    for length in range(0, end + 1, 64):
        assert damaged(path, gzip.compress(content[:length]), SMALL), length
    for header in range(0, end, 512 * 2):
        for position in (header, header + 124, header + 148):  # name, length, checksum
            flipped = bytearray(content)
            flipped[position] ^= 1
            assert damaged(path, gzip.compress(flipped), SMALL), position


def test_tar_gz_with_a_wrong_checksum_at_its_end(tmp_path):
    path = write_archive(tmp_path / "a.tar.gz", SMALL)
    content = path.read_bytes()
    crc = zlib.crc32(gzip.decompress(content)).to_bytes(4, "little")
    assert content[-8:-4] == crc
    path.write_bytes(content[:-8] + bytes(4) + content[-4:])
    assert "CRC check failed" in refusal(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html>", bytes(2000), NOISE[:2000]])
def test_no_archive(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    assert "truncated, damaged or no such archive" in refusal(path)
    assert refusal(path).endswith("; fetch it again")


def test_another_format_than_the_suffix_says(tmp_path):
    content = write_archive(tmp_path / "a.zip", MEMBERS).read_bytes()
    (tmp_path / "a.7z").write_bytes(content)
    assert "no such archive (not a 7z file)" in refusal(tmp_path / "a.7z")


@pytest.mark.parametrize("name", ["a.rar", "a.tar.xz", "a.gz", "a", "a.ZIP"])
def test_unknown_suffix(tmp_path, name):
    (tmp_path / name).touch()
    assert "format; known are .7z, .zip, .tar, .tar.gz, .tgz" in refusal(tmp_path / name)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing(tmp_path, suffix):
    with pytest.raises(DataError, match=r"a\.\w+.* is missing; run the download stage"):
        read(tmp_path / f"a{suffix}")


def test_a_folder_is_no_archive(tmp_path):
    (tmp_path / "a.7z").mkdir()
    with pytest.raises(DataError, match=r"a\.7z is no plain file"):
        read(tmp_path / "a.7z")


def test_want_of_memory_is_no_damage(tmp_path, monkeypatch):
    path = write_archive(tmp_path / "a.7z", [("a", b"a")])

    def allocate(file):
        return bytes(1 << 60)

    monkeypatch.setattr(py7zr, "SevenZipFile", allocate)
    with pytest.raises(MemoryError):
        read(path)


FUZZED = (
    "N3q8ryccAARSwCi+gAAAAAAAAAAVAAAAAAAAAP4C52HLz0vNH3zICADgtQAAb10AAIEyB64P4OxyY2LTebhNNyHSIdCL4vGq"
    "ACRZiyU6arVlcvHzP3qxXiZ0DvolciWSaeDKPddyBsAmUHpor+Gefy0dnvr7WtwcL+z5eLsjaJ/GbNWyxw6DgHGUdP3TKsIf"
    "GIT+7H/+u0qiOsTsMQAAABcGCQEJdwAHCwEAASEhARgMgLUAAA=="
)
"""A .7z whose table says nothing of how it is packed; found by fuzzing."""


def test_7z_without_blocks(tmp_path):
    path = tmp_path / "a.7z"
    path.write_bytes(base64.b64decode(FUZZED))
    assert read(path) == []
