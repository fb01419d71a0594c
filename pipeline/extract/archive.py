"""Extraction of an archive of images to Parquet parts and the table of labels."""

import glob
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from pipeline.archives import names
from pipeline.archives.limits import Limits
from pipeline.archives.members import members
from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.core.params import FileName, Text
from pipeline.extract import parts, tables
from pipeline.extract.params import PartsExtract, Ratio


class ArchiveExtract(PartsExtract):
    """``datasets.<name>.extract`` of kind ``archive``."""

    archive: FileName
    """Name of the archive, or of the first of its pieces (``a.7z.001``); its content says of which
    format."""
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
    def limits(self) -> Limits:
        """The limits in the form in which they are compared."""
        return super().limits._replace(ratio=self.max_ratio)


def extract_archive(raw: Path, params: ArchiveExtract, folder: Path) -> str:
    """Stream an archive's members from ``raw`` into Parquet parts in ``folder``.

    Memory is bounded by a row group and one member, whatever the archive's length.

    Returns
    -------
    str
        Numbers of members and bytes, for the console.

    Raises
    ------
    DataError
        If the archive or the table of labels is missing or damaged, a member is refused, or no
        member matches.
    """
    archive = raw / params.archive
    with files.new_folder(folder) as work:
        if params.labels:
            tables.write(
                [(table, _content(raw, archive, table, params)) for table in params.labels],
                work / "labels.csv",
            )
        chosen = members(archive, params.members, params.limits, params.names_encoding)
        rows, total = parts.write(chosen, work, params.part_rows)
        if not rows:
            patterns = params.members if isinstance(params.members, str) else list(params.members)
            raise DataError(f"{archive}: no member matches the pattern {patterns!r}")
    return f"{rows:,} members, {total / 1e6:,.1f} MB"


def _content(
    raw: Path, archive: Path, table: tables.LabelFile, params: ArchiveExtract
) -> Path | bytes:
    """Return the file of a table, or its content if it lies in the archive."""
    if table.member is None:
        path = files.existing(raw / str(table.file), "download")
        tables.refuse_long(path, archive)
        return path
    pattern = glob.escape(table.member)
    limits = tables.limited(params.limits, archive)
    found = next(members(archive, pattern, limits, params.names_encoding), None)
    if found is None:
        raise DataError(f"{archive}: has no member {table.member} (extract.labels in params.yaml)")
    return found[1]
