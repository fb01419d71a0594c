"""Members of an archive, (name, content), in the archive's order; and the table of its formats.

Nothing is written to disk, and one member is held at a time. Hostile members are refused by name,
and the format's own checksums are verified.
"""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import py7zr
from backports import zstd

from pipeline.archives import seven_zip, tar_file, zip_file
from pipeline.archives.limits import Limits, MemberFilter, Members
from pipeline.core import files
from pipeline.core.errors import DataError

READERS: dict[str, Callable[[Path, MemberFilter], Members]] = {
    ".7z": seven_zip.read,
    ".zip": zip_file.read,
    ".tar": tar_file.read,
    ".tar.gz": tar_file.read_gzip,
    ".tgz": tar_file.read_gzip,
    ".tar.bz2": tar_file.read_bzip2,
    ".tar.xz": tar_file.read_xz,
    ".tar.zst": tar_file.read_zstd,
}
"""The reader of each format, by the suffix of an archive's name.

A reader yields the members that the filter accepts. It asks the filter about every member, wanted
or not, before it decompresses it, and calls ``refuse_repeated`` after the last one. For a damaged
archive it raises one of ``DAMAGED``, for a method that it does not read NotImplementedError.
"""

DAMAGED = (
    py7zr.exceptions.ArchiveError,
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    zstd.ZstdError,
    EOFError,
    UnicodeDecodeError,  # of a name in a .zip
    struct.error,
    OSError,  # what gzip and bz2 raise for damage, and zipfile where it seeks before the file
)
"""Errors by which the libraries report a damaged archive."""


def members(path: Path, pattern: str, limits: Limits) -> Members:
    """Yield (name, content) of every member that matches, in the archive's order.

    Parameters
    ----------
    path : Path
        An archive; its suffix says of which format.
    pattern : str
        Shell-style and case-sensitive; ``*`` also matches ``/``.
    limits : Limits
        Upper bounds, compared with a member's declared length before it is decompressed.

    Raises
    ------
    DataError
        If the archive is missing, damaged, of an unknown format, or holds a refused member.
    """
    reader = next((read for suffix, read in READERS.items() if path.name.endswith(suffix)), None)
    if reader is None:
        raise DataError(f"{path}: unknown archive format; known are {', '.join(READERS)}")
    length = files.existing(path, "download").stat().st_size
    try:
        for name, content in reader(path, MemberFilter(path, pattern, limits, length)):
            yield name.removeprefix("./"), content
    except NotImplementedError as error:
        raise DataError(
            f"{path}: {error}; pack it again, with LZMA2 (.7z) or deflate (.zip) and no password"
        ) from None
    except DAMAGED as error:
        if isinstance(error, OSError) and error.filename:  # not found, no permission …
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: truncated, damaged or no such archive ({reason}); fetch it again"
        ) from None
