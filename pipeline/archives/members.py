"""Archives (.7z, .zip, .tar, .tar.gz): their members, (name, bytes), in the archive's order.

Nothing is written to disk and one member is held at a time. The gate refuses hostile members by
name, and the container's own checksums are verified.
"""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import py7zr

from pipeline.archives import seven_zip, tar_file, zip_file
from pipeline.archives.limits import Gate, Limits, Members
from pipeline.core import files
from pipeline.core.errors import DataError


def members(path: Path, pattern: str, limits: Limits) -> Members:
    """Yield (name, content) of every member that matches, in the archive's order.

    Parameters
    ----------
    path : Path
        An archive; its suffix says of which format.
    pattern : str
        Shell-style, case-sensitive; ``*`` also matches ``/``.
    limits : Limits
        Upper bounds, checked against the declared lengths before anything is decompressed.

    Raises
    ------
    DataError
        If the archive is missing, damaged, of an unknown format, or holds a refused member.
    """
    reader = next((read for suffix, read in READERS.items() if path.name.endswith(suffix)), None)
    if reader is None:
        raise DataError(f"{path}: unknown archive format; known are {', '.join(READERS)}")
    gate = Gate(path, pattern, limits, files.existing(path, "download").stat().st_size)
    try:
        for name, content in reader(path, gate):
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


DAMAGED = (
    py7zr.exceptions.ArchiveError,
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    UnicodeDecodeError,  # of a name in a .zip
    struct.error,
    OSError,  # gzip's and bz2's word for damage, and zipfile's where it seeks before the file
)


READERS: dict[str, Callable[[Path, Gate], Members]] = {
    ".7z": seven_zip.read,
    ".zip": zip_file.read,
    ".tar": tar_file.read,
    ".tar.gz": tar_file.read_gzipped,
    ".tgz": tar_file.read_gzipped,
}
