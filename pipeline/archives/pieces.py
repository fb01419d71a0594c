"""Pieces of an archive that was cut at some length: ``a.7z.001``, ``a.7z.002`` and so on.

7-Zip writes them, and ``split -d -a 3 --numeric-suffixes=1``. One after the other they are the
archive. The pieces ``.z01``, ``.z02`` … of a .zip are not: their table counts from each of them.
"""

import io
import re
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pipeline.core import files
from pipeline.core.errors import DataError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

NUMBERED = re.compile(r"(?P<whole>.+)\.(?P<number>\d{3,})")
"""The name of a piece."""
BUFFER = 1 << 20
"""Bytes read at a time."""


def whole_name(name: str) -> str:
    """Return the name of the archive of which ``name`` may be a piece.

    Examples
    --------
    >>> whole_name("a.7z.001"), whole_name("a.7z")
    ('a.7z', 'a.7z')
    """
    match = NUMBERED.fullmatch(name)
    return match["whole"] if match else name


def of(path: Path) -> list[Path]:
    """Return all pieces of an archive by its first one; ``[path]`` of one that is whole.

    Raises
    ------
    DataError
        If ``path`` is another piece than the first, or one of the pieces is missing.
    """
    match = NUMBERED.fullmatch(path.name)
    if match is None:
        return [path]
    if int(match["number"]) != 1:
        first = f"{match['whole']}.001"
        raise DataError(f"{path}: is a piece of {match['whole']}; name the first one, {first}")
    found = {path} | {
        other
        for other in path.parent.iterdir()
        if NUMBERED.fullmatch(other.name) and whole_name(other.name) == match["whole"]
    }
    expected = [path.with_name(f"{match['whole']}.{n:03}") for n in range(1, len(found) + 1)]
    if missing := [one for one in expected if one not in found]:
        raise DataError(f"{missing[0]} is missing, a piece of {match['whole']}; get all of them")
    return expected


def length(path: Path) -> int:
    """Return the bytes of an archive, all of its pieces together; raises as ``of``."""
    return sum(piece.stat().st_size for piece in of(path))


def opened(path: Path) -> IO[bytes]:
    """Open an archive for reading as one file, whatever its pieces; raises as ``of``."""
    pieces = of(path)
    if len(pieces) == 1:
        return files.open_regular(path)
    return io.BufferedReader(_Joined(pieces), BUFFER)


class _Joined(io.RawIOBase):
    """Files, one after the other; one of them is open at a time."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self.ends = list(accumulate(path.stat().st_size for path in paths))
        self.position = 0
        self.number = 0
        self.file = files.open_regular(paths[0])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.ends[-1]}[whence]
        if start + offset < 0:
            raise OSError("a position before the archive")
        self.position = start + offset
        return self.position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        number = next((n for n, end in enumerate(self.ends) if self.position < end), None)
        if number is None:
            return 0
        if number != self.number:
            self.file.close()
            self.file, self.number = files.open_regular(self.paths[number]), number
        self.file.seek(self.position - (self.ends[number - 1] if number else 0))
        count = self.file.readinto(buffer)
        self.position += count
        return int(count)

    def close(self) -> None:
        self.file.close()
        super().close()
