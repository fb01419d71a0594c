"""Extraction of an archive of images to Parquet parts and the table of labels."""

import shutil
from pathlib import Path

from pydantic import PositiveInt

from pipeline.archives.limits import Limits
from pipeline.archives.members import members
from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.core.params import FileName
from pipeline.extract import parts
from pipeline.extract.params import PartsExtract


class ArchiveExtract(PartsExtract):
    """``datasets.<name>.extract`` of kind ``archive``."""

    archive: FileName
    """Name of the archive; its suffix, such as .7z, .zip or .tar.gz, says its format."""
    labels: FileName | None = None
    """Name of the table of labels, a CSV file; null: images are labelled by their folders."""
    members: str = "*"
    """Shell-style pattern of the members that are images; ``*`` also matches ``/``."""
    max_ratio: PositiveInt = 200
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
    labels = None if params.labels is None else files.existing(raw / params.labels, "download")
    with files.new_folder(folder) as work:
        if labels:
            shutil.copyfile(labels, work / "labels.csv")
        chosen = members(archive, params.members, params.limits)
        rows, total = parts.write(chosen, work, params.part_rows)
        if not rows:
            raise DataError(f"{archive}: no member matches the pattern {params.members!r}")
    return f"{rows:,} members, {total / 1e6:,.1f} MB"
