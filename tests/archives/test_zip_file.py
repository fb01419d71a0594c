import struct
import zipfile
import zlib

import pytest

from pipeline.archives import zip_file
from pipeline.core.errors import DataError
from tests.support.archives import FEW, MEMBERS, flipped, is_refused, read, refusal, write
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
