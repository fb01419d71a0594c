import io
import struct
import zipfile
from zipfile import BadZipFile

import pytest

from pipeline.archives import zip_table
from tests.support.archives import MEMBERS


def written(**options):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = options.pop("comment", b"")
        for name, content in MEMBERS:
            with archive.open(name, "w", force_zip64=options.get("zip64", False)) as file:
                file.write(content)
    return stream.getvalue()


def listed(content):
    stream = io.BytesIO(content)
    directory = zip_table.find(stream)
    members = list(zip_table.members(stream, directory))
    assert zip_table.count(stream, directory, 100) == len(members)
    return members


@pytest.mark.parametrize(
    "content",
    [written(), written(comment=b"one"), b"#!/bin/sh\n" + written(), written(zip64=True)],
    ids=["plain", "with a comment", "behind a program", "zip64 lengths"],
)
def test_the_same_as_zipfile(content, monkeypatch):
    monkeypatch.setattr(zip_table, "CHUNK", 100)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        expected = [
            (info.filename, info.CRC, info.compress_size, info.file_size, info.header_offset)
            for info in archive.infolist()
        ]
    assert expected == [
        (one.raw_name.decode(), one.checksum, one.packed, one.length, one.begin)
        for one in listed(content)
    ]


def test_the_table_of_a_large_archive(monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    content = written()
    assert zip_table.END_64_SIGNATURE in content
    assert [one.raw_name.decode() for one in listed(content)] == [name for name, _ in MEMBERS]
    at = content.index(zip_table.END_64_SIGNATURE)
    fewer = content[: at + 32] + (5).to_bytes(8, "little") + content[at + 40 :]
    with pytest.raises(BadZipFile, match="more members than it says"):
        listed(fewer)
    longer = content[: at + 40] + (1 << 63).to_bytes(8, "little") + content[at + 48 :]
    with pytest.raises(BadZipFile, match="does not lie within the file"):
        listed(longer)


def test_a_comment_that_holds_another_end():
    other = zip_table.END.pack(zip_table.END_SIGNATURE, 0, 0, 0, 0, 0, 0, 0)
    assert len(listed(written(comment=other + b"more"))) == len(MEMBERS)


def entry(extra, length=zip_table.FULL):
    fields = (20, 20, 0, 0, 0, 0, 0, 1, length, 1, len(extra), 0, 0, 0, 0, 0)
    table = zip_table.ENTRY.pack(zip_table.ENTRY_SIGNATURE, *fields) + b"a" + extra
    return table + zip_table.END.pack(zip_table.END_SIGNATURE, 0, 0, 1, 1, len(table), 0, 0)


def field(number, content, length=None):
    return struct.pack("<HH", number, len(content) if length is None else length) + content


def test_extra_fields():
    (large,) = listed(entry(field(9, b"x") + field(1, (1 << 40).to_bytes(8, "little"))))
    assert (large.length, large.packed) == (1 << 40, 1)
    with pytest.raises(BadZipFile, match="an extra field is cut"):
        listed(entry(field(1, b"1234")))


@pytest.mark.parametrize(
    "extra", [b"\1", field(1, b"", 60_000), field(zip_table.UNICODE_PATH, b"\1", 9), bytes(4000)]
)
def test_extra_fields_that_are_cut_are_passed_over(extra):
    (one,) = listed(entry(extra, 5))
    assert (one.length, one.unicode_name()) == (5, None)


@pytest.mark.parametrize("content", [b"", b"PK\5\6", bytes(100), entry(b"")[:-23]])
def test_no_table(content):
    with pytest.raises(BadZipFile):
        listed(content)


def test_a_table_that_is_damaged():
    content = written()
    at = content.index(zip_table.ENTRY_SIGNATURE)
    with pytest.raises(BadZipFile, match="its table is damaged"):
        listed(content[:at] + b"X" + content[at + 1 :])
    with pytest.raises(BadZipFile, match="its table ends too early"):
        listed(content[: at + 28] + b"\xff\xff" + content[at + 30 :])
