"""Raw LZMA and LZMA2 streams, decoded by the liblzma that Pillow's wheel carries.

Since version 5.6 liblzma decodes in half the time of older ones, which Python's ``lzma`` is linked
with on most systems of today: CIFAR-10's train.7z is read in 6.6 s instead of 10.4 s. Without such
a version, ``load`` returns None.
"""

import ctypes
import functools
import importlib.util
import lzma
from collections.abc import Iterator
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import IO

FAST = 5_006_000_0
"""The first fast version, 5.6.0, as ``lzma_version_number`` gives it."""
FILTERS = {b"\x03\x01\x01": 0x4000000000000001, b"\x21": 0x21}
"""liblzma's identifiers of LZMA and LZMA2, by theirs in a .7z."""
END_OF_FILTERS = 0xFFFFFFFFFFFFFFFF
CHUNK = 1 << 20
"""Bytes read, and decoded, at a time."""
OK, STREAM_END, MEM_ERROR, BUF_ERROR = 0, 1, 5, 10


class _Filter(ctypes.Structure):
    _fields_ = (("id", c_uint64), ("options", c_void_p))


class _Stream(ctypes.Structure):
    """The struct ``lzma_stream`` of liblzma's ``base.h``; zeros are its initial state."""

    _fields_ = (
        ("next_in", c_char_p),
        ("avail_in", c_size_t),
        ("total_in", c_uint64),
        ("next_out", c_void_p),
        ("avail_out", c_size_t),
        ("total_out", c_uint64),
        ("allocator", c_void_p),
        ("internal", c_void_p),
        ("reserved_pointers", c_void_p * 4),
        ("reserved_positions", c_uint64 * 2),
        ("reserved_sizes", c_size_t * 2),
        ("reserved_enums", c_int * 2),
    )


@functools.cache
def load() -> ctypes.CDLL | None:
    """Return the fast liblzma, or None where there is none."""
    pillow = importlib.util.find_spec("PIL")
    if pillow is None or pillow.origin is None:
        return None
    package = Path(pillow.origin).parent
    for path in (
        *package.with_name("pillow.libs").glob("liblzma*.so*"),
        *package.glob(".dylibs/liblzma*"),
    ):
        try:
            library = ctypes.CDLL(str(path))
            library.lzma_version_number.restype = c_uint32
            if library.lzma_version_number() >= FAST:
                return _declared(library)
        except (OSError, AttributeError):  # for another machine, or no liblzma
            continue
    return None


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    library.lzma_properties_decode.argtypes = [POINTER(_Filter), c_void_p, c_char_p, c_size_t]
    library.lzma_raw_decoder.argtypes = [POINTER(_Stream), POINTER(_Filter)]
    library.lzma_code.argtypes = [POINTER(_Stream), c_int]
    library.lzma_filters_free.argtypes = [POINTER(_Filter), c_void_p]
    library.lzma_end.argtypes = [POINTER(_Stream)]
    for name in ("lzma_filters_free", "lzma_end"):
        getattr(library, name).restype = None
    return library


def decode(
    file: IO[bytes], packed: int, method: bytes, properties: bytes, length: int
) -> Iterator[bytes]:
    """Yield a raw stream's decoded bytes, a chunk at a time; call it only if ``load`` returns one.

    Parameters
    ----------
    file : binary file
        Stands at the first byte of the stream.
    packed : int
        Bytes of the stream.
    method, properties : bytes
        As a .7z has them: a key of ``FILTERS``, and the encoder's settings.
    length : int
        Decoded bytes of the stream, which need not have a mark of its end.

    Raises
    ------
    lzma.LZMAError
        If the stream is damaged; one that ends too early only yields fewer bytes.
    MemoryError
        If its dictionary does not fit into the memory.
    """
    library = load()
    assert library is not None
    filters = (_Filter * 2)()
    filters[0].id, filters[1].id = FILTERS[method], END_OF_FILTERS
    _check(library.lzma_properties_decode(filters, None, properties, len(properties)))
    stream, out = _Stream(), ctypes.create_string_buffer(CHUNK)
    try:
        _check(library.lzma_raw_decoder(byref(stream), filters))
        status = OK
        while status == OK and length:
            if not stream.avail_in:
                data = file.read(min(CHUNK, packed))
                packed -= len(data)
                stream.next_in, stream.avail_in = data, len(data)
            stream.next_out = ctypes.addressof(out)
            stream.avail_out = size = min(CHUNK, length)
            status = library.lzma_code(byref(stream), 0)  # releases Python's lock
            if status != BUF_ERROR:  # which means that no progress is possible
                _check(status)
            if size := size - stream.avail_out:
                length -= size
                yield ctypes.string_at(out, size)
    finally:
        library.lzma_end(byref(stream))
        library.lzma_filters_free(filters, None)


def _check(status: int) -> None:
    if status == MEM_ERROR:
        raise MemoryError
    if status not in (OK, STREAM_END):
        raise lzma.LZMAError(f"corrupt input data (liblzma's error {status})")
