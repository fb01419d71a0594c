"""Extraction of an archive of images to Parquet parts and the table of labels."""

import glob
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from pipeline.archives import names, several
from pipeline.archives.limits import Limits
from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.core.params import FILE_NAME, Text
from pipeline.extract import parts, tables
from pipeline.extract.params import PartsExtract, Ratio

MOST = 1000
"""Archives of a dataset."""
LONGEST = 255
"""Characters of a file's name."""


def _file_names(archive: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """Return names of archives; raise ValueError if they cannot be."""
    given = (archive,) if isinstance(archive, str) else archive
    if not 1 <= len(given) <= MOST:
        raise ValueError(f"must name from 1 to {MOST:,} archives")
    if not all(re.fullmatch(FILE_NAME, name) and len(name) <= LONGEST for name in given):
        raise ValueError(f"must match pattern '{FILE_NAME}' in up to {LONGEST} characters")
    several.folders(given)
    return archive


class ArchiveExtract(PartsExtract):
    """``datasets.<name>.extract`` of kind ``archive``."""

    archive: Annotated[str | tuple[str, ...], AfterValidator(_file_names)]
    """Name of the archive, or of the first of its pieces (``a.7z.001``); its content says of which
    format. Of several, a list, each one's members are in a folder that is called as the archive."""
    names_encoding: Annotated[str, AfterValidator(names.known)] | None = None
    """Encoding of names of which the archive does not say it; null: CP437 in a .zip, as its format
    has it, and UTF-8 in a .tar."""
    labels: tables.LabelFiles = ()
    """Name of the table of labels, a CSV file, or what it is like, or a list of several; null:
    images are labelled by their folders."""
    members: Text | Annotated[tuple[Text, ...], Field(min_length=1, max_length=1000)] = "*"
    """Shell-style pattern of the members that are images, or several of which one must match; ``*``
    also matches ``/``."""
    max_ratio: Ratio = 200
    """Refuse an archive whose members have more than 256 MB, and more than so many times its own
    bytes: encoded images hardly shrink."""

    @property
    def archives(self) -> tuple[str, ...]:
        """The names of all archives."""
        return (self.archive,) if isinstance(self.archive, str) else self.archive

    @property
    def limits(self) -> Limits:
        """The limits in the form in which they are compared."""
        return super().limits._replace(ratio=self.max_ratio)


def extract_archive(raw: Path, params: ArchiveExtract, folder: Path) -> str:
    """Stream the members of archives from ``raw`` into Parquet parts in ``folder``.

    Memory is bounded by a row group and one member, whatever the archives' length.

    Returns
    -------
    str
        Numbers of members and bytes, for the console.

    Raises
    ------
    DataError
        If an archive or the table of labels is missing or damaged, a member is refused, or no
        member matches.
    """
    archives = [raw / name for name in params.archives]
    with files.new_folder(folder) as work:
        if params.labels:
            tables.write(
                [(table, _content(raw, archives, table, params)) for table in params.labels],
                work / "labels.csv",
            )
        chosen = several.members(archives, params.members, params.limits, params.names_encoding)
        rows, total = parts.write(chosen, work, params.part_rows)
        if not rows:
            patterns = params.members if isinstance(params.members, str) else list(params.members)
            raise DataError(f"{archives[0]}: no member matches the pattern {patterns!r}")
    return f"{rows:,} members, {total / 1e6:,.1f} MB"


def _content(
    raw: Path, archives: list[Path], table: tables.LabelFile, params: ArchiveExtract
) -> Path | bytes:
    """Return the file of a table, or its content if it lies in an archive."""
    if table.member is None:
        path = files.existing(raw / str(table.file), "download")
        tables.refuse_long(path, archives)
        return path
    pattern = glob.escape(table.member)
    limits = tables.limited(params.limits, archives)
    found = next(several.members(archives, pattern, limits, params.names_encoding), None)
    if found is None:
        raise DataError(
            f"{archives[0]}: has no member {table.member} (extract.labels in params.yaml)"
        )
    return found[1]
