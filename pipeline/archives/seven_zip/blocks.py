"""Blocks of a .7z, decompressed in order and in bounded memory."""

import bz2
import lzma
from collections.abc import Generator, Iterator
from typing import IO

from py7zr.compressor import BCJDecoder

from pipeline.archives import liblzma, streams
from pipeline.archives.seven_zip.contents import Block, Coder
from pipeline.execution.prefetch import prefetch

COPY, DELTA, LZMA, LZMA2, X86, BZIP2 = (
    *(b"\x00", b"\x03", b"\x03\x01\x01", b"\x21", b"\x03\x03\x01\x03", b"\x04\x02\x02"),
)
"""Methods, by their names in a .7z."""
ENCRYPTION = b"\x06\xf1\x07\x01"
COMPRESSORS = (COPY, LZMA, LZMA2, BZIP2)
"""Methods with which a block begins; behind them are filters. Others are not read."""
MOST_FILTERS = 3


class Open:
    """A block that is read in order, a chunk at a time.

    Parameters
    ----------
    file : binary file
    block : Block

    Raises
    ------
    NotImplementedError
        If it is compressed by a method that is not read here, or needs too much memory.
    """

    def __init__(self, file: IO[bytes], block: Block) -> None:
        file.seek(block.begin)
        chunks = decoded(file, block)
        # A thread decompresses ahead, which is of no use for what is a chunk.
        self.chunks = prefetch(chunks) if block.length > streams.CHUNK else chunks
        self.chunk = memoryview(b"")

    def read(self, length: int) -> bytes:
        """Return the next ``length`` bytes."""
        return b"".join(self._pieces(length))

    def skip(self, length: int) -> None:
        """Pass over the next ``length`` bytes."""
        for _ in self._pieces(length):
            pass

    def close(self) -> None:
        """Stop decompressing ahead."""
        self.chunks.close()

    def _pieces(self, length: int) -> Iterator[memoryview]:
        while length:
            if not self.chunk:
                self.chunk = memoryview(next(self.chunks, b""))
                if not self.chunk:
                    raise EOFError("the compressed data ends too early")
            piece = self.chunk[:length]
            self.chunk = self.chunk[length:]
            length -= len(piece)
            yield piece


def decoded(file: IO[bytes], block: Block) -> Generator[bytes]:
    """Yield a block's chunks; fewer bytes than it should have if its data end too early.

    Parameters
    ----------
    file : binary file
        Stands at the block's begin.
    block : Block

    Raises
    ------
    NotImplementedError
        As above.
    lzma.LZMAError, OSError
        If it is damaged.
    """
    compressor, *filters = block.coders or [Coder(b"", b"", 0)]
    if compressor.method not in COMPRESSORS or len(filters) > MOST_FILTERS:
        raise NotImplementedError("it is compressed with a method that is not read here")
    native = [one for one in filters if one.method in (DELTA, X86)]
    length = block.length
    if compressor.method == LZMA2 and len(native) == len(filters):
        chunks = _lzma(file, block.packed, compressor, native, length)
    elif all(one.method == X86 for one in filters):  # liblzma would keep the last bytes back
        chunks = _lzma(file, block.packed, compressor, [], compressor.length)
        for one in filters:
            chunks = filter(None, map(BCJDecoder(one.length).decompress, chunks))
    elif compressor.method == LZMA and all(one.method == DELTA for one in filters):
        chunks = _lzma(file, block.packed, compressor, native, length)
    else:
        raise NotImplementedError("it is compressed with a method that is not read here")
    yield from chunks


def _lzma(
    file: IO[bytes], packed: int, coder: Coder, filters: list[Coder], length: int
) -> Iterator[bytes]:
    """Return the chunks of what a coder decompresses to, LZMA's filters included."""
    if coder.method == COPY:
        return streams.stored(file, min(packed, length))
    if coder.method == BZIP2:
        return streams.limited(file, packed, bz2.BZ2Decompressor(), length)
    read = streams.lzma_filter if coder.method == LZMA else streams.lzma2_filter
    last = read(coder.properties, length)
    if not filters and liblzma.load():
        properties = _properties(coder, last["dict_size"])
        return liblzma.decode(file, packed, coder.method, properties, length)
    chain = [*map(_filter, reversed(filters)), last]
    return streams.limited(
        file, packed, lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain), length
    )


def _properties(coder: Coder, dictionary: int) -> bytes:
    """Return a coder's properties with no larger dictionary than is needed."""
    if coder.method == LZMA:
        return coder.properties[:1] + dictionary.to_bytes(4, "little")
    enough = (bits for bits in range(40) if (2 | bits & 1) << (bits // 2 + 11) >= dictionary)
    return bytes([next(enough)])


def _filter(coder: Coder) -> dict[str, int]:
    if coder.method == X86:
        return {"id": lzma.FILTER_X86}
    if len(coder.properties) != 1:
        raise lzma.LZMAError("no properties of delta")
    return {"id": lzma.FILTER_DELTA, "dist": coder.properties[0] + 1}
