"""IDX files, like MNIST's: pairs of images and labels, as they are or in an archive."""

import math
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.archives.limits import RAISE
from pipeline.archives.members import READERS
from pipeline.core import limits
from pipeline.core.errors import DataError, first_few, shown
from pipeline.decode.idx import transposed
from pipeline.extract import idx as published
from pipeline.extract.idx import IdxExtract, Source, extract_idx, unpack
from pipeline.images import idx
from pipeline.images.idx import Header
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.findings import Findings, without_fractions
from pipeline.new_dataset.image_statistics import ImageStatistics
from pipeline.new_dataset.layout import patterns

CALLED = re.compile(r"ubyte|idx")
"""In the name of an IDX file, in lower case."""
SUBSETS = {"test": re.compile(r"(?<![a-z])(test|t10k)"), "train": re.compile(r"(?<![a-z])train")}
"""In a name, in lower case; "latest" is no test set."""
EMNIST = "emnist"
FEWEST_PIXELS = 64
"""Numbers of an image from which they are its pixels and not its labels."""
QMNIST_COLUMNS = 8
"""Numbers of an image in QMNIST's files of labels, of which the first is its class."""
MOST_CLASSES = 10_000
RATIO = 200
"""Bytes that a file may unzip to, for each of its own, as ``extract`` has it."""
MAX_BYTES = 20_000_000_000
"""Of an archive's IDX files, as they are packed in it."""


def detect(folder: Path, names: Sequence[str], choices: Choices) -> Findings:
    """Read IDX files in a folder: one pair, or two of which one is a test set's.

    Raises
    ------
    DataError
        If a file is not IDX, lacks its pair, or holds what ``decode`` refuses.
    """
    sources = {name: Source(folder / name, name) for name in _chosen(names, choices)}
    findings = _detect(folder, sources, None, choices)
    findings.files = [name for name in names if name in _named(findings.extract)]
    return findings


def in_archive(path: Path, others: Sequence[str], choices: Choices) -> Findings | None:
    """Read the IDX files of an archive that holds no images; None if there are none either.

    Parameters
    ----------
    path : Path
    others : sequence of str
        Names of its members.
    choices : Choices

    Raises
    ------
    DataError
        As ``detect``.
    """
    names = [name for name in others if CALLED.search(name.lower().rpartition("/")[2])]
    if not names:
        return None
    chosen = _chosen(names, choices)
    with tempfile.TemporaryDirectory() as scratch:
        with _without_parameters():
            sources = unpack(path, chosen, Path(scratch), MAX_BYTES)
        findings = _detect(path.parent, sources, path.name, choices)
    findings.description += ", in an archive"
    return findings


def _chosen(names: Sequence[str], choices: Choices) -> list[str]:
    chosen = patterns.select(names, choices.only)
    if not chosen:
        raise DataError(f"none of {len(names):,} IDX files matches --only: {first_few([*names])}")
    return chosen


def _detect(
    folder: Path, sources: Mapping[str, Source], archive: str | None, choices: Choices
) -> Findings:
    columns = {"--id": choices.id, "--group": choices.group, "--subset": choices.subset}
    if given := [option for option, column in columns.items() if column is not None]:
        raise DataError(f"{first_few(given)} goes with a table of labels; IDX files have none")
    notes: list[str] = []
    found = {name: _header(name, source) for name, source in sources.items()}
    digests = {name: partial(published.digest, sources[name], found[name]) for name in found}
    pairs = _pairs(found, digests, notes)
    extract = {"archive": archive, **pairs} if archive else dict(pairs)
    read = _labels_and_pixels(folder, extract)
    decode: dict[str, Any] = {}
    column = _column(found, pairs, choices, notes)
    if column is not None:
        decode["label_column"] = column
    numbers = {
        subset: _numbers(pairs[subset]["labels"], labels if column is None else labels[:, column])
        for subset, (labels, _) in read.items()
    }
    classes = _classes(numbers, decode, notes)
    if any(EMNIST in name.lower() for name in _named(pairs)):
        decode["transpose"] = True
        notes.append(
            "EMNIST's files have rows and columns exchanged, which decode.transpose undoes: see "
            "that the picture is upright"
        )
    images = ImageStatistics()
    for subset, (_, pixels) in read.items():
        _check_pixels(pairs[subset]["images"], pixels)
        upright = transposed(pixels) if "transpose" in decode else pixels
        images.add_arrays(subset, upright, numbers[subset])
    notes.append("the classes are called by their numbers: write their names into decode.classes")
    return Findings(
        kind="idx",
        description=f"IDX files, {'with' if 'test' in pairs else 'without'} a test set",
        images=images,
        files=[archive] if archive else [],
        extract=extract,
        classes=classes,
        decode={"format": "parquet"} | decode,
        split=dict(without_fractions(pairs)),
        notes=notes,
    )


def _labels_and_pixels(
    folder: Path, extract: Mapping[str, Any]
) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """Return the labels and images of each subset, as ``extract`` will have them."""
    params = IdxExtract.model_validate(extract)
    with tempfile.TemporaryDirectory() as work:
        out = Path(work, "idx")
        with _without_parameters():
            extract_idx(folder, params, out)
        # Mapped files stay readable when they are removed.
        return {
            subset: (
                idx.read(out / f"{subset}-labels.idx"),
                idx.memmap(out / f"{subset}-images.idx"),
            )
            for subset in params.pairs
        }


@contextmanager
def _without_parameters() -> Iterator[None]:
    """Have errors give no advice about parameters that are not there yet."""
    try:
        yield
    except DataError as error:
        advice = rf"; (check datasets\.\S+|{re.escape(RAISE)})$"
        raise DataError(re.sub(advice, "", str(error))) from None


def _named(extract: Mapping[str, Any]) -> list[str]:
    return [
        name for pair in extract.values() if isinstance(pair, Mapping) for name in pair.values()
    ]


def _pairs(
    found: Mapping[str, Header], digests: Mapping[str, Callable[[], str]], notes: list[str]
) -> dict[str, dict[str, str]]:
    """Return the names of the files of images and of labels, for each subset."""
    pairs: dict[str, dict[str, str]] = {}
    for name in sorted(found, key=lambda name: (len(name), name)):
        shape = found[name].shape
        content = "labels" if len(shape) < 3 and math.prod(shape[1:]) < FEWEST_PIXELS else "images"
        pair = pairs.setdefault(_subset(name), {})
        other = pair.setdefault(content, name)
        if other != name and digests[name]() == digests[other]():
            notes.append(f"{name} is the same as {other}, and is left out")
        elif other != name:
            raise DataError(
                f"{name} and {other} are both {content} for {_subset(name)}, and differ; choose "
                "with --only PATTERN, or name the files of one dataset"
            )
    if len(pairs) == 1:
        pairs = {"train": next(iter(pairs.values()))}
    for subset, pair in pairs.items():
        for content in {"images", "labels"} - set(pair):
            raise DataError(f"there is no file of {content} for {subset}; give both of each pair")
    return dict(sorted(pairs.items(), reverse=True))


def _subset(name: str) -> str:
    """Return the subset that a file's own name says, or else its folders'.

    Examples
    --------
    >>> _subset("mnist-t10k-images.idx"), _subset("latest/images"), _subset("test/images")
    ('test', 'train', 'test')
    """
    parts = (name.lower().rpartition("/")[2], name.lower())
    said = (subset for part in parts for subset, one in SUBSETS.items() if one.search(part))
    return next(said, "train")


def _column(
    found: Mapping[str, Header],
    pairs: Mapping[str, Mapping[str, str]],
    choices: Choices,
    notes: list[str],
) -> int | None:
    """Return the column of labels where each image has several numbers; None where it has one."""
    shapes = {pair["labels"]: found[pair["labels"]].shape for pair in pairs.values()}
    if all(len(shape) == 1 for shape in shapes.values()):
        return None
    name, shape = next((name, shape) for name, shape in shapes.items() if len(shape) != 1)
    if len({shape[1:] for shape in shapes.values()}) > 1:
        raise DataError(f"{' and '.join(shapes)} have different numbers for an image")
    if choices.label:
        number = limits.number(choices.label[0])
        if len(choices.label) > 1 or number is None or number >= shape[1]:
            given = shown(choices.label[0])
            raise DataError(
                f"--label: there is no number {given}, only 0 to {shape[1] - 1} ({name})"
            )
        return number
    if shape[1] == QMNIST_COLUMNS:
        notes.append(
            f"{name} has {shape[1]} numbers for each image, as QMNIST's files: the first is its "
            "class, and the others (writer, origin) are not used"
        )
    elif shape[1] != 1:
        raise DataError(
            f"{name}: has {shape[1]} numbers for each image; say which is its class with --label "
            f"NUMBER, from 0 to {shape[1] - 1}"
        )
    return 0


def _check_pixels(name: str, pixels: NDArray[Any]) -> None:
    """Raise DataError for images that ``decode`` will refuse."""
    if pixels.dtype != np.uint8:
        raise DataError(f"{name}: images must be uint8, these are {pixels.dtype.name}")
    if pixels.ndim not in (3, 4) or (*pixels.shape, 1)[3] not in (1, 3):
        raise DataError(
            f"{name}: images must be of shape (n, height, width) or (n, height, width, 1 or 3), "
            f"these are of {pixels.shape}"
        )
    if 0 in pixels.shape:
        raise DataError(f"{name}: its images have no pixels, they are of shape {pixels.shape}")


def _numbers(name: str, labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels; raise DataError for what ``decode`` will refuse."""
    if labels.dtype.kind not in "iu" or not len(labels) or labels.min() < 0:
        raise DataError(f"{name}: labels must be whole numbers from 0")
    return labels


def _classes(
    numbers: Mapping[str, NDArray[Any]], decode: dict[str, Any], notes: list[str]
) -> list[str]:
    """Return the classes' names; add to ``decode`` which numbers they have, if not those from 0."""
    count = sum(map(len, numbers.values()))
    values = [int(number) for number in np.unique(np.concatenate(list(numbers.values())))]
    if len(values) > MOST_CLASSES:
        raise DataError(
            f"labels are {len(values):,} different numbers, above {MOST_CLASSES:,}; labels must "
            "count the classes"
        )
    if values[-1] >= max(count, 2):
        raise DataError(
            f"a label is {values[-1]:,}, of {count:,} images; labels must count the classes"
        )
    if values != list(range(len(values))):
        decode["label_values"] = values
        unused = [str(n) for n in range(values[0], values[-1]) if n not in values]
        without = f" without {first_few(unused)}" if unused else ""
        notes.append(
            f"labels are the numbers {values[0]} to {values[-1]}{without}: decode.label_values "
            "says which of them stands for each class"
        )
    return [str(value) for value in values]


def _header(name: str, source: Source) -> Header:
    try:
        found = published.header(source)
    except DataError:
        raise DataError(
            f"{name}: is neither an archive ({', '.join(READERS)}), nor Parquet, nor an IDX "
            "file (.gz or plain)"
        ) from None
    with _without_parameters():
        published.check_growth(found, source, RATIO)
    return found
