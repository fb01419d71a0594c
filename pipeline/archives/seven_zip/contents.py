"""What the table of a .7z says of contents: blocks, and the lengths of the members in them."""

from array import array
from typing import NamedTuple

from pipeline.archives.seven_zip.cursor import UNKNOWN, Cursor, DamagedError

START = 32
"""Bytes before the first block."""
END, PACKED, UNPACKED, PARTS, LENGTHS, CHECKSUMS, BLOCKS = 0, 6, 7, 8, 9, 10, 11
CODER_LENGTHS, PARTS_OF_BLOCK = 12, 13
"""What stands in a table, by its first byte. Source: 7zFormat.txt of the LZMA SDK."""
MOST_CODERS = 32
"""Coders of a block, and streams that go into them."""
COMPLEX, WITH_PROPERTIES, RESERVED = 0x10, 0x20, 0xC0
"""Flags of a coder."""


class Coder(NamedTuple):
    """A step of decompression."""

    method: bytes
    properties: bytes
    length: int
    """Bytes that come out of it."""


class Block(NamedTuple):
    """Members that are compressed together."""

    coders: tuple[Coder, ...]
    """In the order in which they decompress; none where they are no simple chain."""
    methods: frozenset[bytes]
    begin: int
    """Position in the file."""
    packed: int
    length: int
    checksum: int
    """CRC-32 of its content; ``UNKNOWN`` where there is none."""


class _Described(NamedTuple):
    """A block's coders as they are described."""

    coders: list[tuple[bytes, bytes]]
    """Method and properties of each."""
    order: list[int]
    """Their numbers, in the order in which they decompress; none where they are no chain."""
    last: int
    """The number of the one whose output is the content."""
    streams: int
    """Packed streams that go into them."""


class Streams:
    """What a table says of contents: blocks, and the lengths and checksums of their members."""

    def __init__(self, cursor: Cursor, length: int) -> None:
        self.cursor = cursor
        self.blocks: list[Block] = []
        self.parts, self.lengths, self.checksums = array("Q"), array("Q"), array("q")
        begin, packed = START, array("Q")
        kind = cursor.byte()
        if kind == PACKED:
            begin += cursor.number()
            packed = self._packed()
            kind = cursor.byte()
        if begin + sum(packed) > length:
            raise DamagedError("its blocks do not lie within the file")
        if kind == UNPACKED:
            self._blocks(begin, packed)
            kind = cursor.byte()
        if kind == PARTS:
            self._parts()
            kind = cursor.byte()
        else:
            self.parts = array("Q", [1] * len(self.blocks))
            self.lengths = array("Q", (block.length for block in self.blocks))
            self.checksums = array("q", (block.checksum for block in self.blocks))
        if kind != END:
            raise DamagedError("its table is of an unknown kind")

    def _packed(self) -> "array[int]":
        cursor = self.cursor
        count = cursor.count()
        packed = array("Q")
        kind = cursor.byte()
        if kind == LENGTHS:
            packed.extend(cursor.number() for _ in range(count))
            kind = cursor.byte()
        if kind == CHECKSUMS:
            cursor.checksums(count)
            kind = cursor.byte()
        if kind != END or len(packed) != count:
            raise DamagedError("its table is of an unknown kind")
        return packed

    def _blocks(self, begin: int, packed: "array[int]") -> None:
        cursor = self.cursor
        cursor.expect(BLOCKS)
        count = cursor.count()
        cursor.expect(0)  # their description is here, not elsewhere
        described = [_coders(cursor) for _ in range(count)]
        cursor.expect(CODER_LENGTHS)
        lengths = [[cursor.number() for _ in one.coders] for one in described]
        checksums = self._checksums(cursor.byte(), count)
        at = 0
        for one, sizes, checksum in zip(described, lengths, checksums, strict=True):
            own = packed[at : at + one.streams]
            if len(own) < one.streams:
                raise DamagedError("it has blocks without content")
            chain = tuple(Coder(*one.coders[number], sizes[number]) for number in one.order)
            methods = frozenset(method for method, _ in one.coders)
            self.blocks.append(Block(chain, methods, begin, sum(own), sizes[one.last], checksum))
            begin += sum(own)
            at += one.streams

    def _checksums(self, kind: int, count: int) -> "array[int]":
        """Read checksums, if ``kind`` says that they come next, and the end of their section."""
        found = array("q", [UNKNOWN]) * count
        if kind == CHECKSUMS:
            found = self.cursor.checksums(count)
            kind = self.cursor.byte()
        if kind != END:
            raise DamagedError("its table is of an unknown kind")
        return found

    def _parts(self) -> None:
        cursor = self.cursor
        kind = cursor.byte()
        if kind == PARTS_OF_BLOCK:
            self.parts.extend(cursor.number() for _ in self.blocks)
            kind = cursor.byte()
        else:
            self.parts = array("Q", [1] * len(self.blocks))
        cursor.bounded(sum(self.parts))
        has_lengths = kind == LENGTHS
        for count, block in zip(self.parts, self.blocks, strict=True):
            left = block.length
            if count > 1 and not has_lengths:
                raise DamagedError("its members have no lengths")
            for _ in range(1, count):
                self.lengths.append(cursor.number())
                left -= self.lengths[-1]
            if count:
                self.lengths.append(left)  # raises OverflowError where too little is left
        if has_lengths:
            kind = cursor.byte()
        unknown = [
            count != 1 or block.checksum == UNKNOWN
            for count, block in zip(self.parts, self.blocks, strict=True)
        ]
        wanted = sum(count for count, one in zip(self.parts, unknown, strict=True) if one)
        read = self._checksums(kind, wanted)
        at = 0
        for count, block, one in zip(self.parts, self.blocks, unknown, strict=True):
            if one:
                self.checksums.extend(read[at : at + count])
                at += count
            else:
                self.checksums.append(block.checksum)


def _coders(cursor: Cursor) -> _Described:
    coders, inputs, is_chain = [], 0, True
    count = cursor.number()
    if not 0 < count <= MOST_CODERS:
        raise DamagedError(f"a block of {count:,} coders")
    for _ in range(count):
        flags = cursor.byte()
        if flags & RESERVED:
            raise DamagedError("a coder of an unknown kind")
        method, own, properties = bytes(cursor.take(flags & 0xF)), 1, b""
        if flags & COMPLEX:
            own, outputs = cursor.number(), cursor.number()
            is_chain = False
            if not 0 < own <= MOST_CODERS or outputs != 1:
                raise DamagedError("a coder of too many streams")
        if flags & WITH_PROPERTIES:
            properties = bytes(cursor.take(cursor.number()))
        coders.append((method, properties))
        inputs += own
    # Which coder's output goes into which one's input.
    bound = {source: target for target, source in _pairs(cursor, count - 1)}
    streams = inputs - len(bound)
    ends = set(range(count)).difference(bound)
    if len(ends) != 1 or streams < 1:
        raise DamagedError("coders that are not bound")
    if streams > 1:
        is_chain = False
        for _ in range(streams):
            cursor.number()
    order = _order(count, bound) if is_chain else []
    return _Described(coders, order, ends.pop(), streams)


def _order(count: int, bound: dict[int, int]) -> list[int]:
    """Return the numbers of coders in the order in which they decompress."""
    begins = set(range(count)).difference(bound.values())
    order = list(begins)
    while len(order) < count and order[-1] in bound:
        order.append(bound[order[-1]])
    if len(begins) != 1 or set(order) != set(range(count)):
        raise DamagedError("coders that are not bound")
    return order


def _pairs(cursor: Cursor, count: int) -> list[tuple[int, int]]:
    """Return (input, output) of each pair that is bound."""
    return [(cursor.number(), cursor.number()) for _ in range(count)]
