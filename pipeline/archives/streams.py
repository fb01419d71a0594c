"""Compressed streams, decompressed in bounded pieces: never more than is asked for.

Whatever an archive's table says, and however small a stream is, what comes out of it is counted
while it comes out.
"""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Protocol

from backports import zstd

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK = 1 << 20
"""Bytes decompressed at a time."""
FIRST = 1 << 12
"""Bytes that a new stream is given first, for a file may be thousands of them, each a few bytes."""
MOST_EMPTY = 1000
"""Streams without content that may follow one another: each takes longer than its bytes."""
MAX_DICTIONARY = 512 << 20
"""Bytes that a decompressor may take. xz -9 needs 65 MiB; zstd refuses above 128 MiB by itself."""
TOO_LARGE = ("Memory usage limit exceeded", "requires too much memory")
"""Words of the errors by which lzma and zstd report a larger dictionary."""
LARGE = "its compression needs too much memory"
LEAST_DICTIONARY = 4096
"""Bytes: the smallest of LZMA."""


class Decompressor(Protocol):
    """A decompressor of the standard library: of one stream, in steps."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes without more bytes."""

    @property
    def unused_data(self) -> bytes:
        """What was given and stands behind the stream's end."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Return at most ``max_length`` bytes more."""


class Inflate:
    """A decompressor of deflate, by zlib, which has the methods of the others.

    Parameters
    ----------
    wbits : int
        As zlib has it: -15 for a raw stream, 31 for gzip, whose checksum is verified.
    """

    def __init__(self, wbits: int) -> None:
        self.inner = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""
        return self.inner.eof

    @property
    def needs_input(self) -> bool:
        """Whether all that was given has been read."""
        return not self.inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        """What was given and stands behind the stream's end."""
        return self.inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Return at most ``max_length`` bytes more."""
        try:
            return self.inner.decompress(self.inner.unconsumed_tail + data, max_length)
        except zlib.error as error:
            if "incorrect data check" in str(error):
                raise zlib.error("CRC check failed") from None
            raise


NEW: dict[str, Callable[[], Decompressor]] = {
    ".tar.gz": partial(Inflate, 31),
    ".tar.bz2": bz2.BZ2Decompressor,
    ".tar.xz": partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, memlimit=MAX_DICTIONARY),
    ".tar.zst": zstd.ZstdDecompressor,
}
"""What decompresses a stream, by the suffix of a compressed tar."""


class Decompressed(io.RawIOBase):
    """The decompressed bytes of a file of one or more compressed streams, and zeros between them.

    ``lzma.open`` takes no limit on memory, and it and ``bz2.open`` end in silence at a stream that
    is damaged from its beginning.

    Parameters
    ----------
    file : binary file
    new : callable
        Returns a decompressor of one stream.
    """

    def __init__(self, file: IO[bytes], new: Callable[[], Decompressor]) -> None:
        self.file = file
        self.new = new
        self.decompressor = new()
        self.input = b""
        self.at = 0
        self.step = FIRST
        self.empty = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Decompress up to as many bytes as ``buffer`` has; return how many, 0 at the end.

        Raises
        ------
        NotImplementedError
            If a stream needs more memory than a decompressor may take.
        EOFError, OSError, ValueError, lzma.LZMAError, zlib.error, zstd.ZstdError
            If the streams are damaged.
        """
        view = memoryview(buffer).cast("B")
        while True:
            if self.decompressor.eof and not self._next_stream():
                return 0
            data = self._taken() if self.decompressor.needs_input else b""
            ended = self.decompressor.needs_input and not data
            try:
                content = self.decompressor.decompress(data, len(view))
            except (lzma.LZMAError, zstd.ZstdError) as error:
                if any(words in str(error) for words in TOO_LARGE):
                    raise NotImplementedError(LARGE) from None
                raise
            if content:
                self.empty = 0
                view[: len(content)] = content
                return len(content)
            if ended and not self.decompressor.eof:
                raise EOFError("the compressed data ends too early")

    def _taken(self) -> bytes:
        """Return the next bytes of the file, more of them each time."""
        if self.at == len(self.input):
            self.input, self.at = self.file.read(CHUNK), 0
        data = self.input[self.at : self.at + self.step]
        self.at += len(data)
        self.step = min(2 * self.step, CHUNK)
        return data

    def _next_stream(self) -> bool:
        """Begin the next stream, behind zeros; return whether there is one."""
        self.at -= len(self.decompressor.unused_data)
        self.step = FIRST
        while not (data := self._taken().lstrip(b"\0")):
            if not self.input:
                return False
        self.at -= len(data)
        self.step = FIRST
        self.decompressor = self.new()
        self.empty += 1
        if self.empty > MOST_EMPTY + 1:  # those before this one
            raise ValueError(f"more than {MOST_EMPTY:,} compressed streams without content")
        return True


def limited(
    file: IO[bytes], packed: int, decompressor: Decompressor, length: int
) -> Iterator[bytes]:
    """Yield what a stream decompresses to, up to a length, a chunk at a time.

    Parameters
    ----------
    file : binary file
        Stands at the first byte of the stream.
    packed : int
        Bytes of the stream.
    decompressor : Decompressor
    length : int
        Bytes after which no more is decompressed; fewer come of a stream that ends too early.
    """
    while length and not decompressor.eof:
        wanted = max(0, min(CHUNK, packed)) if decompressor.needs_input else 0
        data = file.read(wanted)
        packed -= len(data)
        content = decompressor.decompress(data, min(CHUNK, length))
        if not content and not data and decompressor.needs_input:
            return
        length -= len(content)
        if content:
            yield content


def stored(file: IO[bytes], length: int) -> Iterator[bytes]:
    """Yield the next bytes of a file as they are, a chunk at a time."""
    while length and (data := file.read(min(CHUNK, length))):
        length -= len(data)
        yield data


def lzma_filter(properties: bytes, length: int) -> dict[str, Any]:
    """Return Python's filter of an LZMA stream, by its five bytes of properties.

    Parameters
    ----------
    properties : bytes
    length : int
        Decompressed bytes: a larger dictionary is of no use.

    Raises
    ------
    lzma.LZMAError
        If there are no such properties.
    NotImplementedError
        If a dictionary of more than ``MAX_DICTIONARY`` is needed.
    """
    if len(properties) != 5 or properties[0] >= 9 * 5 * 5:
        raise lzma.LZMAError("no properties of LZMA")
    rest, lc = divmod(properties[0], 9)
    pb, lp = divmod(rest, 5)
    size = dictionary(int.from_bytes(properties[1:], "little"), length)
    return {"id": lzma.FILTER_LZMA1, "dict_size": size, "lc": lc, "lp": lp, "pb": pb}


def lzma2_filter(properties: bytes, length: int) -> dict[str, Any]:
    """Return Python's filter of an LZMA2 stream, by its byte of properties; else as above."""
    if len(properties) != 1 or properties[0] > 40:
        raise lzma.LZMAError("no properties of LZMA2")
    bits = properties[0]
    size = 0xFFFFFFFF if bits == 40 else (2 | bits & 1) << (bits // 2 + 11)
    return {"id": lzma.FILTER_LZMA2, "dict_size": dictionary(size, length)}


def dictionary(declared: int, length: int) -> int:
    """Return the bytes of dictionary that a stream needs of those that it declares."""
    size = max(LEAST_DICTIONARY, min(declared, length))
    if size > MAX_DICTIONARY:
        raise NotImplementedError(LARGE)
    return size
