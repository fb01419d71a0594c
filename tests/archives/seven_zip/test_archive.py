import base64
import tracemalloc

import py7zr
import pytest

from pipeline.archives.seven_zip import table
from tests.support.archives import FEW, MEMBERS, NOISE, flipped, is_refused, read, refusal
from tests.support.builders import write_7z

METHODS = {
    "LZMA2": [{"id": py7zr.FILTER_LZMA2, "preset": 1}],
    "LZMA": [{"id": py7zr.FILTER_LZMA, "preset": 1}],
    "x86 and LZMA2": [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA2, "preset": 1}],
    "delta and LZMA2": [{"id": py7zr.FILTER_DELTA}, {"id": py7zr.FILTER_LZMA2, "preset": 1}],
    "bzip2": [{"id": py7zr.FILTER_BZIP2}],
    "stored": [{"id": py7zr.FILTER_COPY}],
}


@pytest.mark.parametrize("filters", METHODS.values(), ids=METHODS.keys())
def test_methods(tmp_path, filters):
    write_7z(tmp_path / "a.7z", MEMBERS, filters=filters)
    assert read(tmp_path / "a.7z") == MEMBERS


@pytest.mark.parametrize("name", ["DEFLATE", "PPMD", "ZSTD", "BROTLI"])
def test_methods_that_are_not_read(tmp_path, name):
    extra = {"PPMD": {"order": 6, "mem": 16}, "DEFLATE": {}}.get(name, {"level": 1})
    filters = [{"id": getattr(py7zr, f"FILTER_{name}"), **extra}]
    write_7z(tmp_path / "a.7z", MEMBERS, filters=filters)
    assert "with a method that is not read here; pack it again, with" in refusal(tmp_path / "a.7z")


def test_several_blocks(tmp_path):
    path = tmp_path / "a.7z"
    write_7z(path, [("a", b"a" * 10), ("e", b""), ("b", b"b" * 20)])
    write_7z(path, [("c", b"c" * 30), ("f", b""), ("x/", b"")], mode="a")
    write_7z(path, [("d", NOISE)], mode="a")
    assert [(name, len(content)) for name, content in read(path)] == [
        ("a", 10), ("e", 0), ("b", 20), ("c", 30), ("f", 0), ("d", len(NOISE)),
    ]  # fmt: skip
    assert read(path, "[bcf]") == [("b", b"b" * 20), ("c", b"c" * 30), ("f", b"")]
    assert read(path, "d") == [("d", NOISE)]


def test_an_encrypted_block_without_wanted_members_is_passed_over(tmp_path):
    path = tmp_path / "a.7z"
    write_7z(path, [("a.png", b"1")])
    write_7z(path, [("secret.txt", b"2")], mode="a", password="secret")
    write_7z(path, [("b.png", b"3")], mode="a")
    assert read(path, "*.png") == [("a.png", b"1"), ("b.png", b"3")]


@pytest.mark.parametrize("filters", METHODS.values(), ids=METHODS.keys())
def test_memory_does_not_grow_with_the_archive(tmp_path, filters):
    """Whatever its method; py7zr's buffer for what it reads is 16 MB."""
    path = tmp_path / "a.7z"
    write_7z(path, [(f"{n}.bin", bytes(1 << 20)) for n in range(50)], filters=filters)
    tracemalloc.start()
    try:
        read(path, "1.bin")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 25 << 20


@pytest.mark.parametrize("filters", METHODS.values(), ids=METHODS.keys())
def test_any_flipped_bit_is_an_error_or_changes_nothing(tmp_path, filters):
    path = tmp_path / "a.7z"
    write_7z(path, FEW, filters=filters)
    content = path.read_bytes()
    refused = sum(is_refused(path, copy, FEW) for copy in flipped(content))
    assert refused > len(content) / 2


def test_want_of_memory_is_no_damage(tmp_path, monkeypatch):
    path = tmp_path / "a.7z"
    write_7z(path, [("a", b"a")])

    def allocate(*_):
        return bytes(1 << 60)

    monkeypatch.setattr(table, "parse", allocate)
    with pytest.raises(MemoryError):
        read(path)


FUZZED = (
    "N3q8ryccAARSwCi+gAAAAAAAAAAVAAAAAAAAAP4C52HLz0vNH3zICADgtQAAb10AAIEyB64P4OxyY2LTebhNNyHSIdCL4vGq"
    "ACRZiyU6arVlcvHzP3qxXiZ0DvolciWSaeDKPddyBsAmUHpor+Gefy0dnvr7WtwcL+z5eLsjaJ/GbNWyxw6DgHGUdP3TKsIf"
    "GIT+7H/+u0qiOsTsMQAAABcGCQEJdwAHCwEAASEhARgMgLUAAA=="
)
"""A .7z whose table says nothing of how it is packed; found by fuzzing."""


def test_without_blocks(tmp_path):
    path = tmp_path / "a.7z"
    path.write_bytes(base64.b64decode(FUZZED))
    assert read(path) == []
