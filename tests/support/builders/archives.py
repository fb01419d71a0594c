"""Archives of given members: .7z, .zip and .tar.gz, without a clock."""

import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import py7zr
from py7zr.helpers import ArchiveTimestamp

Member = tuple[str, bytes]


def write_archive(path: Path, members: Iterable[Member]) -> Path:
    """Write an archive in the format of ``path``'s suffix; a name that ends in / is a folder."""
    for suffix, write in ((".7z", write_7z), (".zip", write_zip), ((".tar.gz", ".tgz"), write_tar)):
        if path.name.endswith(suffix):
            write(path, members)
            return path
    raise ValueError(path.name)


def write_7z(
    path: Path,
    members: Iterable[Member],
    *,
    mode: str = "w",
    attributes: int | None = None,
    **options: Any,
) -> None:
    """Write a .7z: one solid block, or one more with ``mode="a"``; ``attributes`` for all members.

    Names are set behind py7zr's back, which would refuse the hostile ones.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with py7zr.SevenZipFile(path, mode, **options) as archive:
        for name, content in members:
            archive.writestr(content, "name")
            entry = archive.header.files_info.files[-1]
            entry["filename"] = name.removesuffix("/")
            entry["lastwritetime"] = ArchiveTimestamp.from_datetime(0)
            if name.endswith("/"):
                entry["attributes"] = stat.FILE_ATTRIBUTE_DIRECTORY
            if attributes is not None:
                entry["attributes"] = attributes


def write_zip(
    path: Path,
    members: Iterable[Member],
    *,
    mode: int = 0o644 | stat.S_IFREG,
    method: int = zipfile.ZIP_DEFLATED,
) -> None:
    """Write a .zip whose members are of Unix ``mode``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.filename = info.orig_filename = name  # as it is, with NUL and backslash
            info.external_attr = mode << 16
            info.compress_type = method
            archive.writestr(info, content)
            archive.NameToInfo.clear()  # or zipfile warns of duplicates


class _DosInfo(zipfile.ZipInfo):
    """A member's header with a name that does not say how it is encoded."""

    raw = b""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.raw, self.flag_bits & ~0x800


def write_windows_zip(
    path: Path, members: Iterable[Member], encoding: str = "cp437", extra: bytes = b""
) -> Path:
    """Write a .zip as old tools of Windows do: names in an ``encoding`` that it does not say."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            info = _DosInfo("x")
            info.raw, info.extra, info.create_system = name.encode(encoding), extra, 0
            archive.writestr(info, content)
            archive.NameToInfo.clear()
    return path


def write_tar(path: Path, members: Iterable[tuple[str | tarfile.TarInfo, bytes]]) -> None:
    """Write a .tar.gz; a member given as TarInfo is written as that says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if info.name.endswith("/"):
                info.type = tarfile.DIRTYPE
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    path.write_bytes(gzip.compress(stream.getvalue(), mtime=0))
