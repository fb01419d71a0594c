import zipfile

import pytest

from pipeline.core.errors import DataError
from tests.support.archives import FEW, MEMBERS, flipped, is_refused, read, refusal, write
from tests.support.builders import write_zip

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize("method", METHODS)
def test_methods(tmp_path, method):
    write_zip(tmp_path / "a.zip", MEMBERS, method=method)
    assert read(tmp_path / "a.zip") == MEMBERS


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
