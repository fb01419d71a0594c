"""Members of an archive, (name, content), in the archive's order; and the table of its formats.

Nothing is written to disk, and one member is held at a time. Hostile members are refused by name,
and the format's own checksums are verified.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.archives import formats, pieces, tar_file, zip_file
from pipeline.archives.limits import Limits, MemberFilter, Members
from pipeline.archives.seven_zip import archive as seven_zip
from pipeline.core import files
from pipeline.core.errors import DataError, one_line

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
archive it raises any error, for a method that it does not read NotImplementedError. What it takes
of memory and time is bounded by the archive's own length and by the filter's limits, whatever the
archive says.
"""


def has_suffix(name: str) -> bool:
    """Return whether a file is called as an archive, or as the first piece of one.

    Examples
    --------
    >>> has_suffix("PETS.ZIP"), has_suffix("pets.7z.001"), has_suffix("pets.gz")
    (True, True, False)
    """
    return pieces.whole_name(name).lower().endswith(tuple(READERS))


def is_archive(path: Path) -> bool:
    """Return whether a file's content is that of an archive, whatever it is called.

    Raises
    ------
    DataError
        If it is that of an archive that is not read.
    """
    suffix = formats.of(path)
    return suffix in (".zip", ".7z", ".tar") or (
        suffix is not None and formats.inside(path, suffix) == ".tar"
    )


def members(
    path: Path,
    pattern: str | Sequence[str],
    limits: Limits,
    names_encoding: str | None = None,
    others: dict[str, int] | None = None,
    folder: str = "",
) -> Members:
    """Yield (name, content) of every member that matches, in the archive's order.

    Parameters
    ----------
    path : Path
        An archive, or the first of its pieces (``a.7z.001``); its content says of which format, its
        suffix where that does not.
    pattern : str or sequence of str
        Shell-style and case-sensitive; ``*`` also matches ``/``. Of several, one must match.
    limits : Limits
        Upper bounds, compared with a member's declared length before it is decompressed.
    names_encoding : str, optional
        Encoding of the names of which the archive does not say it; CP437 for a .zip, UTF-8 for a
        .tar if it is not given.
    others : dict, optional
        Gets the names of the files that do not match, with their bytes, in the archive's order, and
        those of folders, which end in a slash.
    folder : str
        What every member's name gets before it, a folder with its slash.

    Raises
    ------
    DataError
        If the archive is missing, damaged, of an unknown format, or holds a refused member.
    """
    files.existing(path, "download")
    length = pieces.length(path)
    reader = _reader(path)
    member_filter = MemberFilter(path, pattern, limits, length, names_encoding, others, folder)
    with one_line(path, "fetch it again", fault=": truncated, damaged or no such archive"):
        try:
            for name, content in reader(path, member_filter):
                yield folder + name.removeprefix("./"), content
        except NotImplementedError as error:
            raise DataError(
                f"{path}: {error}; pack it again, with LZMA2 (.7z) or deflate (.zip) and no "
                "password"
            ) from None


def _reader(path: Path) -> Callable[[Path, MemberFilter], Members]:
    """Return the reader of an archive's format: that of its content, or else of its suffix."""
    suffix = formats.of(path)
    if suffix is None:
        name = pieces.whole_name(path.name).lower()
        suffix = next((one for one in READERS if name.endswith(one)), None)
    elif suffix in tar_file.COMPRESSED and formats.inside(path, suffix) in formats.MAGIC.values():
        raise DataError(f"{path}: is compressed twice; decompress it once")
    if suffix is None:
        raise DataError(f"{path}: unknown archive format; known are {', '.join(READERS)}")
    return READERS[suffix]
