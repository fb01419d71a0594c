"""Formats of archives, told by their first bytes: a name may have any suffix, or a wrong one."""

from pathlib import Path

from pipeline.archives import pieces, tar_file
from pipeline.core.errors import DataError

MAGIC = {
    b"PK\x03\x04": ".zip",
    b"PK\x05\x06": ".zip",  # without members
    b"7z\xbc\xaf\x27\x1c": ".7z",
    b"\x1f\x8b": ".tar.gz",
    b"BZh": ".tar.bz2",
    b"\xfd7zXZ\x00": ".tar.xz",
    b"\x28\xb5\x2f\xfd": ".tar.zst",
    **{bytes([number]) + b"\x2a\x4d\x18": ".tar.zst" for number in range(0x50, 0x60)},
}
"""First bytes of each format."""
TAR, TAR_AT = b"ustar", 257
"""Bytes within a member's header of a .tar, and where they stand."""
OTHERS = {
    b"Rar!\x1a\x07": "a RAR archive, which is not read; unpack it and name its folder",
    b"PK\x07\x08": "a piece of a .zip; join all with: zip -s 0 NAME.zip --out whole.zip",
}
"""What is called an archive and is none that is read, and what to do."""
BLOCK = 512
"""Bytes of a .tar's header."""


def of(path: Path) -> str | None:
    """Return the suffix that an archive's content asks for; None if it is of no known format.

    Whether there is a .tar inside what is compressed is not looked at.

    Raises
    ------
    DataError
        If the content is that of an archive that is not read.
    """
    with pieces.opened(path) as file:
        start = file.read(BLOCK)
    for magic, words in OTHERS.items():
        if start.startswith(magic):
            raise DataError(f"{path}: is {words}")
    return _suffix(start)


def inside(path: Path, suffix: str) -> str | None:
    """Return the suffix of what is compressed in a file of a known format, by its content.

    Returns
    -------
    str or None
        None if it is of no known format, or damaged.
    """
    return _suffix(tar_file.beginning(path, suffix, BLOCK))


def _suffix(start: bytes) -> str | None:
    if start[TAR_AT:].startswith(TAR):
        return ".tar"
    return next((suffix for magic, suffix in MAGIC.items() if start.startswith(magic)), None)
