"""Ways to damage a file, and the hashes of a folder's files."""

import hashlib
from pathlib import Path


def remove(path: Path) -> None:
    """Remove a file."""
    path.unlink()


def cut(path: Path) -> None:
    """Cut off the last ten bytes."""
    path.write_bytes(path.read_bytes()[:-10])


def corrupt(path: Path) -> None:
    """Invert the byte in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def empty(path: Path) -> None:
    """Leave nothing in a file."""
    path.write_bytes(b"")


def html(path: Path) -> None:
    """Put a web page in a file's place."""
    path.write_bytes(b"<!DOCTYPE html><title>404</title>")


def contents(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a folder, by name."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
