"""IDX files, like MNIST's: pairs of images and labels."""

import gzip
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.archives.members import READERS
from pipeline.core.errors import DataError
from pipeline.extract.idx import IdxExtract, extract_idx
from pipeline.images import idx
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.findings import Findings, without_fractions
from pipeline.new_dataset.image_statistics import ImageStatistics


def detect(folder: Path, names: Sequence[str], _: Choices) -> Findings:
    """Read IDX files in a folder: one pair, or two of which one is a test set's.

    Raises
    ------
    DataError
        If a file is not IDX, lacks its pair, or holds what ``decode`` refuses.
    """
    pairs = _pairs(folder, names)
    images, highest, count = ImageStatistics(), 0, 0
    with tempfile.TemporaryDirectory() as work:
        out = Path(work, "idx")
        extract_idx(folder, IdxExtract.model_validate(pairs), out)
        for subset in pairs:
            labels = idx.read(out / f"{subset}-labels.idx")
            pixels = idx.memmap(out / f"{subset}-images.idx")
            _check(pairs[subset], pixels, labels)
            highest, count = max(highest, int(labels.max())), count + len(labels)
            images.add_arrays(subset, pixels, labels)
    if highest >= count:
        raise DataError(
            f"a label is {highest:,}, of {count:,} images; labels must count the classes"
        )
    return Findings(
        kind="idx",
        description=f"IDX files, {'with' if 'test' in pairs else 'without'} a test set",
        images=images,
        files=list(names),
        extract=pairs,
        classes=[str(number) for number in range(highest + 1)],
        decode={"format": "parquet"},
        split=dict(without_fractions(pairs)),
        notes=["the classes are called by their numbers: write their names into decode.classes"],
    )


def _pairs(folder: Path, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return the names of the files of images and of labels, for each subset."""
    pairs: dict[str, dict[str, str]] = {}
    for name in names:
        rank = _rank(folder / name)
        subset = "test" if "t10k" in name or "test" in name.lower() else "train"
        content = "labels" if rank == 1 else "images"
        if content in pairs.setdefault(subset, {}):
            raise DataError(f"{name} and {pairs[subset][content]} are both {content} for {subset}")
        pairs[subset][content] = name
    if len(pairs) == 1:
        pairs = {"train": next(iter(pairs.values()))}
    for subset, pair in pairs.items():
        for content in {"images", "labels"} - set(pair):
            raise DataError(f"there is no file of {content} for {subset}; give both of each pair")
    return pairs


def _check(pair: dict[str, str], pixels: NDArray[Any], labels: NDArray[Any]) -> None:
    """Refuse what ``decode`` will."""
    if labels.dtype.kind not in "iu" or not len(labels) or labels.min() < 0:
        raise DataError(f"{pair['labels']}: labels must be whole numbers from 0")
    if pixels.dtype != np.uint8:
        raise DataError(f"{pair['images']}: images must be uint8, these are {pixels.dtype.name}")


def _rank(path: Path) -> int:
    """Return the rank of an IDX file's array."""
    opened = gzip.open if path.name.endswith(".gz") else open
    try:
        with opened(path, "rb") as file:
            header = idx.parse_header(file.read(idx.HEADER_BYTES), path.name)
    except (DataError, OSError, EOFError):
        raise DataError(
            f"{path.name}: is neither an archive ({', '.join(READERS)}), nor Parquet, nor an IDX "
            "file (.gz or plain)"
        ) from None
    return len(header.shape)
