"""Extraction of IDX files to ``{train,test}-{images,labels}.idx``."""

import glob
import gzip
import hashlib
import io
import re
import tempfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import StringConstraints, model_validator

from pipeline.archives.limits import RAISE, SMALL, Limits
from pipeline.archives.members import members
from pipeline.core import files, places
from pipeline.core.errors import DataError
from pipeline.core.params import FILE_NAME, FileName, Section
from pipeline.execution import workers
from pipeline.extract.params import Bytes, Ratio
from pipeline.images import idx

CHUNK = 1 << 20
"""Bytes unzipped at a time."""
GZIP = b"\x1f\x8b"
MANY_IMAGES = 1_000_000
FEWEST_BYTES = 16
"""Bytes of a published file for each of its rows, where there are more than ``MANY_IMAGES``."""
LONGEST_MEMBER = 1 << 29
"""Bytes of a file in an archive, which is held in memory before it is unzipped."""

IdxName = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class IdxPair(Section):
    """Names of the files that are a subset's images and labels.

    They are in ``data/raw/<dataset>/``, or, with their folders, in an archive there.
    """

    images: IdxName
    """Name of the file of images."""
    labels: IdxName
    """Name of the file of their labels."""


class IdxExtract(Section):
    """``datasets.<name>.extract`` of kind ``idx``."""

    archive: FileName | None = None
    """Name of an archive that holds the files; null: they are published as they are."""
    train: IdxPair
    test: IdxPair | None = None
    """The official test set; null: there is none, and ``split`` takes one from the images."""
    max_bytes: Bytes = 20_000_000_000
    """Refuse a file that unzips to more bytes than this."""
    max_ratio: Ratio = 200
    """Refuse a file that unzips to more than 256 MB, and more than so many times its own bytes."""

    @model_validator(mode="after")
    def _names_without_a_folder(self) -> "IdxExtract":
        for name in [] if self.archive else self.names:
            if not re.fullmatch(FILE_NAME, name):
                raise ValueError(f"train and test: {name!r} is no plain file name")
        return self

    @property
    def pairs(self) -> dict[str, IdxPair]:
        """The pairs that there are, by their subset."""
        return {"train": self.train} | ({"test": self.test} if self.test else {})

    @property
    def names(self) -> list[str]:
        """Names of all files."""
        return [name for pair in self.pairs.values() for name in (pair.images, pair.labels)]


class Source(NamedTuple):
    """A published IDX file."""

    path: Path
    name: str
    """For messages."""


def extract_idx(raw: Path, params: IdxExtract, folder: Path) -> str:
    """Unzip IDX files from ``raw`` into ``folder`` and check that they belong together.

    Files that are not gzipped are copied.

    Returns
    -------
    str
        Numbers of images in each subset and of bytes, for the console.

    Raises
    ------
    DataError
        If a file is missing, truncated, not gzip, not IDX, or images and labels differ in number.
    """
    counts = []
    with files.new_folder(folder) as work:
        with tempfile.TemporaryDirectory(dir=work) as scratch:
            sources = _sources(raw, params, Path(scratch))
            unzipping = [
                partial(
                    _unzip,
                    sources[name],
                    work / f"{subset}-{what}.idx",
                    params.max_bytes,
                    params.max_ratio,
                    Path(scratch),
                )
                for subset, pair in params.pairs.items()
                for what, name in (("images", pair.images), ("labels", pair.labels))
            ]
            counted = list(workers.run(unzipping, "extract", "files"))
        for (subset, pair), n_images, n_labels in zip(
            params.pairs.items(), counted[::2], counted[1::2], strict=True
        ):
            if n_images != n_labels:
                raise DataError(
                    f"{sources[pair.images].name} has {n_images:,} images, but "
                    f"{sources[pair.labels].name} {n_labels:,} labels; check "
                    f"datasets.{raw.name}.extract.{subset}"
                )
            counts.append(f"{n_images:,} {subset}")
    return f"{' and '.join(counts)} images, {files.megabytes(folder)}"


def _sources(raw: Path, params: IdxExtract, scratch: Path) -> Mapping[str, Source]:
    if params.archive is None:
        return {name: Source(raw / name, str(raw / name)) for name in params.names}
    return unpack(raw / params.archive, params.names, scratch, params.max_bytes)


def unpack(
    archive: Path, names: Collection[str], folder: Path, max_bytes: int
) -> dict[str, Source]:
    """Write members of an archive into a folder, as they are; return where each one is.

    Raises
    ------
    DataError
        If the archive is missing or damaged, or lacks one of the members.
    """
    limits = Limits(max_bytes, min(max_bytes, LONGEST_MEMBER))
    sources: dict[str, Source] = {}
    for name, content in members(archive, [glob.escape(name) for name in names], limits):
        path = folder / f"{len(sources)}.member"
        files.write_bytes(path, content)
        sources[name] = Source(path, f"{archive}: {name}")
    if missing := [name for name in names if name not in sources]:
        raise DataError(f"{archive}: has no member {missing[0]}; check extract in params.yaml")
    return sources


def is_gzip(path: Path) -> bool:
    """Return whether a file is gzipped, or called so."""
    with files.open_regular(path) as file:
        return file.read(len(GZIP)) == GZIP or path.name.endswith(".gz")


def check_growth(promised: idx.Header, source: Source, ratio: int) -> None:
    """Raise DataError if a file would unzip to far more than its own bytes, or has too many rows.

    Parameters
    ----------
    promised : idx.Header
    source : Source
        As it was published.
    ratio : int
        Bytes for each of its own, where they are more than 256 MB.
    """
    own = source.path.stat().st_size
    if promised.length > max(SMALL, ratio * own):
        raise DataError(
            f"{source.name}: its header promises {promised.length:,} bytes, far more than its own "
            f"{own:,} (extract.max_ratio); {RAISE}"
        )
    rows = promised.shape[0] if promised.shape else 0
    if rows > max(MANY_IMAGES, own // FEWEST_BYTES):
        raise DataError(
            f"{source.name}: its header promises {rows:,} rows in {own:,} bytes, more than one for "
            f"{FEWEST_BYTES} bytes; it is not meant to be read"
        )


def header(source: Source) -> idx.Header:
    """Return a file's header, without unzipping more; raises DataError if it has none."""
    with _opened(source) as stream:
        return idx.parse_header(stream.read(idx.HEADER_BYTES), source.name)


def digest(source: Source, promised: idx.Header) -> str:
    """Return the SHA-256 of what a file unzips to, as far as its header goes, and of a byte more.

    Raises
    ------
    DataError
        If it is truncated or not gzip.
    """
    found, left = hashlib.sha256(), promised.length + 1
    with _opened(source) as stream:
        while left and (content := stream.read(min(left, CHUNK))):
            found.update(content)
            left -= len(content)
    return found.hexdigest()


@contextmanager
def _opened(source: Source) -> Iterator[io.BufferedIOBase]:
    """Open a published file, as what it unzips to; what is wrong with it is raised as DataError."""
    is_zipped = is_gzip(files.existing(source.path, "download"))
    try:
        with gzip.open(source.path, "rb") if is_zipped else source.path.open("rb") as stream:
            yield stream
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{source.name}: truncated or not gzip ({error}); fetch it again") from None


def _unzip(source: Source, target: Path, max_bytes: int, ratio: int, scratch: Path) -> int:
    """Unzip an IDX file; return its number of rows."""
    with places.attempt(target, scratch) as new:
        _gunzip(source, new, max_bytes, ratio)
        return _idx_rows(new, source.name)


def _gunzip(source: Source, target: Path, max_bytes: int, ratio: int) -> None:
    """Unzip an IDX file; raise DataError if it has more bytes than its header promises."""
    with _opened(source) as stream, files.new_bytes(target) as file:
        start = stream.read(idx.HEADER_BYTES)
        promised = idx.parse_header(start, source.name)
        expected = promised.length
        if expected > max_bytes:
            raise DataError(
                f"{source.name}: its header promises {expected:,} bytes, above {max_bytes:,} "
                f"(extract.max_bytes); {RAISE}"
            )
        check_growth(promised, source, ratio)
        file.write(start)
        left = expected - len(start)
        sizes = [CHUNK] * (left // CHUNK) + [left % CHUNK]
        for size in workers.stoppable(sizes):
            file.write(stream.read(size))
        if stream.read(1):
            raise DataError(f"{source.name}: holds more than the {expected:,} bytes of its header")


def _idx_rows(path: Path, source: str) -> int:
    """Return the number of rows of an unzipped IDX file; errors name its ``source``."""
    try:
        array = idx.memmap(path)
    except DataError as error:
        raise DataError(str(error).replace(str(path), source)) from None
    if array.ndim == 0:
        raise DataError(f"{source}: holds a single number, not rows of images or labels")
    return len(array)
