"""Discovery: what published files of unknown make hold, and which parameters say so.

Every image's header is read, as the pipeline would read it, and no parameter is proposed that was
not tried: archives go through the same gate, IDX files through the same extraction.
"""

import fnmatch
import gzip
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.archives import members
from pipeline.archives.limits import Limits
from pipeline.core import console
from pipeline.core.errors import DataError, first_few
from pipeline.extract import hugging_face
from pipeline.extract import idx as extract_archive
from pipeline.extract.archive import ArchiveExtract
from pipeline.extract.idx import IdxExtract
from pipeline.extract.kind import Kind
from pipeline.images import idx
from pipeline.labels.folders import folder_of
from pipeline.new_dataset import label_columns
from pipeline.new_dataset.image_statistics import Survey
from pipeline.split import published

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
"""Of images, in small letters."""
LABELS = ("label", "labels", "class", "fine_label", "category", "target")
"""Usual names of a column of labels in Parquet files."""
RARE = 10
"""A class with fewer images is not divided in proportion."""


@dataclass
class Found:
    """What files hold, and how they are to be prepared."""

    kind: Kind
    what: str
    """The kind, in words."""
    survey: Survey
    extract: dict[str, Any]
    classes: list[str]
    decode: dict[str, Any] = field(default_factory=dict)
    """Beside the classes."""
    split: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What people should know."""


def discover(folder: Path, names: Sequence[str], labels: str | None) -> Found:
    """Find out what the files ``names`` in ``folder`` hold; ``labels`` is a table of labels.

    Raises
    ------
    DataError
        If it is nothing that the pipeline reads, or something that it needs is lacking.
    """
    suffixes = {_suffix(name) for name in names}
    if suffixes <= set(members.READERS):
        if len(names) > 1:
            raise DataError(f"one archive at a time, please, not {len(names)}")
        found = _archive(folder / names[0], None if labels is None else folder / labels)
    elif labels is not None:
        raise DataError("--labels goes with an archive or a folder of images, not with these files")
    elif suffixes == {".parquet"}:
        found = _parquet(folder, names)
    else:
        found = _idx(folder, names)
    if len(found.classes) < 2:
        raise DataError(
            f"{names[0]}: has images of {len(found.classes)} class"
            f"{'es' if not found.classes else ''} ({first_few(found.classes)}); two are needed, "
            "each in a folder of its own, or a table of labels (--labels CSV)"
        )
    found.split = {k: v for k, v in (_fractions(found) | found.split).items() if v is not None}
    return found


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _suffix(name: str) -> str:
    return next((suffix for suffix in members.READERS if name.endswith(suffix)), Path(name).suffix)


def _fractions(found: Found) -> dict[str, Any]:
    """How to divide what the data do not divide themselves."""
    split: dict[str, Any] = {"validation_fraction": 0.1, "seed": 42}
    if found.kind != "idx" or "test" not in found.extract:
        split = {"test_fraction": 0.2, **split}
    if min(found.survey.classes.values()) >= RARE and "groups" not in found.split:
        split["stratify"] = True
    return split


# Archives


def _archive(path: Path, labels: Path | None) -> Found:
    survey, table = Survey(), None if labels is None else label_columns.Table.read(labels)
    names: list[str] = []
    others: list[str] = []
    limits = ArchiveExtract(archive=path.name)
    bounds = Limits(limits.max_bytes, limits.max_member_bytes)
    with console.bar("look", unit="images") as bar:
        for name, content in members.members(path, "*", bounds):
            if not name.lower().endswith(SUFFIXES):
                others.append(name)
                continue
            names.append(name)
            bar.update()
            label = table.label(name) if table else _folder(name)
            survey.add(name, label, content)
    if not names:
        raise DataError(
            f"{path.name}: holds no images ({', '.join(SUFFIXES)}), but "
            f"{first_few(others) or 'nothing'}"
        )
    extract: dict[str, Any] = {"archive": path.name}
    if labels is not None:
        extract["labels"] = labels.name
    pattern = members_pattern(names, others)
    if pattern != "*":
        extract["members"] = pattern
    found = Found("archive", "", survey, extract, [])
    if table:
        found.what = f"an archive of images with a table of labels, {table.path.name}"
        table.check(names, path.name)
        found.classes = sorted(table.classes())
        found.decode = table.decode()
        found.split = table.split()
        found.notes = table.notes()
    else:
        _label_by_folder(found, names, others, path.name)
    found.decode = survey.decode() | found.decode
    return found


def members_pattern(wanted: Sequence[str], others: Sequence[str]) -> str:
    """A shell-style pattern that matches the one and not the other.

    Raises
    ------
    DataError
        If there is no simple one.

    Examples
    --------
    >>> members_pattern(["a/1.png", "b/2.png"], ["README.md"])
    '*.png'
    >>> members_pattern(["1.jpg", "2.JPEG", "3.png"], ["a.txt"])
    '*.[JPjp]*[Gg]'
    """
    suffixes = {Path(name).suffix for name in wanted}
    first, last = (
        "".join(sorted({c for s in suffixes for c in (s[at].upper(), s[at].lower())}))
        for at in (1, -1)
    )
    for pattern in ("*", f"*{min(suffixes)}", f"*.[{first}]*[{last}]"):
        if all(fnmatch.fnmatchcase(name, pattern) for name in wanted) and not any(
            fnmatch.fnmatchcase(name, pattern) for name in others
        ):
            return pattern
    raise DataError(
        f"no simple pattern tells the images from {first_few(list(others))}; take those out"
    )


def _label_by_folder(
    found: Found, names: Sequence[str], others: Sequence[str], archive: str
) -> None:
    """Find which folders are classes, and whether others say who is train, validation, test."""
    folders = [name.split("/")[:-1] for name in names]
    subsets = None
    while all(len(parts) > 1 for parts in folders) and len({parts[0] for parts in folders}) == 1:
        folders = [parts[1:] for parts in folders]  # what all are in
    if all(folders) and all(published.subset(parts[0]) for parts in folders):
        subsets = {published.subset(parts[0]) for parts in folders}
        known = {name for path in names for name in path.split("/")[:-1] if published.subset(name)}
        _check_innermost(names, [parts[0] for parts in folders], known, archive)
        folders = [parts[1:] for parts in folders]
    if not all(folders):
        tables = [name for name in others if name.endswith(".csv")]
        hint = f" ({first_few(tables)} is in it: take it out)" if tables else ""
        lost = [name for name, parts in zip(names, folders, strict=True) if not parts]
        raise DataError(
            f"{archive}: {len(lost):,} images are in no folder of a class ({first_few(lost)}); "
            f"give each class a folder, or give a table of labels with --labels CSV{hint}"
        )
    by_folder = {_folder(name): parts[0] for name, parts in zip(names, folders, strict=True)}
    _check_innermost(names, [parts[0] for parts in folders], set(by_folder.values()), archive)
    found.what = "images, a folder for each class"
    found.classes = sorted(set(by_folder.values()))
    found.survey.rename(by_folder)
    if subsets:
        found.split["folders"] = True
        found.what += f", in folders for {', '.join(sorted(subsets))}"
        found.split |= _without(subsets)


def _check_innermost(
    names: Sequence[str], outer: Sequence[str], known: set[str], archive: str
) -> None:
    """Refuse a folder within another of which either could be meant: stages take the inner one."""
    pairs = zip(names, outer, strict=True)
    if odd := {path: name for path, name in pairs if folder_of(path, known) != name}:
        path, name = next(iter(odd.items()))
        raise DataError(
            f"{archive}: {len(odd):,} images are in two folders of which either could be meant, as "
            f"{folder_of(path, known)} within {name} ({first_few(list(odd))}); rename one"
        )


def _without(subsets: set[str]) -> dict[str, Any]:
    """Marks of the fractions that the data's own subsets leave no room for."""
    return {f"{name}_fraction": None for name in ("test", "validation") if name in subsets}


# Parquet


def _parquet(folder: Path, names: Sequence[str]) -> Found:
    by_subset: dict[str, list[str]] = {}
    for name in sorted(names):
        by_subset.setdefault(_subset_of(name), []).append(name)
    if "train" not in by_subset:
        if len(by_subset) > 1:
            raise DataError(
                f"there are files for {' and '.join(by_subset)}, but none for train "
                "(train-*.parquet)"
            )
        by_subset = {"train": sorted(names)}
    image, label, known = _columns(folder / by_subset["train"][0])
    survey, notes = Survey(), []
    with console.bar("look", unit="images") as bar:
        for subset, files in list(by_subset.items()):
            try:
                for name in files:
                    for number, row in enumerate(hugging_face.rows(folder / name, image, label)):
                        survey.add(f"{subset}-{number}", row.label, row.content)
                        bar.update()
            except DataError as error:
                if subset == "train" or "has no label" not in str(error):
                    raise
                del by_subset[subset]
                notes.append(f"the files for {subset} have no labels and are left out")
    extract: dict[str, Any] = dict(by_subset)
    if image != "image":
        extract["image"] = image
    if label != "label":
        extract["label"] = label
    numbers = all(map(str.isdecimal, survey.classes))
    classes = known or sorted(survey.classes, key=int if numbers else str)
    return Found(
        "parquet",
        "Parquet files with images, as Hugging Face writes them",
        survey,
        extract,
        classes,
        survey.decode(),
        _without(set(by_subset)),
        notes,
    )


def _subset_of(name: str) -> str:
    """The subset that a file's name says, as in ``data-train-00000-of-00002.parquet``."""
    words = name.removesuffix(".parquet").replace("_", "-").replace(".", "-").split("-")
    return next(filter(None, map(published.subset, words)), "")


def _columns(path: Path) -> tuple[str, str, list[str] | None]:
    """The columns of images and of labels, and the classes' names, if the file has them."""
    try:
        schema = pq.read_schema(path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path.name}: is damaged, or not Parquet ({' '.join(str(error).split())[:200]})"
        ) from None
    columns = f"its columns are {first_few(schema.names, 20)}"
    image = next((n for n in schema.names if hugging_face.is_image(schema.field(n).type)), None)
    if image is None:
        raise DataError(f"{path.name}: no column has images, a struct with bytes; {columns}")
    named = [name for name in schema.names if hugging_face.class_names(schema, name)]
    label = next((n for n in [*named, *LABELS] if n in schema.names and n != image), None)
    if label is None:
        raise DataError(f"{path.name}: no column is called {' or '.join(LABELS)}; {columns}")
    return image, label, hugging_face.class_names(schema, label)


# IDX


def _idx(folder: Path, names: Sequence[str]) -> Found:
    pairs: dict[str, dict[str, str]] = {}
    for name in names:
        rank = _idx_rank(folder / name)
        subset = "test" if "t10k" in name or "test" in name.lower() else "train"
        what = "labels" if rank == 1 else "images"
        if what in pairs.setdefault(subset, {}):
            raise DataError(f"{name} and {pairs[subset][what]} are both {what} for {subset}")
        pairs[subset][what] = name
    if len(pairs) == 1:
        pairs = {"train": next(iter(pairs.values()))}
    for subset, pair in pairs.items():
        for what in {"images", "labels"} - set(pair):
            raise DataError(f"there is no file of {what} for {subset}; give both of each pair")
    survey, highest, images = Survey(), 0, 0
    with tempfile.TemporaryDirectory() as work:
        out = Path(work, "idx")
        extract_archive.extract_idx(folder, IdxExtract.model_validate(pairs), out)
        for subset in pairs:
            labels = idx.read(out / f"{subset}-labels.idx")
            pixels = idx.memmap(out / f"{subset}-images.idx")
            _check_idx(pairs[subset], pixels, labels)
            highest, images = max(highest, int(labels.max())), images + len(labels)
            survey.add_arrays(subset, pixels, labels)
    if highest >= images:
        raise DataError(
            f"a label is {highest:,}, of {images:,} images; labels must count the classes"
        )
    classes = [str(number) for number in range(highest + 1)]
    notes = ["the classes are called by their numbers: write their names into decode.classes"]
    what = "IDX files, " + ("with a test set" if "test" in pairs else "without a test set")
    return Found("idx", what, survey, pairs, classes, {"format": "parquet"}, {}, notes)


def _check_idx(pair: dict[str, str], pixels: NDArray[Any], labels: NDArray[Any]) -> None:
    """Refuse what ``decode`` will."""
    if labels.dtype.kind not in "iu" or not len(labels) or labels.min() < 0:
        raise DataError(f"{pair['labels']}: labels must be whole numbers from 0")
    if pixels.dtype != np.uint8:
        raise DataError(f"{pair['images']}: images must be uint8, these are {pixels.dtype.name}")


def _idx_rank(path: Path) -> int:
    """The rank of an IDX file's array."""
    opened = gzip.open if path.name.endswith(".gz") else open
    try:
        with opened(path, "rb") as file:
            header = idx.parse_header(file.read(idx.HEADER_BYTES), path.name)
    except (DataError, OSError, EOFError):
        raise DataError(
            f"{path.name}: is neither an archive ({', '.join(members.READERS)}), nor Parquet, nor "
            "an IDX file (.gz or plain)"
        ) from None
    return len(header.shape)
