import bz2
import gzip
import io
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


FORMATS = {"ustar": tarfile.USTAR_FORMAT, "GNU": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_headers_as_tarfile_reads_them(tmp_path, form):
    """Long names, names that are not ASCII, and numbers that are too large for octal digits."""
    path = tmp_path / "a.tar"
    with tarfile.open(
        path, "w", format=form, pax_headers={"comment": "one", "mtime": "1.5"}
    ) as out:
        for name in ("a.png", "é.png", f"{'long/' * 30}{'x' * 90}.png", "b/", "c"):
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if name == "b/" else tarfile.REGTYPE
            info.size, info.mtime = (len(name) if info.isreg() else 0), 2**32
            info.linkname = "long/" * 40 if name == "c" and form != tarfile.USTAR_FORMAT else ""
            out.addfile(info, io.BytesIO(b"1" * info.size))
    with tarfile.open(path) as archive:
        files = [(info.name, archive.extractfile(info).read()) for info in archive if info.isreg()]
    assert len(files) == 4
    assert read(path) == files


def test_headers_as_the_program_writes_them(tmp_path):
    for name in ("é.png", f"{'x' * 200}.png"):
        (tmp_path / name).write_bytes(name.encode())
    for form in ("v7", "gnu", "oldgnu", "posix", "ustar"):
        names = ["é.png"] if form in ("v7", "ustar") else ["é.png", f"{'x' * 200}.png"]
        command = ["tar", "-c", "-f", "a.tar", f"--format={form}", *names]
        try:
            subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        except FileNotFoundError:
            pytest.skip("there is no tar here")
        assert read(tmp_path / "a.tar") == [(name, name.encode()) for name in names]


def pax(key, value):
    """A record, whose length counts itself."""
    rest = f" {key}={value}\n".encode()
    length = len(rest) + len(str(len(rest) + 2))
    return str(length).encode() + rest


def with_header(body, kind=tarfile.XHDTYPE, count=1):
    info = tarfile.TarInfo("header")
    info.type = kind
    return [*[(info, body)] * count, ("a.png", b"1")]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (pax("size", "many"), "a pax header with a size that is no number"),
        (pax("size", "-1"), "a pax header with a size that is no number"),
        (pax("size", "9" * 400), "a pax header with a size that is no number"),
        (pax("size", 1 << 63), r"is refused: with it the archive is above"),
        (b"1" * 900_000, "a damaged pax header"),  # minutes, for tarfile
        (b"1 hdrcharset=" * 70_000, "a damaged pax header"),
        (b"0 a=b\n", "a damaged pax header"),
        (b"-9 path=b\n", "a damaged pax header"),
        (b"99 path=b\n", "a damaged pax header"),
        (pax("GNU.sparse.map", "0,0"), "is refused: it is a sparse file, not a plain file; pack"),
        (pax("path", "../a"), "is refused: its name leads out"),
    ],
)
def test_what_a_pax_header_says(tmp_path, body, message):
    write_tar(tmp_path / "a.tgz", with_header(body))
    assert message in refusal(tmp_path / "a.tgz")


def test_what_is_of_no_concern_in_a_pax_header(tmp_path):
    body = pax("mtime", "never") + pax("uid", "me") + pax("path", "b.png") + bytes(10)
    write_tar(tmp_path / "a.tgz", with_header(body))
    assert read(tmp_path / "a.tgz") == [("b.png", b"1")]


@pytest.mark.parametrize(
    "kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK]
)
def test_headers_one_after_the_other(tmp_path, kind):
    write_tar(tmp_path / "a.tgz", with_header(pax("path", "a"), kind, 2000))
    assert "more than 100 headers before a member" in refusal(tmp_path / "a.tgz")


def test_all_headers_together_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.archives.limits.HEADERS", 1 << 20)
    keys = b"".join(pax(f"k{number}", "") for number in range(10_000))
    write_tar(tmp_path / "a.tgz", with_header(keys, tarfile.XGLTYPE, 15))
    assert "has more than 1,048,576 bytes of headers" in refusal(tmp_path / "a.tgz")


def test_a_sparse_file_of_old(tmp_path, monkeypatch):
    """Its map may go on for ever, in blocks behind its header."""
    info = tarfile.TarInfo("b.txt")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))

    def goes_on(block, at):
        block[at] = 1
        if at == 482:
            block[148:156] = b" " * 8
            block[148:156] = b"%06o\0 " % sum(block)
        return bytes(block)

    start = goes_on(header, 482)
    path = tmp_path / "a.tar"
    path.write_bytes(start + goes_on(bytearray(512), 504) + bytes(512) + tar([("a.png", b"1")]))
    assert read(path, "*.png") == [("a.png", b"1")]
    assert "it is a sparse file, not a plain file" in refusal(path)
    path = tmp_path / "a.tgz"
    monkeypatch.setattr("pipeline.archives.limits.HEADERS", 1 << 20)
    path.write_bytes(gzip.compress(start + goes_on(bytearray(512), 504) * 3000, 1))
    assert "has more than 1,048,576 bytes of headers" in refusal(path)


@pytest.mark.parametrize("length", [b"\xff" * 12, b"-0000000001\0"])
def test_a_negative_length(tmp_path, length):
    content = bytearray(tar([("a.png", b"1")]))
    content[124:136] = length
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    (tmp_path / "a.tar").write_bytes(content)
    assert "its length is negative" in refusal(tmp_path / "a.tar")


def test_a_file_of_a_length_that_it_does_not_have(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(tar([("a.png", b"1")]))
    with path.open("r+b") as file:
        file.truncate(1 << 40)
    assert "more than 67,108,864 bytes behind its end" in refusal(path)
