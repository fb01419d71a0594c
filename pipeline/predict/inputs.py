"""Inputs of a prediction: files, folders, patterns, archives, IDX files and standard input.

Each is a ``Source`` of ``Item``s. Those of an archive or IDX file are read one after the other,
image files in the threads that adapt them. A source that cannot be read ends itself alone.
"""

import glob
import gzip
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from pipeline.archives import members
from pipeline.archives.limits import Limits
from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.images import formats, idx
from pipeline.predict.adapt import Pixels

STDIN = "-"
MAX_BYTES = 256 << 20
"""Greatest size of one file, or of standard input."""
SUFFIXES = (*sorted(formats.SUFFIXES),)
"""Suffixes of the images of a folder or archive; a file that is named may have any."""
GZIP = b"\x1f\x8b"
ROWS = 1000
"""Images of an IDX file that are read at a time."""


class Item(NamedTuple):
    """An image to be classified."""

    name: str
    read: Callable[[], bytes | Pixels]
    """Returns the encoded image, or pixels: (h, w) or (h, w, c), RGB. Raises OSError, DataError."""


class Source(NamedTuple):
    """The images that an argument names."""

    name: str
    images: int | None
    """Their number, if that is known before they are read."""
    items: Callable[[], Iterator[Item]]
    """Yields them. Raises OSError, DataError."""


def find(
    arguments: Sequence[str], limits: Limits, *, transpose: bool = False
) -> Iterator[Source | DataError]:
    """Yield the source that each argument names, or the error if it names none.

    Parameters
    ----------
    arguments : sequence of str
        Paths, patterns (``**`` matches folders within folders), or ``-``. The images of a folder
        are those with one of ``SUFFIXES``, in folders within it too, in alphabetical order.
    limits : Limits
        Upper bounds on the contents of an archive.
    transpose : bool
        Swap height and width of the images of IDX files, as ``decode.transpose`` does.
    """
    for argument in arguments:
        path = Path(argument)
        if not argument:
            yield DataError("an empty argument names no image")
        elif argument == STDIN:
            yield Source(STDIN, 1, lambda: iter([Item(STDIN, _stdin)]))
        elif path.exists():
            yield from _of_path(path, limits, transpose)
        elif matches := _matches(argument):
            for match in _outermost(matches):
                yield from _of_path(match, limits, transpose)
        elif glob.has_magic(argument):
            yield DataError(f"{argument}: matches no file")
        else:
            yield DataError(f"{argument}: there is no such file or folder")


def count(sources: Sequence[Source | DataError]) -> int | None:
    """Return the number of images in all sources together; None if one of them is unknown."""
    counts = [source.images for source in sources if isinstance(source, Source)]
    known = [n for n in counts if n is not None]
    return sum(known) if len(known) == len(counts) else None


def _matches(pattern: str) -> list[Path]:
    """Return what a pattern matches, but for what is in folders that hold no images."""
    parts = Path(pattern).parts
    named = next(at for at, part in enumerate((*parts, "*")) if glob.has_magic(part))
    found = map(Path, sorted(glob.glob(pattern, recursive=True)))  # noqa: PTH207
    return [path for path in found if files.CLUTTER.isdisjoint(map(str.lower, path.parts[named:]))]


def _outermost(matches: Iterable[Path]) -> Iterator[Path]:
    """Yield a pattern's matches without those in a folder that matches too, and is walked.

    Archives are kept, since a folder is walked for images alone.
    """
    paths = list(matches)
    folders = {path for path in paths if path.is_dir()}
    for path in paths:
        if folders.isdisjoint(path.parents) or members.has_suffix(path.name):
            yield path


def _of_path(path: Path, limits: Limits, transpose: bool) -> Iterator[Source | DataError]:
    try:
        if path.is_dir():
            images = sorted(file for file in path.rglob("*") if _is_image(file.relative_to(path)))
            items = [Item(str(file), partial(_file, file)) for file in images if file.is_file()]
            if items:
                yield Source(str(path), len(items), lambda: iter(items))
            else:
                yield DataError(f"{path}: no image in there ({', '.join(SUFFIXES)})")
        elif not path.is_file():
            yield DataError(f"{path} is no plain file")
        elif members.has_suffix(path.name) or members.is_archive(path):
            yield Source(str(path), None, lambda: _archived(path, limits))
        elif (shape := _idx_shape(path)) is not None:
            yield Source(str(path), shape[0] if shape else 0, lambda: _indexed(path, transpose))
        else:
            yield Source(str(path), 1, lambda: iter([Item(str(path), partial(_file, path))]))
    except DataError as error:  # an archive that is not read, such as RAR
        yield error
    except OSError as error:
        yield DataError(f"{path}: {error.strerror or error}")


def _is_image(path: Path) -> bool:
    """Tell if a name is that of an image that is not hidden (``files.is_clutter``)."""
    return path.suffix.lower() in SUFFIXES and not files.is_clutter(path)


def _file(path: Path) -> bytes:
    with files.open_regular(path) as file:
        return _bounded(file)


def _stdin() -> bytes:
    return _bounded(sys.stdin.buffer)


def _bounded(file: BinaryIO) -> bytes:
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise DataError(f"has more than {MAX_BYTES:,} bytes")
    return content


def _archived(path: Path, limits: Limits) -> Iterator[Item]:
    empty = True
    for name, content in members.members(path, "*", limits):
        if _is_image(Path(name)):
            empty = False
            yield Item(f"{path}:{name}", partial(bytes, content))
    if empty:
        raise DataError(f"{path}: no image in there ({', '.join(SUFFIXES)})")


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    with files.open_regular(path) as file:
        is_gzip = file.read(2) == GZIP
    return gzip.open(path) if is_gzip else files.open_regular(path)


def _idx_shape(path: Path) -> tuple[int, ...] | None:
    """Return the shape in an IDX file's header, gzipped or not; None if it is no IDX file."""
    try:
        with _opened(path) as file:
            return _idx_header(file, path).shape
    except (DataError, gzip.BadGzipFile, EOFError, zlib.error):
        return None


def _idx_header(file: BinaryIO | gzip.GzipFile, path: Path) -> idx.Header:
    """Read an IDX file's header alone: the bytes after it may be damaged."""
    start = file.read(4)
    rank = start[3] if len(start) == 4 else 0
    return idx.parse_header(start + file.read(4 * rank), str(path))


def _indexed(path: Path, transpose: bool) -> Iterator[Item]:
    """Yield the images of an IDX file, named by their positions."""
    try:
        with _opened(path) as file:
            header = _idx_header(file, path)
            n, *shape = header.shape or (0,)
            channels = shape[2:] or [1]
            if header.dtype != np.uint8 or len(shape) not in (2, 3) or channels[0] not in (1, 3):
                raise DataError(
                    f"{path}: images must be uint8 of shape (n, height, width) or (n, height, "
                    f"width, 1 or 3), these are {header.dtype.name} of shape {header.shape}"
                )
            length = int(np.prod(shape))
            rows = max(1, min(ROWS, MAX_BYTES // max(length, 1)))
            for start in range(0, n, rows):
                count = min(rows, n - start)
                content = file.read(count * length)
                whole = np.frombuffer(content, np.uint8, len(content) // length * length)
                for row, image in enumerate(whole.reshape(-1, *shape), start):
                    pixels = image.swapaxes(0, 1) if transpose else image
                    yield Item(f"{path}:{row}", partial(np.asarray, pixels))
                if len(content) < count * length:
                    raise DataError(f"{path}: ends after {start + len(whole) // length:,} images")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: truncated or damaged ({error})") from None
