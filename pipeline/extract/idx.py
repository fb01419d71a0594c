"""Extraction of IDX files to ``{train,test}-{images,labels}.idx``."""

import gzip
import tempfile
import zlib
from functools import partial
from pathlib import Path

from pydantic import PositiveInt

from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.core.params import FileName, Section
from pipeline.execution import workers
from pipeline.images import idx

CHUNK = 1 << 20
"""Bytes unzipped at a time."""


class IdxPair(Section):
    """Names of the files in ``data/raw/<dataset>/`` that are a subset's images and labels."""

    images: FileName
    labels: FileName


class IdxExtract(Section):
    """``datasets.<name>.extract`` of kind ``idx``."""

    train: IdxPair
    test: IdxPair | None = None
    """The official test set; null: there is none, and ``split`` takes one from the images."""
    max_bytes: PositiveInt = 20_000_000_000
    """Refuse a file that unzips to more bytes than this."""


def extract_idx(raw: Path, params: IdxExtract, folder: Path) -> str:
    """Unzip IDX files from ``raw`` into ``folder`` and check that they belong together.

    Files whose names do not end in ``.gz`` are copied.

    Returns
    -------
    str
        Numbers of images in each subset and of bytes, for the console.

    Raises
    ------
    DataError
        If a file is missing, truncated, not gzip, not IDX, or images and labels differ in number.
    """
    pairs = {"train": params.train} | ({"test": params.test} if params.test else {})
    counts = []
    with files.new_folder(folder) as work:
        with tempfile.TemporaryDirectory(dir=work) as scratch:
            unzipping = [
                partial(
                    _unzip,
                    raw / name,
                    work / f"{subset}-{what}.idx",
                    params.max_bytes,
                    Path(scratch),
                )
                for subset, pair in pairs.items()
                for what, name in (("images", pair.images), ("labels", pair.labels))
            ]
            counted = list(workers.run(unzipping, "extract", "files"))
        for (subset, pair), n_images, n_labels in zip(
            pairs.items(), counted[::2], counted[1::2], strict=True
        ):
            if n_images != n_labels:
                raise DataError(
                    f"{raw / pair.images} has {n_images:,} images, but {raw / pair.labels} "
                    f"{n_labels:,} labels; check datasets.{raw.name}.extract.{subset}"
                )
            counts.append(f"{n_images:,} {subset}")
    return f"{' and '.join(counts)} images, {files.megabytes(folder)}"


def _unzip(source: Path, target: Path, max_bytes: int, scratch: Path) -> int:
    """Unzip an IDX file; return its number of rows."""
    with files.attempt(target, scratch) as new:
        _gunzip(source, new, max_bytes)
        return _idx_rows(new, source)


def _gunzip(source: Path, target: Path, max_bytes: int) -> None:
    """Unzip an IDX file; raise DataError if it has more bytes than its header promises."""
    opened = gzip.open if source.name.endswith(".gz") else open
    try:
        with opened(files.existing(source, "download"), "rb") as stream, target.open("wb") as file:
            start = stream.read(idx.HEADER_BYTES)
            expected = idx.parse_header(start, str(source)).length
            if expected > max_bytes:
                raise DataError(
                    f"{source}: its header promises {expected:,} bytes, above {max_bytes:,} "
                    "(extract.max_bytes); if that is as it should be, raise the limit in "
                    "params.yaml"
                )
            file.write(start)
            left = expected - len(start)
            sizes = [CHUNK] * (left // CHUNK) + [left % CHUNK]
            for size in workers.stoppable(sizes):
                file.write(stream.read(size))
            if stream.read(1):
                raise DataError(f"{source}: holds more than the {expected:,} bytes of its header")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{source}: truncated or not gzip ({error}); fetch it again") from None


def _idx_rows(path: Path, source: Path) -> int:
    """Return the number of rows of an unzipped IDX file; errors name its ``source``."""
    try:
        array = idx.memmap(path)
    except DataError as error:
        raise DataError(str(error).replace(str(path), str(source))) from None
    if array.ndim == 0:
        raise DataError(f"{source}: holds a single number, not rows of images or labels")
    return len(array)
