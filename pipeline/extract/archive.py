"""Archives of images, as a few Parquet files (see ``parts``) and the table of labels."""

import shutil
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.archives import members as archive_members
from pipeline.archives.limits import Limits
from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.core.params import FileName, Section
from pipeline.extract import parts

Positive = Annotated[int, Field(gt=0)]


class ArchiveExtract(Section):
    """``datasets.<name>.extract`` of kind ``archive``."""

    archive: FileName
    """Name of the archive, which ends in one of ``archives.members.READERS``: .7z, .zip, .tar.gz …"""
    labels: FileName | None = None
    """Name of the table of labels, a CSV file; null: images are labelled by their folders."""
    members: str = "*"
    """Shell-style pattern of the members that are images; ``*`` also matches ``/``."""
    part_rows: Positive = 5000
    """Members in one Parquet part: the unit in which ``decode`` works in parallel."""
    max_bytes: Positive = 20_000_000_000
    """Refuse an archive whose members have more bytes than this together."""
    max_member_bytes: Positive = 64_000_000
    """Refuse an archive with a member of more bytes than this."""
    max_members: Positive = 1_000_000
    """Refuse an archive with more members than this, be they images or not."""
    max_ratio: Positive = 200
    """Refuse an archive whose members have more than 256 MB, and more than so many times its own
    bytes: encoded images hardly shrink."""


def extract_archive(raw: Path, params: ArchiveExtract, folder: Path) -> str:
    """Stream an archive's members from ``raw`` into Parquet parts in ``folder``.

    Memory is bounded by a row group and one member, whatever the archive's length.

    Returns
    -------
    str
        What was done, for the console.

    Raises
    ------
    DataError
        If the archive or the table of labels is missing or damaged, a member is refused, or no
        member matches.
    """
    archive = raw / params.archive
    labels = None if params.labels is None else files.existing(raw / params.labels, "download")
    limits = Limits(params.max_bytes, params.max_member_bytes, params.max_members, params.max_ratio)
    with files.new_folder(folder) as work:
        if labels:
            shutil.copyfile(labels, work / "labels.csv")
        members = archive_members.members(archive, params.members, limits)
        rows, total = parts.write(members, work, params.part_rows)
        if not rows:
            raise DataError(f"{archive}: no member matches the pattern {params.members!r}")
    return f"{rows:,} members, {total / 1e6:,.1f} MB"
