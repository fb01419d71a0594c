"""Tiny inputs in the real formats: images, archives, tables, datasets and a project folder.

Everything is made from seeds, without a clock: the same call gives the same bytes.
"""

import copy
import gzip
import io
import json
import os
import shutil
import stat
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import py7zr
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from py7zr.helpers import ArchiveTimestamp
from ruamel.yaml import YAML

from pipeline.core import files
from pipeline.images import idx
from pipeline.shards import index as shard_index
from pipeline.shards import shard
from pipeline.subsets.images import InMemory

ROOT = Path(__file__).parents[2]
CLASSES = ("cat", "dog", "emu")
IDX_FILES = {
    "train": {"images": "train-images-idx3-ubyte.gz", "labels": "train-labels-idx1-ubyte.gz"},
    "test": {"images": "t10k-images-idx3-ubyte.gz", "labels": "t10k-labels-idx1-ubyte.gz"},
}
"""Fashion-MNIST's names of the four files."""

Pixels = NDArray[Any]
Member = tuple[str, bytes]


# Images


def pixels(labels: Sequence[int], shape=(8, 8, 3), bits: int = 8, seed: int = 0) -> Pixels:
    """Images of ``shape`` that differ, (n, *shape): dark noise, a light row for the label."""
    rng = np.random.default_rng(seed)
    top = 2**bits
    images = rng.integers(0, top // 4, (len(labels), *shape), np.uint8 if bits == 8 else np.uint16)
    for image, label in zip(images, labels, strict=True):
        image[2 * label % shape[0]] += np.asarray(top // 2, images.dtype)
    return images


def encode(image: Pixels, suffix: str = ".png") -> bytes:
    """Encode an image, grey, RGB or RGBA, of 8 or 16 bits, with OpenCV."""
    if image.ndim == 3 and image.shape[2] == 3:
        image = image[..., ::-1]
    elif image.ndim == 3 and image.shape[2] == 4:
        image = image[..., [2, 1, 0, 3]]
    done, buffer = cv2.imencode(suffix, np.ascontiguousarray(image))
    assert done
    return buffer.tobytes()


def png(width: int, height: int, depth: int, colour: int, rows: Iterable[bytes], *extra) -> bytes:
    """A PNG made without an image library: unfiltered ``rows``, ``extra`` (name, data) chunks.

    ``colour`` is the format's number: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.
    """
    chunks = [
        (b"IHDR", struct.pack(">2I5B", width, height, depth, colour, 0, 0, 0)),
        *extra,
        (b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def palette_png(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """A PNG of ``indices`` (h, w) into ``palette`` (up to 256, 3)."""
    height, width = indices.shape
    rows = (row.tobytes() for row in indices)
    return png(width, height, 8, 3, rows, (b"PLTE", palette.tobytes()))


# Archives


def write_archive(path: Path, members: Iterable[Member]) -> Path:
    """Write an archive in the format of ``path``'s suffix; a name that ends in / is a folder."""
    for suffix, write in ((".7z", write_7z), (".zip", write_zip), ((".tar.gz", ".tgz"), write_tar)):
        if path.name.endswith(suffix):
            write(path, members)
            return path
    raise ValueError(path.name)


def write_7z(
    path: Path,
    members: Iterable[Member],
    *,
    mode: str = "w",
    attributes: int | None = None,
    **options: Any,
) -> None:
    """Write a .7z: one solid block, or one more with ``mode="a"``; ``attributes`` for all members.

    Names are set behind py7zr's back, which would refuse the hostile ones.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with py7zr.SevenZipFile(path, mode, **options) as archive:
        for name, content in members:
            archive.writestr(content, "name")
            entry = archive.header.files_info.files[-1]
            entry["filename"] = name.removesuffix("/")
            entry["lastwritetime"] = ArchiveTimestamp.from_datetime(0)
            if name.endswith("/"):
                entry["attributes"] = stat.FILE_ATTRIBUTE_DIRECTORY
            if attributes is not None:
                entry["attributes"] = attributes


def write_zip(
    path: Path,
    members: Iterable[Member],
    *,
    mode: int = 0o644 | stat.S_IFREG,
    method: int = zipfile.ZIP_DEFLATED,
) -> None:
    """Write a .zip whose members are of Unix ``mode``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.filename = info.orig_filename = name  # as it is, with NUL and backslash
            info.external_attr = mode << 16
            info.compress_type = method
            archive.writestr(info, content)
            archive.NameToInfo.clear()  # or zipfile warns of duplicates


def write_tar(path: Path, members: Iterable[tuple[str | tarfile.TarInfo, bytes]]) -> None:
    """Write a .tar.gz; a member given as TarInfo is written as that says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if info.name.endswith("/"):
                info.type = tarfile.DIRTYPE
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    path.write_bytes(gzip.compress(stream.getvalue(), mtime=0))


# Tables and datasets


def labels_csv(
    path: Path,
    rows: Iterable[Sequence[str]],
    header: Sequence[str] = ("id", "label"),
    newline: str = "\n",
    bom: bool = False,
) -> Path:
    """Write a table of labels, as it is given, quoting nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(",".join(row) + newline for row in (header, *rows))
    path.write_bytes(text.encode("utf-8-sig" if bom else "utf-8"))
    return path


def balanced(n: int, classes: int, seed: int = 0) -> NDArray[np.uint8]:
    """``n`` labels in random order, of each class as many as of any other, or one fewer."""
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

    Returns (image, class name) by id, in the table's order, which is numerical; the archive is in
    alphabetical order, so that only a join on the id puts them together.
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
    """Write a Parquet file as Hugging Face's ``datasets`` does: images as a struct of bytes and
    path, and the classes' names, if any, in the schema's metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    structs = [{"bytes": content, "path": f"{n}.png"} for n, content in enumerate(images)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(structs, kind), "label": labels, **columns})
    features = {"image": {"_type": "Image"}}
    if classes is not None:
        features["label"] = {"names": list(classes), "_type": "ClassLabel"}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path


# A project


def params(published: Path) -> dict[str, Any]:
    """Parameters of two tiny datasets, ``tiny_idx`` and ``tiny_png``, and a run of each."""
    downloads = {
        folder.name: {
            "files": [
                {
                    "name": path.name,
                    "bytes": path.stat().st_size,
                    "sha256": files.sha256(path),
                    "sources": [f"file:{path}"],
                }
                for path in sorted(folder.iterdir())
            ]
        }
        for folder in published.iterdir()
    }
    return {
        "datasets": {
            "tiny_idx": {
                "kind": "idx",
                "download": downloads["tiny_idx"],
                "extract": copy.deepcopy(IDX_FILES),
                "decode": {"classes": list(CLASSES), "format": "parquet", "shard_rows": 25},
                "split": {"validation_count": 6},
            },
            "tiny_png": {
                "kind": "archive",
                "download": downloads["tiny_png"],
                "extract": {
                    "archive": "train.7z",
                    "labels": "trainLabels.csv",
                    "members": "train/*.png",
                    "part_rows": 20,
                },
                "decode": {"classes": list(CLASSES), "format": "parquet", "shape": [8, 8, 3]},
                "split": {"test_fraction": 0.2, "validation_fraction": 0.2, "seed": 42},
            },
        },
        "defaults": {
            "model": {"filters": [4], "dense": [8]},
            "train": {"epochs": 2, "batch_size": 4, "optimizer": {"name": "adam"}, "threads": 1},
            "evaluate": {"batch_size": 8, "threads": 1},
            "report": {"dpi": 50, "mistakes": 3, "samples_per_class": 2},
        },
        "runs": {
            name: {"dataset": name, "model": {}, "train": {}, "evaluate": {}, "report": {}}
            for name in ("tiny_idx", "tiny_png")
        },
    }


class Project:
    """A project folder whose datasets are downloaded: ``published/`` and a copy in ``data/raw/``.

    Attributes
    ----------
    folder : Path
    idx, png : dict
        What ``idx_dataset`` and ``archive_dataset`` put into ``tiny_idx`` and ``tiny_png``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        published = folder / "published"
        self.idx = idx_dataset(published / "tiny_idx")
        self.png = archive_dataset(published / "tiny_png")
        shutil.copytree(published, folder / "data" / "raw")
        shutil.copy(ROOT / "libraries.yaml", folder)
        self.params = params(Path("published"))
        self.write()

    def copy(self, folder: Path) -> "Project":
        """The same project, whose files were copied to ``folder``."""
        other = copy.copy(self)
        other.folder = folder
        other.params = copy.deepcopy(self.params)
        return other

    def write(self) -> None:
        """Write ``params`` to ``params.yaml``."""
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False  # in the other, DVC's parser takes no unquoted colon
        yaml.dump(self.params, self.folder / "params.yaml")

    def set(self, key: str, value: Any) -> None:
        """Set a parameter, named by its full key, and write ``params.yaml``."""
        *parents, last = key.split(".")
        section = self.params
        for name in parents:
            section = section[name]
        section[last] = value
        self.write()

    def run(
        self, stage: str, *arguments: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``stages/<stage>.py`` in this folder, as DVC does."""
        with self.start(stage, *arguments, env=env) as process:
            out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def start(
        self,
        stage: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
        **options: Any,
    ) -> subprocess.Popen[str]:
        """Start ``stages/<stage>.py`` in this folder, in a process group of its own.

        ``before`` is a command that starts it, as ``nice``; ``options`` go to ``Popen``.
        """
        return subprocess.Popen(
            [*before, sys.executable, "-m", f"stages.{stage}", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            start_new_session=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
        )


def until(is_so: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it does not become so"
        time.sleep(0.01)


def in_memory(
    pixels: NDArray[Any], labels: NDArray[np.int32], groups: Sequence[int] = (0,)
) -> InMemory:
    """Images of a subset as ``subsets`` has them; ``groups`` are where row groups begin."""
    return InMemory(
        [str(number) for number in range(len(labels))],
        labels,
        pixels.shape[1:],
        pixels.dtype,
        np.iinfo(pixels.dtype).max,
        np.array(groups),
        pixels,
    )


def shard_images(folder: Path, index: shard_index.Index) -> NDArray[np.float32]:
    """All images of shards."""
    files = [folder / file.name for file in index.files]
    return np.concatenate([part for file in files for part in shard.images(file, index.shape)])
