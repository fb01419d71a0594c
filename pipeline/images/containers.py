"""Containers of TIFF, PNM and JPEG 2000, checked before a library follows what they declare."""

import re
import struct

MOST_ENTRIES = 4096
"""Of a TIFF's directory."""
MOST_PIECES = 100_000
"""Strips or tiles of a TIFF; boxes of a JPEG 2000."""
LARGEST_TILE = 1 << 28
"""Bytes of one tile of a TIFF, unpacked, which a decoder holds whole."""
BITS, SAMPLES, WIDTH, LENGTH = 258, 277, 322, 323
PIECES = (273, 279, 324, 325)
"""TIFF's tags of the positions and lengths of strips and tiles."""
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
SIZES |= {16: 8, 17: 8, 18: 8}
"""Bytes of a value, by TIFF's numbers of types."""
NUMBERS = {1: "B", 3: "H", 4: "I"}
"""Formats of the types of whole numbers that a tile's size may have."""
PNM = re.compile(rb"P([1-6])" + rb"(?:(?:\s|#[^\r\n]*[\r\n])+(\d{1,9}))" * 2)
PNM_MAXIMUM = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])+(\d{1,9})\s")
LONGEST_HEADER = 4096
"""Bytes of a PNM's header, comments included."""
BITMAPS = (b"1", b"4")
CODESTREAM = b"\xff\x4f\xff\x51"
"""The first bytes of a JPEG 2000's picture: its start, and the segment of sizes. Source of this and
the next: ISO/IEC 15444-1, annex A."""
SIZES_2000 = struct.Struct(">6x8I")
"""Of that segment: width, height, left, top, of the picture; the same of its tiles."""
TILE_PART = struct.Struct(">2xHHIBB")
"""A part of a tile: length of this segment, the tile's number, the part's length and number, and
how many the tile has, if that is not 0."""
TILE_PART_MARK = 0xFF90


def fault(content: bytes) -> str | None:
    """Return why an image of these formats is not read: ``""`` if it is damaged; None if it is."""
    if content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        try:
            return _of_tiff(content)
        except (struct.error, OverflowError):
            return ""
    if content[:1] == b"P":
        return None if maximum(content) else ""
    if content[4:8] == b"jP  ":
        return _of_boxes(content)
    return _of_codestream(content) if content.startswith(CODESTREAM) else None


def maximum(content: bytes) -> int:
    """Return the greatest value that a PNM declares, 1 for a bitmap; 0 if it has no header."""
    found = PNM.match(content[:LONGEST_HEADER])
    if not found or found[1] in BITMAPS:
        return int(found is not None)
    value = PNM_MAXIMUM.match(content[:LONGEST_HEADER], found.end())
    return int(value[1]) if value else 0


def _of_tiff(content: bytes) -> str | None:
    order = "<" if content[:1] == b"I" else ">"
    is_big = content[2:4] in (b"+\0", b"\0+")
    position = struct.unpack_from(order + ("8xQ" if is_big else "4xI"), content)[0]
    entries = struct.unpack_from(order + ("Q" if is_big else "H"), content, position)[0]
    if entries > MOST_ENTRIES:
        return f"has a directory of {entries:,} entries"
    entry = struct.Struct(order + ("HHQ8s" if is_big else "HHI4s"))
    position += 8 if is_big else 2
    tile = {BITS: 8, SAMPLES: 1}
    for tag, type_, count, value in entry.iter_unpack(
        content[position : position + entries * entry.size]
    ):
        size = SIZES.get(type_, 1)
        if count * size > len(content):
            return ""
        if tag in PIECES and count > MOST_PIECES:
            return f"is in {count:,} pieces, above {MOST_PIECES:,}"
        if tag in (BITS, SAMPLES, WIDTH, LENGTH) and type_ in NUMBERS:
            start = value
            if count * size > len(value):
                at = struct.unpack(order + ("Q" if is_big else "I"), value)[0]
                start = content[at : at + size]
            tile[tag] = struct.unpack_from(order + NUMBERS[type_], start)[0]
    bits = tile.get(WIDTH, 0) * tile.get(LENGTH, 0) * tile[BITS] * tile[SAMPLES]
    return f"has tiles of {bits // 8:,} bytes" if bits > 8 * LARGEST_TILE else None


def _of_boxes(content: bytes) -> str | None:
    """Look at the boxes of a JPEG 2000, the last of which may say that it goes on to the end."""
    position = 0
    for _ in range(MOST_PIECES):
        if position + 8 > len(content):
            return None
        length = int.from_bytes(content[position : position + 4], "big")
        if length == 1:
            length = int.from_bytes(content[position + 8 : position + 16], "big")
        if content[position + 4 : position + 8] == b"jp2c":
            return _of_codestream(content[content.find(CODESTREAM, position) :])
        if length == 0:
            return None
        position += max(length, 8)
    return f"is in more than {MOST_PIECES:,} boxes"


def _of_codestream(content: bytes) -> str | None:
    """Return a fault if a JPEG 2000 lacks tiles, or parts of them, which OpenCV leaves black."""
    try:
        width, height, _, _, *tile = SIZES_2000.unpack_from(content, 4)
        across, down = (
            -(-(size - start) // step)
            for size, step, start in zip((width, height), tile[:2], tile[2:], strict=True)
        )
        position = 2
        while (mark := int.from_bytes(content[position : position + 2], "big")) != TILE_PART_MARK:
            if mark < 0xFF00:
                return ""
            position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        found: dict[int, int] = {}
        wanted: dict[int, int] = {}
        for _ in range(MOST_PIECES):
            if content[position : position + 2] != TILE_PART_MARK.to_bytes(2, "big"):
                break
            _, number, length, _, parts = TILE_PART.unpack_from(content, position)
            found[number] = found.get(number, 0) + 1
            wanted[number] = parts or wanted.get(number, 1)
            position += length or len(content)
    except (struct.error, ZeroDivisionError):
        return ""
    whole = sum(found[number] >= wanted[number] for number in found)
    tiles = across * down
    return f"has {whole:,} of its {tiles:,} tiles" if whole < tiles else None
