"""Published files, as the ``download`` stage takes them, from paths and URLs that people name."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from pipeline.archives import members, pieces
from pipeline.core.errors import DataError, first_few
from pipeline.core.files import is_clutter
from pipeline.download import folder, protocols
from pipeline.download.body import quoted
from pipeline.images.formats import SUFFIXES
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.layout.patterns import select
from pipeline.split.published import meaning


def of_all(
    name: str, places: Sequence[str], choices: Choices
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Return the published files of a dataset ``name``, and the folders that hold no file.

    Of several archives or folders each is a folder of images, called as it is: archives of equal
    names get their folders' before it.

    Parameters
    ----------
    name : str
    places : sequence of str
        Paths or URLs.
    choices : Choices

    Raises
    ------
    DataError
        As ``published``; or if one of several archives or folders is named twice, or has a name
        that cannot be kept, where that may be a class.
    """
    if len(places) == 1:
        return list(published(name, places[0], choices.only)), tuple(empty_folders(places[0]))
    found: list[dict[str, Any]] = []
    empty: list[str] = []
    for place in places:
        own = Path(place).resolve().name
        found += published(_plain(own), place, choices.only)
        empty += [f"{_plain(own)}/{one}" for one in empty_folders(place)]
    packed = [(one, path) for one in found if _is_packed(path := _source(one), one)]
    if twice := [str(path) for path, count in Counter(p for _, p in packed).items() if count > 1]:
        raise DataError(f"{first_few(twice)}: is named more than once; name it once")
    names = Counter(one["name"] for one, _ in packed)
    for one, path in packed:
        own = path.name
        if names[one["name"]] > 1:
            own = f"{path.parent.name}-{own}"
            one["name"] = _plain(f"{path.parent.name}-{one['name']}")
        if not choices.labels and not one["name"].startswith(own):
            raise DataError(
                f"{path}: of several archives or folders each one's name may be a class, and this "
                "one cannot be kept; rename it, with letters from a to z, digits, _ and -"
            )
    return found, tuple(empty)


def published(name: str, place: str, only: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Yield the published files that a path or URL stands for.

    Parameters
    ----------
    name : str
        What a packed folder is called, without its suffix.
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
    return {"name": _plain(name), "sources": [url]}


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


def _source(file: Mapping[str, Any]) -> PurePosixPath:
    """Return the path of a published file, as the user has it."""
    return PurePosixPath(unquote(urlsplit(file["sources"][0]).path))


def _is_packed(path: PurePosixPath, file: Mapping[str, Any]) -> bool:
    """Return whether a published file is an archive by its name, or packed from a folder."""
    is_folder = file["sources"][0].startswith("folder:")
    return is_folder or members.has_suffix(pieces.whole_name(path.name))


def _plain(name: str) -> str:
    """Return a name as published files may have it."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("._-") or "data"


def _url(scheme: str, path: Path) -> str:
    """Return a path as a source's URL: relative, where it lies in the project."""
    absolute = path.absolute()
    if absolute.is_relative_to(Path.cwd()):
        return f"{scheme}:{quoted(absolute.relative_to(Path.cwd())) or '.'}"
    return f"{scheme}://{quoted(absolute)}"
