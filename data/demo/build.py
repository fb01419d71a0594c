"""Make the demo data from the four official files of Fashion-MNIST.

    python data/demo/build.py FOLDER [OUT]

FOLDER holds the files (``data/raw/fashion_mnist`` after ``dvc repro download@fashion_mnist``); OUT
is this script's own folder by default. The same input gives the same bytes.

``idx/``: the first images of each class, in the original order, in four IDX files with the official
names. ``png/``: further training images of each class as 32x32 RGB PNGs in one solid ``train.7z``,
and ``trainLabels.csv``, laid out as Kaggle's CIFAR-10: ids are shuffled numbers, the table is in
numerical and the archive in alphabetical order, so that only a join on the id puts them together.
"""

import argparse
import gzip
import lzma
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import py7zr
from numpy.typing import NDArray
from py7zr.helpers import ArchiveTimestamp

from pipeline.core import files
from pipeline.images import idx

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SEED = 20170825
SUBSETS = {"train": "train", "test": "t10k"}
"""The official files' prefixes."""
EPOCH = ArchiveTimestamp.from_datetime(0)
"""The archive's members are dated 1970, for its bytes must not depend on the clock."""
LZMA2 = {
    "id": lzma.FILTER_LZMA2,
    "preset": lzma.PRESET_EXTREME | 9,
    "dict_size": 1 << 23,  # all PNGs; the preset's 64 MiB would only cost readers memory
}

Array = NDArray[Any]


def build(source: Path, out: Path, train: int, test: int, png: int) -> list[Path]:
    """Make ``out/idx`` and ``out/png``.

    Parameters
    ----------
    source : Path
        Folder of the four official files.
    out : Path
        Where ``idx/`` and ``png/`` are made or replaced.
    train, test, png : int
        Images of each class in ``idx/``'s two subsets and in ``png/``; the latter are the training
        images that follow those in ``idx/``.

    Returns
    -------
    list of Path
        The files made.
    """
    made = []
    for subset, count in (("train", train), ("test", test)):
        images, labels = read_subset(source, subset)
        chosen = of_each_class(labels, 0, count)
        made += [
            write_gzip(out / "idx" / name, idx.dumps(array[chosen]))
            for name, array in zip(official_names(subset), (images, labels), strict=True)
        ]
    images, labels = read_subset(source, "train")
    chosen = np.random.default_rng(SEED).permutation(of_each_class(labels, train, train + png))
    table = {str(number): int(position) for number, position in enumerate(chosen, start=1)}
    made.append(write_archive(out / "png" / "train.7z", table, images))
    made.append(write_table(out / "png" / "trainLabels.csv", table, labels))
    return made


def official_names(subset: str) -> tuple[str, str]:
    """Names of a subset's files of images and labels."""
    prefix = SUBSETS[subset]
    return f"{prefix}-images-idx3-ubyte.gz", f"{prefix}-labels-idx1-ubyte.gz"


def read_subset(source: Path, subset: str) -> tuple[Array, Array]:
    """Images, uint8 (n, 28, 28), and labels, uint8 (n,), of a subset."""
    images, labels = (
        idx.loads(gzip.decompress((source / name).read_bytes()), name)
        for name in official_names(subset)
    )
    return images, labels


def of_each_class(labels: Array, start: int, stop: int) -> NDArray[np.intp]:
    """Positions of each class's occurrences from ``start`` to ``stop``, in ascending order."""
    found = [np.flatnonzero(labels == label)[start:stop] for label in range(len(CLASSES))]
    return np.sort(np.concatenate(found))


def colour(image: Array, seed: int) -> Array:
    """A grey 28x28 image as 32x32 RGB: a random light colour on a random dark one.

    The colours come from ``seed`` and not from the class, so that they do not tell it.
    """
    rng = np.random.default_rng([SEED, seed])
    dark, light = rng.integers(0, 64, 3), rng.integers(160, 256, 3)
    grey = np.pad(image, 2)[..., np.newaxis].astype(np.int64)
    return np.asarray((dark * (255 - grey) + light * grey) // 255, np.uint8)


def encode_png(rgb: Array) -> bytes:
    """An RGB image as a PNG, stored rather than deflated: the solid archive then shrinks better."""
    bgr = rgb[..., ::-1]
    return cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 0])[1].tobytes()


def write_archive(path: Path, table: dict[str, int], images: Array) -> Path:
    """Write ``train/<id>.png`` for each id in alphabetical order; returns ``path``."""
    with (
        files.new_file(path) as work,
        py7zr.SevenZipFile(work, "w", filters=[LZMA2]) as archive,
    ):
        for name in sorted(table):
            rgb = colour(images[table[name]], seed=table[name])
            archive.writestr(encode_png(rgb), f"train/{name}.png")
            archive.header.files_info.files[-1]["lastwritetime"] = EPOCH
    return path


def write_table(path: Path, table: dict[str, int], labels: Array) -> Path:
    """Write each id's class name, in the table's order; returns ``path``."""
    rows = [f"{name},{CLASSES[labels[position]]}\n" for name, position in table.items()]
    with files.new_file(path) as work:
        work.write_text("id,label\n" + "".join(rows), encoding="utf-8", newline="\n")
    return path


def write_gzip(path: Path, content: bytes) -> Path:
    """Write gzipped bytes without name or time; returns ``path``."""
    with files.new_file(path) as work:
        work.write_bytes(gzip.compress(content, 9, mtime=0))
    return path


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, metavar="FOLDER")
    parser.add_argument("out", type=Path, metavar="OUT", nargs="?", default=Path(__file__).parent)
    arguments = parser.parse_args()
    for path in build(arguments.source, arguments.out, train=400, test=100, png=200):
        print(f"{files.sha256(path)}  {path.stat().st_size:>9,}  {path}")


if __name__ == "__main__":
    main()
