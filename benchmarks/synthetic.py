"""Archives of the published ones' shape, from a seed: ``python -m benchmarks.synthetic``.

``cifar10``: ``train.7z`` with PNGs, 32x32 RGB, of about 2.3 kB, in one solid LZMA2 block, and
``trainLabels.csv``; ``cifar10-stored``: the same without compression, which is made in a tenth of
the time; ``fashion_mnist``: four gzipped IDX files, 28x28; ``photos``: JPEGs of about 500x375, a
folder for each class. Each image is a coarse random
pattern, of which its class is the seed, enlarged, under noise.
"""

import argparse
import gzip
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import py7zr
from numpy.typing import NDArray
from tqdm import tqdm

CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"
)  # fmt: skip
SEED = 0
AT_ONCE = 1000
SOLID = ({"id": py7zr.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 25},)
"""Fast to make; the dictionary, which is what decoding needs memory for, is the published one's."""
STORED = ({"id": py7zr.FILTER_COPY},)


def main() -> None:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", choices=WRITERS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("images", type=int)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True)
    WRITERS[arguments.dataset](arguments.folder, arguments.images)


def labels(n: int, seed: int = SEED) -> NDArray[np.uint8]:
    """A balanced class for each image, in random order."""
    return np.random.default_rng(seed).permutation(np.arange(n) % len(CLASSES)).astype(np.uint8)


def images(classes: NDArray[np.uint8], shape: tuple[int, ...], seed: int) -> NDArray[np.uint8]:
    """Images of some classes, uint8[n, *shape]."""
    rng = np.random.default_rng([SEED, seed])
    side, channels = shape[0], shape[2:]
    coarse = np.random.default_rng(SEED).integers(40, 216, (len(CLASSES), 4, 4, *channels))
    large = coarse.repeat(side // 4, 1).repeat(side // 4, 2)[classes]
    found = large + rng.integers(-12, 13, large.shape)
    return found.clip(0, 255).astype(np.uint8)


def members(n: int) -> Iterator[tuple[str, bytes]]:
    """Name and PNG of each image, in the order of the published archive's ids."""
    classes = labels(n)
    for start in range(0, n, AT_ONCE):
        batch = images(classes[start : start + AT_ONCE], (32, 32, 3), start)
        for number, image in enumerate(batch, start + 1):
            yield f"train/{number}.png", cv2.imencode(".png", image)[1].tobytes()


def write_archive(folder: Path, n: int, filters: Sequence[dict[str, int]] = SOLID) -> None:
    """Write ``train.7z`` and ``trainLabels.csv``."""
    rows = (f"{number},{CLASSES[label]}" for number, label in enumerate(labels(n), 1))
    (folder / "trainLabels.csv").write_text("\n".join(["id,label", *rows, ""]))
    with py7zr.SevenZipFile(folder / "train.7z", "w", filters=list(filters)) as archive:
        for name, content in tqdm(
            members(n), "train.7z", n, unit=" images", leave=False, disable=not sys.stderr.isatty()
        ):
            archive.writestr(content, name)


def write_idx(folder: Path, n: int) -> None:
    """Write four gzipped IDX files, for training 6/5 n images, for the test 1/5 n."""
    for seed, name, count in ((1, "train", n * 6 // 5), (2, "t10k", n // 5)):
        classes = labels(count, seed)
        pixels = images(classes, (28, 28), seed)
        for what, array in (("images-idx3", pixels), ("labels-idx1", classes)):
            header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
            content = gzip.compress(header + array.tobytes(), 1, mtime=0)
            (folder / f"{name}-{what}-ubyte.gz").write_bytes(content)


def write_photos(folder: Path, n: int) -> None:
    """Write JPEGs of about 500x375, a folder for each class."""
    rng = np.random.default_rng(SEED)
    coarse = rng.integers(40, 216, (len(CLASSES), 12, 16, 3)).astype(np.uint8)
    for name in CLASSES:
        (folder / name).mkdir()
    for number, label in enumerate(labels(n)):
        height, width = (375, 500) if number % 3 else (500, 375)
        large = cv2.resize(coarse[label], (width, height), interpolation=cv2.INTER_CUBIC)
        noise = rng.normal(0, 10, large.shape).astype(np.int16)
        image = (large + noise).clip(0, 255).astype(np.uint8)
        path = folder / CLASSES[label] / f"{number}.jpg"
        path.write_bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes())


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "cifar10": write_archive,
    "cifar10-stored": partial(write_archive, filters=STORED),
    "fashion_mnist": write_idx,
    "photos": write_photos,
}

if __name__ == "__main__":
    main()
