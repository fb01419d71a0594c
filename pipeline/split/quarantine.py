"""Table of the images that were left out, ``quarantined.csv``; its header is always there."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from pipeline.core import console, files
from pipeline.shards.index import Quarantined

COLUMNS = ("class", "name", "reason")


def write(path: Path, images: Iterable[Quarantined]) -> None:
    """Write the class, name and reason of each image, sorted, as CSV."""
    files.write_text(path, text(images))


def text(images: Iterable[Quarantined]) -> str:
    """Return the file's text."""
    lines = io.StringIO()
    table = csv.writer(lines, lineterminator="\n")
    table.writerow(COLUMNS)
    rows = sorted((one.class_name, one.name, one.reason) for one in images)
    table.writerows(map(console.cell, row) for row in rows)
    return lines.getvalue()
