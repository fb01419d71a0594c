"""Detection of what published files of unknown make hold, and which parameters say so.

Each kind of dataset has a detector. It reads the header of every image as the pipeline would, and
proposes no parameter that it did not try: archives are read by the pipeline's reader, IDX files by
its extraction.
"""

from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

from pipeline.archives import pieces
from pipeline.archives.members import READERS, is_archive
from pipeline.core import files
from pipeline.core.errors import DataError, first_few
from pipeline.extract.kind import Kind
from pipeline.images import placeholder
from pipeline.new_dataset import archive, idx, parquet
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.findings import Findings

RARE = 10
"""A class with fewer images is not divided in proportion."""
TABLES = {".csv", ".tsv", ".xlsx", ".xls", ".json", ".jsonl", ".ndjson"}
"""Suffixes of tables of labels."""


class Detector(NamedTuple):
    """A detector of one kind of dataset."""

    suffixes: tuple[str, ...]
    """Of the files' names; ``("",)`` for any."""
    detect: Callable[[Path, Sequence[str], Choices], Findings]
    """Reads files in a folder, by their names, as the user chose."""
    takes_labels: bool = False


DETECTORS: dict[Kind, Detector] = {
    "archive": Detector(tuple(READERS), archive.detect, takes_labels=True),
    "parquet": Detector((".parquet",), parquet.detect),
    "idx": Detector(("",), idx.detect),
}
"""In the order in which they are asked for files with their suffixes."""


def detect(folder: Path, names: Sequence[str], choices: Choices) -> Findings:
    """Return what the files ``names`` in ``folder`` hold; a chosen table of labels is there too.

    Raises
    ------
    DataError
        If they hold nothing that the pipeline reads, or something that it needs is lacking.
    """
    for name in names:
        with files.open_regular(folder / name) as file:
            start = file.read(placeholder.BEGINNING)
        if start and (words := placeholder.described(start)):
            raise DataError(f"{name}: {words}")
    if tables := [name for name in names if PurePath(name).suffix.lower() in TABLES]:
        raise DataError(
            f"{tables[0]}: is called as a table; name the images, and their table with --labels "
            "(one of pixels, such as Kaggle's of MNIST and FER2013, is not read: write its images)"
        )
    detector = _detector(folder, names)
    if choices.labels and not detector.takes_labels:
        raise DataError("--labels goes with an archive or a folder of images, not with these files")
    told = {"--classes-at": choices.classes_at is not None, "--subsets": bool(choices.subsets)}
    told["--names-encoding"] = choices.names_encoding is not None
    if not detector.takes_labels and any(told.values()):
        given = first_few([option for option, is_given in told.items() if is_given])
        raise DataError(f"{given} goes with an archive or a folder of images, not with these files")
    findings = detector.detect(folder, names, choices)
    if len(findings.classes) < 2:
        raise DataError(
            f"{names[0]}: has images of {len(findings.classes)} class"
            f"{'es' if not findings.classes else ''} ({first_few(findings.classes)}); two are "
            "needed, each in a folder of its own, or a table of labels (--labels CSV)"
        )
    findings.check()
    findings.warn()
    split = {"test_fraction": 0.2, "validation_fraction": 0.1, "seed": 42}
    if min(findings.images.classes.values()) >= RARE and "groups" not in findings.split:
        split["stratify"] = True
    split |= findings.split
    findings.split = {key: value for key, value in split.items() if value is not None}
    return findings


def _detector(folder: Path, names: Sequence[str]) -> Detector:
    """Return the detector for files of these names, or, where these tell nothing, this content."""
    known = [pieces.whole_name(name).lower() for name in names]
    kind, detector = next(
        (kind, one)
        for kind, one in DETECTORS.items()
        if all(name.endswith(one.suffixes) for name in known)
    )
    if kind == "idx" and any(is_archive(folder / name) for name in names):
        return DETECTORS["archive"]
    return detector
