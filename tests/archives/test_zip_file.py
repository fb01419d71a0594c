import io
import struct
import tracemalloc
import zipfile
import zlib

import pytest

from pipeline.archives import zip_file
from pipeline.core.errors import DataError
from tests.support.archives import (
    FEW,
    LIMITS,
    MEMBERS,
    NOISE,
    flipped,
    is_refused,
    read,
    refusal,
    write,
)
from tests.support.builders import write_windows_zip, write_zip

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
def test_methods(tmp_path, method):
    write_zip(tmp_path / "a.zip", MEMBERS, method=method)
    assert read(tmp_path / "a.zip") == MEMBERS


def test_names_with_backslashes(tmp_path):
    members = [("pets\\", b""), ("pets\\cat\\1.png", b"1"), ("pets\\dog\\1.png", b"2")]
    path = write_windows_zip(tmp_path / "a.zip", members)
    assert read(path) == [("pets/cat/1.png", b"1"), ("pets/dog/1.png", b"2")]
    assert read(path, "pets/dog/*") == [("pets/dog/1.png", b"2")]
    path = write_windows_zip(path, [("a/1.png", b"1"), ("a\\1.png", b"2")])
    assert "member 'a/1.png' is refused: its name stands there twice" in refusal(path)


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("gbk", "猫/图片.png"),
        ("cp932", "ソ表/1.png"),
        ("cp437", "Hündin/1.png"),
        ("utf-8", "é/1.png"),
    ],
)
def test_names_in_an_encoding_that_the_archive_does_not_say(tmp_path, encoding, name):
    """In Shift-JIS the second byte of ソ and 表 is that of a backslash."""
    path = write_windows_zip(tmp_path / "a.zip", [(name, b"1"), ("b.png", b"2")], encoding)
    assert read(path, names_encoding=encoding) == [(name, b"1"), ("b.png", b"2")]
    assert list(zip_file.unsaid_names(path)) == [name.encode(encoding), b"b.png"]


def test_another_encoding_than_the_names_have(tmp_path):
    path = write_windows_zip(tmp_path / "a.zip", [("é/1.png", b"1")], "cp1252")
    message = refusal(path, names_encoding="utf-8")
    assert "its name is no utf-8 text; say how its names are encoded (extract.names_enc" in message


def test_a_name_in_utf_8_beside_the_one_that_has_no_encoding(tmp_path):
    """As Info-ZIP and WinZip write it; it counts only while it is of the same name."""
    name, field = b"K\x84tzchen/1.png", "Kätzchen/1.png".encode()
    for checksum, expected in ((zlib.crc32(name), "Kätzchen/1.png"), (0, "KДtzchen/1.png")):
        body = b"\1" + checksum.to_bytes(4, "little") + field
        extra = struct.pack("<HH", 0x7075, len(body)) + body
        members = [(name.decode("cp437"), b"1")]
        write_windows_zip(tmp_path / "a.zip", members, extra=extra)
        assert read(tmp_path / "a.zip", names_encoding="cp866") == [(expected, b"1")]
        assert bool(list(zip_file.unsaid_names(tmp_path / "a.zip"))) == (checksum == 0)


def test_a_hostile_name_in_utf_8_beside_a_harmless_one(tmp_path):
    body = b"\1" + zlib.crc32(b"a.png").to_bytes(4, "little") + b"../a.png"
    info = zipfile.ZipInfo("a.png")
    info.extra = struct.pack("<HH", 0x7075, len(body)) + body
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, b"1")
    assert "its name leads out of the archive's folder" in refusal(tmp_path / "a.zip")


def test_a_method_that_is_not_read(tmp_path):
    path = write(tmp_path / "a.zip", MEMBERS)
    deflate64 = 9
    content = bytearray(path.read_bytes())
    table = zipfile.ZipFile(path).start_dir
    content[8:10] = content[table + 10 : table + 12] = deflate64.to_bytes(2, "little")
    path.write_bytes(content)
    assert "compression method is not supported; pack it again, with LZMA2" in refusal(path)


def test_a_member_longer_than_it_says(tmp_path):
    path = write(tmp_path / "a.zip", [("a.bin", bytes(10_000))])
    content = bytearray(path.read_bytes())
    table = zipfile.ZipFile(path).start_dir
    content[22:26] = content[table + 24 : table + 28] = (10).to_bytes(4, "little")
    path.write_bytes(content)
    assert "Bad CRC-32 for file 'a.bin'" in refusal(path)


@pytest.mark.parametrize("method", METHODS)
def test_any_flipped_bit_before_the_table_is_an_error_or_changes_nothing(tmp_path, method):
    path = tmp_path / "a.zip"
    write_zip(path, FEW, method=method)
    content = path.read_bytes()
    stop = zipfile.ZipFile(path).start_dir
    refused = sum(is_refused(path, copy, FEW) for copy in flipped(content, stop=stop))
    assert refused > stop / 2


def test_flipped_bits_in_the_table(tmp_path):
    """It has no checksum. ``decode`` notices lost members by their labels; none is changed."""
    path = write(tmp_path / "a.zip", FEW)
    content = path.read_bytes()
    for copy in flipped(content, zipfile.ZipFile(path).start_dir):
        path.write_bytes(copy)
        try:
            contained = read(path, "train/*.png")
        except DataError:
            continue
        assert set(contained) <= set(FEW)


def one_member(path, method, raw, length, checksum=0, flags=0):
    """Write a .zip whose only member says what it likes."""
    name = b"a.png"
    numbers = (flags, method, 0, 0, checksum, len(raw), length, len(name), 0)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, *numbers) + name + raw
    table = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, *numbers, 0, 0, 0, 0, 0) + name
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(table), len(local), 0)
    path.write_bytes(local + table + end)
    return path


def packed(method, content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("a", content)
        length = archive.infolist()[0].compress_size
    return stream.getvalue()[31 : 31 + length]


@pytest.mark.parametrize("method", METHODS[1:])
def test_what_comes_out_is_no_longer_than_the_table_says(tmp_path, method):
    raw = packed(method, bytes(40_000_000))
    for length in (10, 1_000_000):
        path = one_member(tmp_path / "a.zip", method, raw, length)
        tracemalloc.start()
        try:
            assert "Bad CRC-32 for file 'a.png'" in refusal(path)
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("method", METHODS)
def test_a_member_shorter_than_it_says(tmp_path, method):
    path = one_member(tmp_path / "a.zip", method, packed(method, NOISE[:5000]), 6000)
    assert "'a.png' ends too early" in refusal(path)


@pytest.mark.parametrize("method", [1, 6, 9, 93, 95, 96, 97, 98, 99, 65535])
def test_other_methods(tmp_path, method):
    path = one_member(tmp_path / "a.zip", method, NOISE[:100], 100)
    assert "That compression method is not supported; pack it again" in refusal(path)


@pytest.mark.parametrize("raw", [b"", b"\x09\x04", b"\x09\x04\xff\xff" + bytes(9), bytes(400)])
def test_lzma_without_properties(tmp_path, raw):
    path = one_member(tmp_path / "a.zip", zipfile.ZIP_LZMA, raw, 500)
    assert "damaged or no such archive" in refusal(path)


@pytest.mark.parametrize("flags", [0x1, 0x41, 0x40])
def test_encrypted(tmp_path, flags):
    path = one_member(tmp_path / "a.zip", 0, b"1", 1, flags=flags)
    assert "it is encrypted, not a plain file" in refusal(path)


def test_a_table_of_more_members_than_there_may_be_is_not_read(tmp_path):
    path = write(tmp_path / "a.zip", MEMBERS)
    assert "has more than 5 members (extract.max_members); if" in refusal(
        path, limits=LIMITS._replace(members=5)
    )


def test_members_that_share_their_bytes(tmp_path):
    """Such as hundreds of thousands that are a megabyte of empty blocks each."""
    path = write(tmp_path / "a.zip", [("0.png", NOISE)])
    content = path.read_bytes()
    start = zipfile.ZipFile(path).start_dir
    end = content.index(b"PK\5\6")
    entry = content[start:end]
    table = b"".join(entry.replace(b"0.png", b"%d.png" % number) for number in range(3))
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 3, 3, len(table), start, 0)
    path.write_bytes(content[:start].replace(b"0.png", b"1.png") + table + tail)
    assert "is not the one of the table" in refusal(path)
    path.write_bytes(content[:start] + 3 * entry + tail)
    assert "its name stands there twice" in refusal(path)
