"""The bytes of a .7z's table, read one thing after the other.

Each number is compared with the bytes that are there before anything is made of it.
"""

from array import array

import numpy as np

UNKNOWN = -1
"""The checksum of what has none."""


class DamagedError(Exception):
    """A table that is not as its format has it."""


class Cursor:
    """A table's bytes, and a position in them."""

    def __init__(self, table: bytes | memoryview, at: int, most: int) -> None:
        self.table = memoryview(table)
        self.at = at
        self.most = most
        """Members, blocks or streams that there may be."""

    def byte(self) -> int:
        """Read a byte."""
        self.at += 1
        return self.table[self.at - 1]

    def expect(self, value: int) -> None:
        """Read a byte, which must be ``value``."""
        if self.byte() != value:
            raise DamagedError(f"its table lacks what {value} stands for")

    def take(self, count: int) -> memoryview:
        """Read so many bytes."""
        if count > len(self.table) - self.at:
            raise DamagedError("its table ends too early")
        self.at += count
        return self.table[self.at - count : self.at]

    def number(self) -> int:
        """Read a number; the ones that its first byte begins with say how many bytes follow."""
        first = self.byte()
        count = 8 - (first ^ 0xFF).bit_length()
        value = int.from_bytes(self.take(count), "little")
        return value | (first & (0x7F >> count)) << 8 * count

    def count(self) -> int:
        """Read the number of what follows, each of which has a byte at least."""
        count = self.number()
        if count > len(self.table) - self.at:
            raise DamagedError(f"its table has {count:,} of what it has no bytes for")
        return self.bounded(count)

    def bounded(self, count: int) -> int:
        """Return ``count`` if so many members, blocks or streams there may be."""
        if count > self.most:
            allowed = f"the {self.most:,} that extract.max_members and its length allow"
            raise DamagedError(f"it has {count:,} members, more than {allowed}")
        return count

    def flags(self, count: int) -> bytes:
        """Return so many bytes, each 1 or 0."""
        bits = np.frombuffer(self.take((count + 7) // 8), np.uint8)
        return np.unpackbits(bits, count=count).tobytes()

    def flags_or_all(self, count: int) -> bytes:
        """Return the same, or all 1 where the table says so in short."""
        return b"\1" * count if self.byte() else self.flags(count)

    def checksums(self, count: int) -> "array[int]":
        """Return CRC-32s, ``UNKNOWN`` where there is none."""
        return array(
            "q",
            (
                int.from_bytes(self.take(4), "little") if known else UNKNOWN
                for known in self.flags_or_all(count)
            ),
        )
