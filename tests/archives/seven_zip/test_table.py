import io

import py7zr
import pytest

from pipeline.archives.seven_zip import archive, blocks, table
from pipeline.archives.seven_zip.contents import Block, Coder
from pipeline.archives.seven_zip.cursor import UNKNOWN, Cursor, DamagedError
from tests.support.archives import MEMBERS, refusal
from tests.support.builders import write_7z
from tests.support.hostile.archives import header_7z


def number(value):
    """In its longest form."""
    return b"\xff" + value.to_bytes(8, "little")


def files(count, *properties):
    """A table of members without content, each with its name."""
    names = b"\0" + b"".join(f"{n}".encode("utf-16-le") + b"\0\0" for n in range(min(count, 100)))
    every = ((14, b"\xff" * 13), *properties, (17, names))
    body = b"".join(bytes([kind]) + number(len(one)) + one for kind, one in every)
    return b"\1\5" + number(count) + body + b"\0\0"


def contents(*, packed=b"\0\1\x09\1\0", coders=b"\1\1\0", lengths=b"\1", parts=b""):
    """A table of one member in one block, a byte that is stored."""
    streams = b"\4\6" + packed + b"\7\x0b\1\0" + coders + b"\x0c" + lengths + b"\0" + parts + b"\0"
    return b"\1" + streams + b"\5\1\x11\5\0a\0\0\0\0\0"


def test_the_same_as_py7zr(tmp_path):
    path = tmp_path / "a.7z"
    write_7z(path, MEMBERS)
    write_7z(path, [("x/", b""), ("b", b"1"), ("é.png", b"22")], mode="a")
    with py7zr.SevenZipFile(path) as whole, path.open("rb") as file:
        expected = [
            (one.filename, one.uncompressed, UNKNOWN if one.crc32 is None else one.crc32)
            for one in whole.files
        ]
        ours = list(archive._table(file, 100).members())
    assert [(one.name, one.length, one.checksum) for one in ours] == expected
    assert [one.kind for one in ours] == ["file"] * 6 + ["folder", "file", "file"]
    assert {one.block for one in ours} == {0, 1}


@pytest.mark.parametrize("value", [0, 127, 128, 16383, 16384, 1 << 35, (1 << 56) - 1, 1 << 63])
def test_numbers(value):

    stream = io.BytesIO()
    py7zr.archiveinfo.write_uint64(stream, value)
    assert Cursor(stream.getvalue(), 0, 9).number() == value


def test_one_block():
    (block,) = table.parse(contents(), 100, 9).blocks
    assert block == Block((Coder(b"\0", b"", 1),), frozenset([b"\0"]), 32, 1, 1, UNKNOWN)


def test_the_order_of_coders():
    """As 7-Zip has it: the filter first, which takes what the second one gives."""
    coders = b"\2\4\3\3\1\3\1\0\0\1"
    (block,) = table.parse(contents(coders=coders, lengths=b"\1\2"), 100, 9).blocks
    assert [(one.method, one.length) for one in block.coders] == [(b"\0", 2), (b"\3\3\1\3", 1)]
    assert block.length == 1


DAMAGED = {
    "another kind": b"\x55" * 50,
    "nested": b"\x17" * 50,
    "nothing follows": b"\1\5" + number(1 << 40),
    "2^60 members": b"\1\5" + number(1 << 60) + bytes(100),
    "members above the limit": files(101),
    "a property twice": files(100, (14, b"\xff" * 13)),
    "attributes twice": files(100, *[(21, b"\1\0" + bytes(400))] * 2),
    "an unknown property": files(100, (99, b"")),
    "a property longer than the table": b"\1\5\1\x11" + number(1 << 62),
    "attributes that end early": files(100, (21, b"\1\0" + bytes(9))),
    "fewer names than members": b"\1\5\3\x11\5\0a\0\0\0\0\0",
    "names elsewhere": b"\1\5\1\x11\5\1a\0\0\0\0\0",
    "2^60 streams": b"\1\4\6\0" + number(1 << 60) + bytes(99),
    "streams above the limit": b"\1\4\6\0" + number(200) + b"\x09" + bytes(300),
    "blocks above the limit": b"\1\4\7\x0b" + number(200) + bytes(300),
    "behind the end": contents(packed=b"\0\1\x09" + number(1 << 63) + b"\0"),
    "far behind the end": contents(packed=number((1 << 64) - 1) + b"\1\x09\1\0"),
    "no coder": contents(coders=b"\0"),
    "a thousand coders": contents(coders=number(1000)),
    "an unknown coder": contents(coders=b"\1\xc1\0"),
    "many streams into a coder": contents(coders=b"\1\x11\0" + number(1 << 40) + b"\1"),
    "two outputs": contents(coders=b"\1\x11\0\1\2"),
    "coders in a circle": contents(coders=b"\2\1\0\1\0\0\0", lengths=b"\1\1"),
    "a coder that is not there": contents(coders=b"\2\1\0\1\0\7\0", lengths=b"\1\1"),
    "2^60 parts": contents(parts=b"\x08\x0d" + number(1 << 60) + b"\0"),
    "parts without lengths": contents(parts=b"\x08\x0d\2\0"),
    "parts longer than the block": contents(parts=b"\x08\x0d\2\x09\5\0"),
    "no content": b"\1\5\1\x11\5\0a\0\0\0\0\0",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_tables_that_are_not_as_they_should_be(content):
    with pytest.raises((DamagedError, IndexError, OverflowError)):
        table.parse(content, 100, 100)


@pytest.mark.parametrize("packed", [True, False])
def test_each_ends_in_one_line(tmp_path, packed):
    for content in (one for name, one in DAMAGED.items() if not name.endswith("the limit")):
        header_7z(content, packed)(tmp_path / "a.7z")
        assert "truncated, damaged or no such archive" in refusal(tmp_path / "a.7z")


def test_properties_that_are_of_no_concern_may_be_repeated():
    assert len(table.parse(files(100, *[(25, b"")] * 1000), 100, 100)) == 100


@pytest.mark.parametrize("method", [b"\4\1\x08", b"\4\xf7\x11\1", b"\3\4\1", b"\3\3\1\x1b"])
def test_a_table_by_a_method_that_is_not_read(tmp_path, method):
    coder = bytes([1, len(method)]) + method
    path = tmp_path / "a.7z"
    body = contents(coders=coder, lengths=number(1 << 20))[2:].partition(b"\5\1\x11")[0]
    header_7z(b"\x17" + body)(path)
    content = path.read_bytes()
    path.write_bytes(content + b"x")
    assert "with a method that is not read here; pack it again" in refusal(path)


def test_a_table_longer_than_an_archive_may_have(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "SMALL_TABLE", 1000)
    header_7z(files(100, (25, bytes(100_000))), packed=True)(tmp_path / "a.7z")
    assert "bytes, above " in refusal(tmp_path / "a.7z")


@pytest.mark.parametrize(
    "coders",
    [
        (Coder(blocks.LZMA, b"", 9),),
        (Coder(blocks.LZMA2, b"", 9),),
        (Coder(blocks.LZMA2, b"\x10", 9), Coder(blocks.DELTA, b"", 9)),
        (Coder(blocks.LZMA, b"\xff\0\0\1\0", 9),),
    ],
)
def test_coders_without_their_properties(tmp_path, coders):
    (tmp_path / "a").write_bytes(bytes(99))
    with (tmp_path / "a").open("rb") as file, pytest.raises(Exception, match="no properties of"):
        list(blocks.decoded(file, Block(coders, frozenset(), 0, 99, 9, UNKNOWN)))


@pytest.mark.parametrize(
    "coders",
    [
        (),
        (Coder(blocks.DELTA, b"\0", 9),),
        (Coder(blocks.LZMA2, b"\x10", 9), Coder(blocks.LZMA2, b"\x10", 9)),
        (Coder(blocks.BZIP2, b"", 9), Coder(blocks.DELTA, b"\0", 9)),
        (Coder(blocks.COPY, b"", 9), *[Coder(blocks.X86, b"", 9)] * 4),
    ],
)
def test_chains_that_are_not_read(tmp_path, coders):
    (tmp_path / "a").write_bytes(bytes(99))
    with (tmp_path / "a").open("rb") as file, pytest.raises(NotImplementedError):
        list(blocks.decoded(file, Block(coders, frozenset(), 0, 99, 9, UNKNOWN)))
