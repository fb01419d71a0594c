"""Published files, as the ``download`` stage takes them, from paths and URLs that people name."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from pipeline.archives import members, pieces
from pipeline.core.errors import DataError, first_few
from pipeline.core.files import is_clutter
from pipeline.download import folder, protocols
from pipeline.download.body import quoted
from pipeline.images.formats import SUFFIXES
from pipeline.new_dataset.layout.patterns import select
from pipeline.split.published import meaning


def published(name: str, place: str, only: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Yield the published files of a dataset ``name`` that a path or URL stands for.

    Parameters
    ----------
    name : str
    place : str
        Path or URL.
    only : sequence of str
        Shell-style patterns of the Parquet files in a folder that are taken.

    Raises
    ------
    DataError
        If there is nothing there, nothing that the pipeline reads, or several datasets.
    """
    path = Path(place)
    if protocols.scheme(place) or not path.is_dir():
        yield from map(file, _pieces(place))
        return
    try:
        inside = [member.name for member in folder.members(path)]
    except folder.PackingError as error:
        raise DataError(f"{place}: {error}") from None
    if any(one.lower().endswith(SUFFIXES) for one in inside):
        yield {"name": f"{name}.tar", "sources": [_url("folder", path)]}
        return
    parquet = [one for one in inside if one.endswith(".parquet")]
    if not parquet and any(members.has_suffix(one) for one in inside):
        raise DataError(
            f"{place}: holds an archive ({first_few(inside)}); name that itself, or all of "
            "several, and their table of labels with --labels"
        )
    if parquet:
        parquet = _one_configuration(place, select(parquet, only))
    others = parquet or [one for one in inside if "ubyte" in one or "idx" in one]
    for one in others:
        yield file(str(path / one), one)
    if not others:
        raise DataError(
            f"{place}: holds neither images, Parquet nor IDX files: {first_few(inside)}"
        )


def empty_folders(place: str) -> Iterator[str]:
    """Yield the folders in a user's folder in which there is no file, the outermost of them."""
    path = Path(place)
    if protocols.scheme(place) or not path.is_dir():
        return
    filled = {parent for one in folder.members(path) for parent in PurePosixPath(one.name).parents}
    for here, inner, _ in os.walk(path):
        below = PurePosixPath(Path(here).relative_to(path).as_posix())
        inner[:] = [name for name in inner if not is_clutter(Path(name))]
        for name in sorted(inner):
            if below / name not in filled:
                yield str(below / name)
                inner.remove(name)


def _one_configuration(place: str, names: list[str]) -> list[str]:
    """Return the names of Parquet files; refuse those of several configurations, as the Hub has."""
    if not names:
        raise DataError(f"{place}: none of its Parquet files matches --only")
    configurations = Counter(
        "/".join(part for part in name.split("/")[:-1] if not meaning(part).subset)
        for name in names
    )
    if len(configurations) > 1:
        shown = [f"{one or '.'} ({count:,} files)" for one, count in configurations.items()]
        first = next(filter(None, configurations))
        raise DataError(
            f"{place}: holds {len(configurations):,} configurations, each a dataset of its own: "
            f"{first_few(shown)}; choose one, as with --only '{first}/*'"
        )
    return names


def _pieces(place: str) -> list[str]:
    """Return the paths of all pieces of an archive by that of its first one."""
    path = Path(place)
    if protocols.scheme(place) or not path.is_file() or not members.has_suffix(path.name):
        return [place]
    return [str(piece) for piece in pieces.of(path)]


def file(place: str, name: str = "") -> dict[str, Any]:
    """Return a published file from its path or URL; raises DataError if there is no such file."""
    if protocols.scheme(place):
        name, url = urlsplit(place).path, place
        name = name.rpartition("/")[2]
    else:
        path = Path(place)
        if not path.is_file():
            raise DataError(f"there is no file or folder {place}")
        # A link that the user names stands for its file; one within a folder may lead anywhere.
        name, url = name or path.name, _url("file", path.resolve() if path.is_symlink() else path)
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("._-")
    return {"name": plain or "data", "sources": [url]}


def tables(places: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return published files, of which equal names get their folders', and what is no file or URL.

    That may be a table in an archive, by its path there.
    """
    here = [place for place in places if protocols.scheme(place) or Path(place).exists()]
    names = [place.rpartition("/")[2] for place in here]
    found = [
        file(place, "-".join(Path(place).parts[-2:]) if names.count(name) > 1 else "")
        for place, name in zip(here, names, strict=True)
    ]
    return found, [place for place in places if place not in here]


def _url(scheme: str, path: Path) -> str:
    """Return a path as a source's URL: relative, where it lies in the project."""
    absolute = path.absolute()
    if absolute.is_relative_to(Path.cwd()):
        return f"{scheme}:{quoted(absolute.relative_to(Path.cwd())) or '.'}"
    return f"{scheme}://{quoted(absolute)}"
