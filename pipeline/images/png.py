"""PNG's container: the chunks, checked before a decoder allocates what they declare.

OpenCV takes a chunk's declared length for memory, and libpng unpacks profiles and comments. So
every chunk must be there whole, and a decoder is given those alone that make the picture.
"""

import struct
import zlib
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
START = SIGNATURE + struct.pack(">I4s", 13, b"IHDR")
END = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))
FIRST = len(START) + 13 + 4
"""Position of the first chunk after the header."""
CHUNK = struct.Struct(">I4s")
PLAIN = struct.Struct(">16s13s4xI4s")
"""The beginning of a PNG that has its data alone behind its header, and how long they are."""
AROUND = FIRST + CHUNK.size + 4 + len(END)
"""Bytes of a PNG around its data."""
PICTURE = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT")
"""Names of the chunks that make the picture, or an animation."""
TAGS = (b"eXIf", b"iTXt", b"tEXt", b"zTXt")
"""Chunks that may hold an orientation: as Exif data, or as XMP or a profile in a text."""
MOST_TAGS = 100
"""Of those, as many are looked at …"""
LONGEST_TAG = 1 << 20
"""… that have fewer bytes."""
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel, by PNG's numbers of the types of colour."""
PASSES = ((8, 8), (8, 8), (4, 8), (4, 4), (2, 4), (2, 2), (1, 2))
"""Horizontal and vertical steps of the seven passes of an interlaced image."""
OFFSETS = ((0, 0), (4, 0), (0, 4), (2, 0), (0, 2), (1, 0), (0, 1))
PIECE = 1 << 16
"""Bytes that are unzipped at a time."""


class Container(NamedTuple):
    """The chunks of a PNG."""

    header: bytes
    """The 13 bytes of its header: width, height, depth, colour, and three methods."""
    picture: bytes
    """The PNG with the chunks alone that make the picture; the same object if it has no others."""
    is_transparent: bool = False
    """It has a transparent colour."""
    is_animated: bool = False
    tags: bytes = b""
    """A PNG that holds the tags before its pixels and no pixels; empty if there are none."""


def plain(content: bytes) -> bytes | None:
    """Return the header's 13 bytes if all else is one chunk of data and the end; None if not."""
    if len(content) > AROUND:
        start, header, length, name = PLAIN.unpack_from(content)
        if start == START and name == b"IDAT" and length + AROUND == len(content):
            return header if content.endswith(END) else None
    return None


def read(content: bytes) -> Container | None:
    """Read the chunks; return None if one is not there whole, out of place or of unknown meaning.

    Checksums are left to the decoder.
    """
    if not content.startswith(START) or len(content) < FIRST:
        return None
    kept, names = [content[:FIRST]], set()
    tags: list[bytes] = []
    position = start = FIRST  # of a chunk, and of the chunks before it that are kept
    name = b""
    while name != b"IEND":
        if position + CHUNK.size > len(content):
            return None
        length, name = CHUNK.unpack_from(content, position)
        end = position + CHUNK.size + length + 4
        if end > len(content) or name == b"IHDR" or (name[0] < 96 and name not in PICTURE):
            return None
        if name in PICTURE:
            names.add(name)
        else:
            if start < position:
                kept.append(content[start:position])
            start = end
            is_near = b"IDAT" not in names and len(tags) < MOST_TAGS
            if name in TAGS and is_near and length < LONGEST_TAG:
                tags.append(content[position:end])
        position = end
    if b"IDAT" not in names:
        return None
    kept.append(content[start:position])
    whole = start == FIRST and position == len(content)
    return Container(
        content[16:29],
        content if whole else b"".join(kept),
        b"tRNS" in names,
        b"acTL" in names,
        b"".join([kept[0], *tags, CHUNK.pack(0, b"IDAT")]) if tags else b"",
    )


def has_more(content: bytes) -> bool:
    """Return True if a PNG's data unzip to more pixels than its header says, which libpng drops."""
    width, height, depth, colour, _, _, interlaced = struct.unpack_from(">2I5B", content, 16)
    bits, room = depth * SAMPLES[colour], 0
    passes = zip(PASSES, OFFSETS, strict=True) if interlaced else [((1, 1), (0, 0))]
    for (across, down), (left, top) in passes:
        columns, rows = -((left - width) // across), -((top - height) // down)
        if columns > 0 and rows > 0:
            room += rows * (1 + (columns * bits + 7) // 8)
    unzip = zlib.decompressobj()
    position = FIRST
    while room >= 0 and not unzip.eof and position < len(content):
        length, name = CHUNK.unpack_from(content, position)
        if name == b"IDAT":
            start = position + CHUNK.size
            for piece in range(start, start + length, PIECE):
                data = content[piece : min(piece + PIECE, start + length)]
                while data and room >= 0:
                    try:
                        room -= len(unzip.decompress(data, PIECE))
                    except zlib.error:  # behind the pixels, or a decoder would have refused it
                        return False
                    data = unzip.unconsumed_tail
        position += CHUNK.size + length + 4
    return room < 0
