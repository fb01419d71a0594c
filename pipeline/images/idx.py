"""IDX, the format of MNIST and data sets like it: an array of any rank behind a short header.

Layout: two zero bytes, one byte for the type, one for the rank, then one big-endian uint32 for each
dimension, then the elements in C order, big-endian. The format is described on the MNIST page
(LeCun, Cortes, Burges).
"""

import math
import struct
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core import files
from pipeline.core.errors import DataError

DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
CODES = {dtype.newbyteorder("="): code for code, dtype in DTYPES.items()}
MAX_RANK = 64
"""Dimensions that every supported NumPy can hold."""
HEADER_BYTES = 4 + 4 * 255
"""Bytes of the longest header."""


class Header(NamedTuple):
    """An IDX file's header."""

    dtype: np.dtype[Any]
    """Type of the elements, big-endian."""
    shape: tuple[int, ...]
    offset: int
    """Position of the first element, in bytes."""

    @property
    def length(self) -> int:
        """Length of the whole file that it promises, in bytes."""
        return self.offset + math.prod(self.shape) * self.dtype.itemsize

    def check(self, length: int, source: str) -> None:
        """Raise DataError if the file has another length than the header promises."""
        if length != self.length:
            raise DataError(
                f"{source}: header promises {self.length:,} bytes (shape {self.shape}, "
                f"{self.dtype.name}), the file has {length:,}; it is damaged: fetch it again"
            )


def parse_header(start: bytes, source: str) -> Header:
    """Parse a header.

    Parameters
    ----------
    start : bytes
        The file's first bytes; ``HEADER_BYTES`` are enough for any header.
    source : str
        The file's name, for messages.

    Raises
    ------
    DataError
        If this is no IDX header, or NumPy cannot hold its array.
    """
    if len(start) < 4 or start[:2] != b"\0\0":
        raise DataError(
            f"{source}: not an IDX file (it begins with {start[:4].hex(' ') or 'nothing'}, "
            "an IDX file with 00 00, a type and a rank)"
        )
    code, rank = start[2], start[3]
    if code not in DTYPES:
        known = ", ".join(f"0x{c:02x}" for c in DTYPES)
        raise DataError(f"{source}: unknown IDX type 0x{code:02x}; known are {known}")
    if rank > MAX_RANK:
        raise DataError(f"{source}: IDX rank {rank} is above the {MAX_RANK} that NumPy can hold")
    offset = 4 + 4 * rank
    if len(start) < offset:
        raise DataError(f"{source}: truncated in its header ({len(start)} of {offset} bytes)")
    dtype = DTYPES[code]
    shape = struct.unpack(f">{rank}I", start[4:offset])
    if math.prod(n or 1 for n in shape) * dtype.itemsize > sys.maxsize:  # even with no element
        raise DataError(f"{source}: IDX shape {shape} is above what NumPy can hold")
    return Header(dtype, shape, offset)


def memmap(path: Path) -> NDArray[Any]:
    """Map an IDX file into memory, read-only, without reading its elements.

    Returns
    -------
    ndarray
        Array of the header's shape and its type, which is big-endian.

    Raises
    ------
    DataError
        If the file is missing or is not a valid IDX file.
    """
    with files.existing(path, "extract").open("rb") as file:
        start = file.read(HEADER_BYTES)
    length = path.stat().st_size
    header = parse_header(start, str(path))
    header.check(length, str(path))
    if math.prod(header.shape) == 0:  # a file without elements cannot be mapped
        return np.empty(header.shape, header.dtype)
    return np.memmap(path, header.dtype, "r", header.offset, header.shape)


def read(path: Path) -> NDArray[Any]:
    """Read an IDX file into an array of the machine's byte order; raises as ``memmap``."""
    return _native(memmap(path))


def loads(content: bytes, source: str = "IDX") -> NDArray[Any]:
    """Parse the bytes of an IDX file into an array of the machine's byte order.

    Examples
    --------
    >>> loads(dumps(np.array([[1, 2], [3, 4]], np.int16))).tolist()
    [[1, 2], [3, 4]]
    """
    header = parse_header(content, source)
    header.check(len(content), source)
    flat = np.frombuffer(content, header.dtype, offset=header.offset)
    return _native(flat.reshape(header.shape))


def dumps(array: NDArray[Any]) -> bytes:
    """Return an array as the bytes of an IDX file.

    Raises
    ------
    DataError
        If the format has no such element type, or the array too many dimensions or elements in one.
    """
    code = CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        known = ", ".join(dtype.name for dtype in DTYPES.values())
        raise DataError(f"IDX cannot hold {array.dtype.name}; it can hold {known}")
    if array.ndim > MAX_RANK or any(n >= 2**32 for n in array.shape):
        raise DataError(f"IDX cannot hold an array of shape {array.shape}")
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(DTYPES[code]).tobytes()


def write(path: Path, array: NDArray[Any]) -> None:
    """Write an array as an IDX file; raises as ``dumps``."""
    files.write_bytes(path, dumps(array))


def _native(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy in the machine's byte order, which is no memmap."""
    return np.array(array, array.dtype.newbyteorder("="))
