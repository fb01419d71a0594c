"""Published datasets in small: IDX files, an archive with a table of labels, Parquet."""

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.images import idx
from tests.support.builders.archives import write_archive
from tests.support.builders.images import Pixels, encode, pixels

CLASSES = ("cat", "dog", "emu")
IDX_FILES = {
    "train": {"images": "train-images-idx3-ubyte.gz", "labels": "train-labels-idx1-ubyte.gz"},
    "test": {"images": "t10k-images-idx3-ubyte.gz", "labels": "t10k-labels-idx1-ubyte.gz"},
}
"""Fashion-MNIST's names of the four files."""


def labels_csv(
    path: Path,
    rows: Iterable[Sequence[str]],
    header: Sequence[str] = ("id", "label"),
    newline: str = "\n",
    bom: bool = False,
) -> Path:
    """Write a table of labels as it is given, quoting nothing; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(",".join(row) + newline for row in (header, *rows))
    path.write_bytes(text.encode("utf-8-sig" if bom else "utf-8"))
    return path


def balanced(n: int, classes: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return ``n`` labels in random order; the classes' counts differ by one at most."""
    return np.random.default_rng(seed).permutation(np.arange(n) % classes).astype(np.uint8)


def idx_dataset(
    folder: Path,
    train: int = 30,
    test: int = 12,
    shape: tuple[int, ...] = (8, 8),
    classes: int = len(CLASSES),
    seed: int = 0,
) -> dict[str, tuple[Pixels, NDArray[np.uint8]]]:
    """Write four gzipped IDX files with Fashion-MNIST's names; return each subset's arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for number, (subset, n) in enumerate((("train", train), ("test", test))):
        labels = balanced(n, classes, seed + number)
        images = pixels(labels, shape, seed=seed + number)
        for what, array in (("images", images), ("labels", labels)):
            content = gzip.compress(idx.dumps(array), mtime=0)
            (folder / IDX_FILES[subset][what]).write_bytes(content)
        found[subset] = images, labels
    return found


def archive_dataset(
    folder: Path,
    n: int = 30,
    shape: tuple[int, ...] = (8, 8, 3),
    bits: int = 8,
    classes: Sequence[str] = CLASSES,
    archive: str = "train.7z",
    suffix: str = ".png",
    seed: int = 0,
) -> dict[str, tuple[Pixels, str]]:
    """Write an archive of images and ``trainLabels.csv``, laid out as Kaggle's CIFAR-10.

    Returns (image, class name) by id, in the table's order, which is numerical. The archive is in
    alphabetical order, so that only a join on the id puts images and labels together.
    """
    labels = balanced(n, len(classes), seed)
    images = pixels(labels, shape, bits, seed)
    found = {
        str(number): (image, classes[label])
        for number, (image, label) in enumerate(zip(images, labels, strict=True), start=1)
    }
    members = [(f"train/{id_}{suffix}", encode(found[id_][0], suffix)) for id_ in sorted(found)]
    write_archive(folder / archive, members)
    labels_csv(folder / "trainLabels.csv", ((id_, name) for id_, (_, name) in found.items()))
    return found


def parquet_file(
    path: Path,
    images: Sequence[bytes | None],
    labels: Sequence[int | str | None],
    classes: Sequence[str] | None = CLASSES,
    **columns: Sequence[Any],
) -> Path:
    """Write a Parquet file as Hugging Face's ``datasets`` does; return its path.

    Images are structs of bytes and path; the schema's metadata hold the classes' names, if any.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    structs = [{"bytes": content, "path": f"{n}.png"} for n, content in enumerate(images)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(structs, kind), "label": labels, **columns})
    features: dict[str, Any] = {"image": {"_type": "Image"}}
    if classes is not None:
        features["label"] = {"names": list(classes), "_type": "ClassLabel"}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path
