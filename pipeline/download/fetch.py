"""Fetching of published files: each from the first source that has it, verified, kept as it is.

A file that is in ``data/raw/<dataset>/`` already and has its pinned hash stays there. The others
are collected in ``data/raw/<dataset>.incomplete/`` until the last one is verified: a complete file
under its name, a partial one under ``NAME.incomplete``. A later run goes on from there, but only
with files that have a pinned hash, which alone shows that the pieces belong together.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.core import console, files, places, resumed
from pipeline.core.errors import SourceError, redact
from pipeline.download import attempts, protocols
from pipeline.download import folder as folder_source
from pipeline.download.body import FetchError, UnreachableError, quoted
from pipeline.download.params import DownloadParams, PublishedFile

MIRROR = "DATA_MIRROR"
"""Environment variable: a folder or base URL that holds ``<dataset>/<name>``, asked first."""


def download(dataset: str, params: DownloadParams, folder: Path) -> str:
    """Fetch a dataset's files into ``folder``, which holds them and nothing else afterwards.

    A file that is there and has its pinned hash is kept; one that is damaged is fetched again. So
    is a file without a pin, for nothing shows whether its source still has the same. ``folder``
    stays as it is until all files are verified.

    Returns
    -------
    str
        What was done, for the console: number of files, bytes, and where they are from.

    Raises
    ------
    SourceError
        If a file cannot be had: with each of its sources and what was wrong with it.
    """
    work = resumed.beside(folder)
    names = {file.name for file in params.files}
    places.make_folder(folder.parent)
    resumed.claim(work, lambda name: name.removesuffix(places.INCOMPLETE) in names)
    origins: dict[str, None] = {}  # a set in the order of insertion
    unreachable: dict[str, str] = {}
    missing = [file for file in params.files if not _is_verified(file, folder / file.name)]
    if len(missing) < len(params.files):
        origins["an earlier run"] = None
    for file in missing:
        path = work / file.name
        if places.is_plain(path) and _is_verified(file, path):
            origins["an earlier run"] = None
        else:
            try:
                origins[_fetch_from_any(dataset, file, path, unreachable, params.max_bytes)] = None
            except SourceError:
                if not resumed.entries(work):
                    places.remove(work)
                raise
    _move(work, folder, {file.name for file in missing})
    _remove_others(folder, names)
    for file in params.files:
        if file not in missing:
            _tell_change(dataset, file)
    sizes = [path.stat().st_size for path in folder.iterdir()]
    done = f"{len(sizes)} file{'s' if len(sizes) > 1 else ''}, {sum(sizes) / 1e6:,.1f} MB"
    if not missing:
        return f"{done}, verified, which {'were' if len(sizes) > 1 else 'was'} there already"
    return f"{done} from {' and '.join(origins)}"


def pins(params: DownloadParams, folder: Path) -> str:
    """Return YAML that pins the files in ``folder`` without a pin; empty if there are none."""
    return "\n".join(
        f"- name: {file.name}\n"
        f"  bytes: {(folder / file.name).stat().st_size}\n"
        f"  sha256: {files.sha256(folder / file.name)}"
        for file in params.files
        if file.sha256 is None
    )


def _is_verified(file: PublishedFile, path: Path) -> bool:
    """Return whether the file at ``path`` has its pinned hash."""
    return file.sha256 is not None and path.is_file() and files.sha256(path) == file.sha256


def _tell_change(dataset: str, file: PublishedFile) -> None:
    """Warn if a folder has changed since the file, which is there, was packed from it."""
    for url in file.sources:
        if protocols.scheme(url) == "folder" and folder_source.has_changed(
            url, str(file.sha256), file.bytes
        ):
            console.warning(
                f"{folder_source.path(url)} has changed since {file.name} was packed from it, "
                "which stays as it is; to see what changed, and to take it: python -m pipeline "
                f"update-dataset {dataset}"
            )


def _move(work: Path, folder: Path, names: set[str]) -> None:
    """Move complete files from ``work`` to ``folder``, each at once, and remove ``work``."""
    places.make_folder(folder)
    for name in names:
        if (folder / name).is_dir():
            places.remove(folder / name)
        places.move(work / name, folder / name)
    for path in work.iterdir():
        places.remove(path)  # not all at once, whose errors name a file without its folder
    places.remove(work)


def _remove_others(folder: Path, names: set[str]) -> None:
    """Remove everything from ``folder`` but ``names``."""
    for path in folder.iterdir():
        if path.name not in names:
            places.remove(path)


def _fetch_from_any(
    dataset: str, file: PublishedFile, path: Path, unreachable: dict[str, str], most: int | None
) -> str:
    """Fetch a file to ``path`` from the first source that has it; return that source.

    ``unreachable`` maps hosts to the fault for which they are not asked again; it is added to.
    """
    faults, changed = [], False
    for label, url in _sources(dataset, file):
        host = protocols.origin(url)
        try:
            if host in unreachable:
                raise FetchError(unreachable[host])
            attempts.fetch(file, url, path, most)
        except FetchError as error:
            if isinstance(error, UnreachableError):
                unreachable[host] = str(error)
            changed = changed or isinstance(error, attempts.ChangedError)
            what = redact(f"{label} {url}".lstrip())
            faults.append(f"{what}: {redact(str(error))}")
        else:
            return label or host
    update = f", or take what is published now: python -m pipeline update-dataset {dataset}"
    kept = attempts.Partial(resumed.beside(path), pinned=file.sha256 is not None).size
    resume = f"; run this again to go on after the {kept:,} bytes that came"
    raise SourceError(
        f"{file.name} could not be fetched; {'; '.join(faults)}. Mend one of these, or set "
        f"{MIRROR} to a folder that holds {dataset}/{file.name}{update if changed else ''}"
        f"{resume if kept else ''}"
    )


def _sources(dataset: str, file: PublishedFile) -> Iterator[tuple[str, str]]:
    """Yield (label, URL) of each source: the mirror's first, which alone has a label."""
    if mirror := os.environ.get(MIRROR, "").rstrip("/"):
        if not protocols.scheme(mirror):
            # The mirror is the user's own: its links are meant.
            linked = Path(mirror, dataset, file.name)
            if linked.is_symlink() and linked.exists():
                yield MIRROR, f"file://{quoted(linked.resolve())}"
            mirror = ("file://" if Path(mirror).is_absolute() else "file:") + quoted(Path(mirror))
        try:
            yield MIRROR, protocols.check(f"{mirror}/{dataset}/{file.name}")
        except ValueError as error:
            raise SourceError(redact(f"{MIRROR}, {mirror}: {error}")) from None
    for url in file.sources:
        yield "", url
