"""Archives of every format that is read, whole and damaged, for the readers' tests."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from backports import zstd

from pipeline.archives import members as archive_members
from pipeline.archives.limits import Limits
from pipeline.core.errors import DataError
from tests.support import builders
from tests.support.builders import Member

LIMITS = Limits(total_bytes=1 << 30, member_bytes=1 << 24)
NOISE = np.random.default_rng(0).bytes(1_200_000)
MEMBERS = [
    ("train/10.png", NOISE[:1000]),
    ("train/2.png", b"a" * 5000),
    ("train/empty.png", b""),
    ("notes.txt", b"not an image"),
    ("train/é 1.png", NOISE),  # longer than what is decompressed at a time
    ("train/1.png", NOISE[:1000]),
]
FOLDERS = [("train/", b""), *MEMBERS]
FEW = [(f"train/{number}.png", NOISE[:60] + b"a" * 50) for number in range(3)] + [("e.png", b"")]
"""Members of a small archive, which can be damaged at each of its bytes."""


def _zstd(content: bytes) -> bytes:
    return zstd.compress(content, options={zstd.CompressionParameter.checksum_flag: 1})


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".tar": bytes,
    ".tar.gz": gzip.compress,
    ".tgz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
    ".tar.zst": _zstd,
}
"""What makes each kind of tar from a plain one."""


def tar(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a plain tar; a name that ends in / is a folder."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def write(path: Path, members: Iterable[Member]) -> Path:
    """Write an archive in the format of ``path``'s suffix."""
    suffix = next((suffix for suffix in COMPRESS if path.name.endswith(suffix)), None)
    if suffix is None:
        return builders.write_archive(path, members)
    path.write_bytes(COMPRESS[suffix](tar(members)))
    return path


def read(
    path: Path,
    pattern: str | list[str] = "*",
    limits: Limits = LIMITS,
    names_encoding: str | None = None,
) -> list[Member]:
    """Return all members that match."""
    return list(archive_members.members(path, pattern, limits, names_encoding))


def refusal(
    path: Path, pattern: str = "*", limits: Limits = LIMITS, names_encoding: str | None = None
) -> str:
    """Return the error of an archive that must be refused; it is one line that begins with it."""
    with pytest.raises(DataError) as caught:
        read(path, pattern, limits, names_encoding)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    return message


def is_refused(path: Path, content: bytes, whole: list[Member]) -> bool:
    """Return whether ``content`` is refused as an archive; else it must hold ``whole``."""
    path.write_bytes(content)
    try:
        contained = read(path)
    except DataError as error:
        message = str(error)
    else:
        assert contained == whole
        return False
    assert message.isprintable()
    return True


def flipped(content: bytes, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """Yield ``content`` with one bit flipped, for each byte from ``start`` to ``stop``."""
    for position in range(start, len(content) if stop is None else stop):
        copy = bytearray(content)
        copy[position] ^= 1 << position % 8
        yield bytes(copy)
