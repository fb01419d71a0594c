"""The IDX codec, against NumPy and a reader and a writer that know nothing but ``struct``."""

import itertools
import math
import struct

import hypothesis
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest

from pipeline.core.errors import DataError
from pipeline.images import idx

FORMATS = {  # the format's own table, with struct's letters
    0x08: ("B", "uint8"),
    0x09: ("b", "int8"),
    0x0B: ("h", "int16"),
    0x0C: ("i", "int32"),
    0x0D: ("f", "float32"),
    0x0E: ("d", "float64"),
}
ARRAYS = hnp.arrays(
    dtype=hypothesis.strategies.sampled_from(
        [np.dtype(name).newbyteorder(">") for _, name in FORMATS.values()]
        + [np.dtype(name).newbyteorder("<") for _, name in FORMATS.values()]
    ),
    shape=hnp.array_shapes(min_dims=0, max_dims=6, min_side=0, max_side=4),
)


def header(code: int, *shape: int) -> bytes:
    return bytes([0, 0, code, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)


def reference_dumps(array: np.ndarray) -> bytes:
    code = next(code for code, (_, name) in FORMATS.items() if name == array.dtype.name)
    positions = itertools.product(*map(range, array.shape))
    elements = (struct.pack(">" + FORMATS[code][0], array[position]) for position in positions)
    return header(code, *array.shape) + b"".join(elements)


def reference_loads(content: bytes) -> tuple[str, list[int], list[float]]:
    letter, name = FORMATS[content[2]]
    shape = [int.from_bytes(content[4 + 4 * n :][:4], "big") for n in range(content[3])]
    elements = struct.iter_unpack(">" + letter, content[4 + 4 * len(shape) :])
    return name, shape, [element for (element,) in elements]


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether type, shape and every bit are equal."""
    native = b.dtype.newbyteorder("=")
    return a.dtype == native and a.shape == b.shape and a.tobytes() == b.astype(native).tobytes()


@hypothesis.given(ARRAYS)
def test_round_trip(array):
    content = idx.dumps(array)
    assert content == reference_dumps(array)
    assert same(idx.loads(content), array)
    name, shape, elements = reference_loads(content)
    assert (name, tuple(shape)) == (array.dtype.name, array.shape)
    np.testing.assert_array_equal(np.array(elements, name), array.astype(name).ravel())


@hypothesis.given(ARRAYS)
@hypothesis.settings(max_examples=30)
def test_files(tmp_path_factory, array):
    path = tmp_path_factory.getbasetemp() / "a.idx"
    idx.write(path, array)
    assert path.read_bytes() == reference_dumps(array)
    assert same(idx.read(path), array)
    assert type(idx.read(path)) is np.ndarray  # no memmap, which astype would keep
    mapped = idx.memmap(path)
    assert mapped.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
    assert not mapped.flags.writeable or not mapped.size
    np.testing.assert_array_equal(mapped, array)


def test_big_endian():
    assert idx.dumps(np.array([1, -2], np.int16)).hex(" ") == "00 00 0b 01 00 00 00 02 00 01 ff fe"
    assert idx.loads(header(0x0C, 1) + bytes([1, 2, 3, 4])).tolist() == [0x01020304]
    assert idx.loads(header(0x0D, 1) + bytes([0x3F, 0x80, 0, 0])).tolist() == [1.0]


def test_non_contiguous_arrays_are_written_in_their_own_order():
    array = np.arange(24, dtype=np.int32).reshape(2, 3, 4).transpose(2, 0, 1)[::-1]
    assert same(idx.loads(idx.dumps(array)), array)


@pytest.mark.parametrize(
    ("start", "length", "shape"),
    [
        ("00 00 08 03 00 00 ea 60 00 00 00 1c 00 00 00 1c", 47_040_016, (60_000, 28, 28)),
        ("00 00 08 01 00 00 ea 60", 60_008, (60_000,)),
        ("00 00 08 03 00 00 27 10 00 00 00 1c 00 00 00 1c", 7_840_016, (10_000, 28, 28)),
        ("00 00 08 01 00 00 27 10", 10_008, (10_000,)),
    ],
)
def test_official_headers(start, length, shape):
    """The first bytes and the lengths of Fashion-MNIST's four files, unzipped."""
    found = idx.parse_header(bytes.fromhex(start), "a")
    assert found == (np.dtype("u1"), shape, 4 + 4 * len(shape))
    with pytest.raises(DataError, match=f"promises {length:,} bytes .* has {length - 1:,}"):
        found.check(length - 1, "a")


FAULTS = {
    "nothing": (b"", "not an IDX file (it begins with nothing"),
    "too short": (b"\0\0\x08", "not an IDX file (it begins with 00 00 08"),
    "gzip": (b"\x1f\x8b\x08\0", "not an IDX file (it begins with 1f 8b 08 00"),
    "HTML": (b"<!DOCTYPE html>", "not an IDX file (it begins with 3c 21 44 4f"),
    "unknown type": (header(0x0A, 1) + b"x", "unknown IDX type 0x0a; known are 0x08, 0x09"),
    "cut header": (header(8, 2, 3)[:-1], "truncated in its header (11 of 12 bytes)"),
    "one too few": (header(8, 2, 3) + bytes(5), "header promises 18 bytes (shape (2, 3), uint8)"),
    "one too many": (header(8, 2, 3) + bytes(7), "the file has 19; it is damaged"),
    "wide elements": (header(0x0E, 2) + bytes(15), "promises 24 bytes (shape (2,), float64)"),
    "no number": (header(8), "header promises 5 bytes"),
    "huge": (header(8, *[2**32 - 1] * 3) + bytes(9), "is above what NumPy can hold"),
    "large": (header(8, 2**32 - 1, 2**10) + bytes(9), "header promises 4,398,046,510,092 bytes"),
    "huge and empty": (header(8, 2**32 - 1, 0, 2**32 - 1), "is above what NumPy can hold"),
    "rank 65": (header(8, *[1] * 65) + b"x", "IDX rank 65 is above the 64 that NumPy can hold"),
    "rank 255": (header(8, *[1] * 255) + b"x", "IDX rank 255 is above"),
}


@pytest.mark.parametrize(("content", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_faults(tmp_path, content, message):
    path = tmp_path / "a.idx"
    path.write_bytes(content)
    for read in (idx.memmap, idx.read):
        with pytest.raises(DataError) as caught:
            read(path)
        assert message in str(caught.value)
        assert str(caught.value).startswith(f"{path}: ")
    with pytest.raises(DataError) as caught:
        idx.loads(content, "a")
    assert message in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"a\.idx is missing; run the extract stage"):
        idx.memmap(tmp_path / "a.idx")


def test_most_dimensions():
    array = np.arange(4, dtype=np.int8).reshape((2,) + (1,) * (idx.MAX_RANK - 2) + (2,))
    assert same(idx.loads(idx.dumps(array)), array)
    with pytest.raises(ValueError, match="maximum supported dimension"):
        np.empty((1,) * (idx.MAX_RANK + 1))


@pytest.mark.parametrize("kind", ["uint16", "int64", "bool", "float16", "complex64", "U3"])
def test_types_that_the_format_lacks(tmp_path, kind):
    with pytest.raises(DataError, match=r"IDX cannot hold .*; it can hold uint8, int8, int16"):
        idx.write(tmp_path / "a.idx", np.zeros(3, kind))
    assert list(tmp_path.iterdir()) == []


def test_lengths_that_the_format_lacks():
    array = np.broadcast_to(np.uint8(0), (2**32, 1))
    assert math.prod(array.shape) == 2**32
    with pytest.raises(DataError, match=r"cannot hold an array of shape \(4294967296, 1\)"):
        idx.dumps(array)
