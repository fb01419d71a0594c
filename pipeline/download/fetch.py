"""Fetching of published files: each from the first source that has it, verified, kept as it is.

A file that is in ``data/raw/<dataset>/`` already and has its pinned hash stays there. The others
are collected in ``data/raw/<dataset>.incomplete/`` until the last one is verified: a complete file
under its name, a partial one under ``NAME.incomplete``. A later run goes on from there, but only
with files that have a pinned hash, which alone shows that the pieces belong together.
"""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import tenacity

from pipeline.core import console, files
from pipeline.core.errors import SourceError, redact
from pipeline.download import folder as folder_source
from pipeline.download import protocols
from pipeline.download.body import Body, FetchError, TransientError, UnreachableError
from pipeline.download.params import DownloadParams, PublishedFile

MIRROR = "DATA_MIRROR"
"""Environment variable: a folder or base URL that holds ``<dataset>/<name>``, asked first."""

BACKOFF_SECONDS = 1.0
"""Wait before the second attempt; it doubles from one to the next."""

PAGE = re.compile(rb"\s*<(!doctype html|html|head|body|script|meta)\b", re.IGNORECASE)
"""Beginning of a web page."""

COMPRESSED = (".gz", ".tgz", ".bz2", ".xz", ".zst")
"""Suffixes of files whose own compression a server may declare as an encoding."""


class ChangedError(FetchError):
    """A source that has another file than the pinned one."""


@dataclass
class Partial:
    """The bytes of a file that have come so far."""

    path: Path
    pinned: bool
    etag: str | None = None
    """Validator of the version that the bytes are of; it holds for one source only."""

    @property
    def size(self) -> int:
        """Bytes that can be kept: 0 if nothing shows that the next ones belong to them."""
        return self.path.stat().st_size if self._is_usable() else 0

    def _is_usable(self) -> bool:
        return self.path.exists() and (self.pinned or self.etag is not None)


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
    work = files.beside(folder)
    work.mkdir(parents=True, exist_ok=True)
    origins: dict[str, None] = {}  # a set in the order of insertion
    unreachable: dict[str, str] = {}
    missing = [file for file in params.files if not _is_verified(file, folder / file.name)]
    if len(missing) < len(params.files):
        origins["an earlier run"] = None
    for file in missing:
        path = work / file.name
        if _is_verified(file, path):
            origins["an earlier run"] = None
        else:
            origins[_fetch_from_any(dataset, file, path, unreachable)] = None
    _move(work, folder, {file.name for file in missing})
    _remove_others(folder, {file.name for file in params.files})
    _tell_changes(dataset, [file for file in params.files if file not in missing])
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


def _tell_changes(dataset: str, kept: list[PublishedFile]) -> None:
    """Warn of folders that have changed since the files ``kept`` were packed from them."""
    for file in kept:
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
    folder.mkdir(exist_ok=True)
    for name in names:
        if (folder / name).is_dir():
            _remove(folder / name)
        (work / name).replace(folder / name)
    for path in work.iterdir():
        _remove(path)  # not rmtree of all, whose errors name a file without its folder
    work.rmdir()


def _remove_others(folder: Path, names: set[str]) -> None:
    """Remove everything from ``folder`` but ``names``."""
    for path in folder.iterdir():
        if path.name not in names:
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _fetch_from_any(
    dataset: str, file: PublishedFile, path: Path, unreachable: dict[str, str]
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
            _fetch(file, url, path)
        except FetchError as error:
            if isinstance(error, UnreachableError):
                unreachable[host] = str(error)
            changed = changed or isinstance(error, ChangedError)
            what = redact(f"{label} {url}".lstrip())
            faults.append(f"{what}: {redact(str(error))}")
        else:
            return label or host
    update = f", or take what is published now: python -m pipeline update-dataset {dataset}"
    raise SourceError(
        f"{file.name} could not be fetched; {'; '.join(faults)}. Mend one of these, or set "
        f"{MIRROR} to a folder that holds {dataset}/{file.name}{update if changed else ''}"
    )


def _sources(dataset: str, file: PublishedFile) -> Iterator[tuple[str, str]]:
    """Yield (label, URL) of each source: the mirror's first, which alone has a label."""
    if mirror := os.environ.get(MIRROR, "").rstrip("/"):
        if not protocols.scheme(mirror):
            mirror = ("file://" if Path(mirror).is_absolute() else "file:") + quote(mirror)
        try:
            yield MIRROR, protocols.check(f"{mirror}/{dataset}/{file.name}")
        except ValueError as error:
            raise SourceError(redact(f"{MIRROR}, {mirror}: {error}")) from None
    for url in file.sources:
        yield "", url


def _fetch(file: PublishedFile, url: str, path: Path) -> None:
    """Fetch a file from one source, in as many attempts as its faults allow, and verify it."""
    partial = Partial(files.beside(path), pinned=file.sha256 is not None)
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        stop=lambda state: state.attempt_number >= _transient(state).attempts,
        wait=_wait,
        reraise=True,
    )
    retrying(_attempt, file, url, partial)
    partial.path.replace(path)


def _wait(state: tenacity.RetryCallState) -> float:
    asked = _transient(state).retry_after
    return BACKOFF_SECONDS * 2.0 ** (state.attempt_number - 1) if asked is None else asked


def _transient(state: tenacity.RetryCallState) -> TransientError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, TransientError)
    return error


def _attempt(file: PublishedFile, url: str, partial: Partial) -> None:
    start = partial.size
    if not start or start != file.bytes:
        with protocols.open_source(url, start, partial.etag) as body:
            start, partial.etag = body.start, body.etag
            _check_head(file, body)
            _write(file, body, partial.path)
    if file.sha256 and (actual := files.sha256(partial.path)) != file.sha256:
        partial.path.unlink()
        reason = f"SHA-256 is {actual}, not the pinned {file.sha256}"
        if start:  # only the first part may be wrong
            raise TransientError(reason, retry_after=0)
        raise ChangedError(reason)


def _check_head(file: PublishedFile, body: Body) -> None:
    """Raise FetchError if the source declares something else than the file."""
    if body.html:
        raise FetchError("sent a web page instead of the file")
    if body.encoding and not file.name.endswith(COMPRESSED):
        raise FetchError(f"sent it compressed ({body.encoding}), which was not asked for")
    if file.bytes is not None and body.total not in (None, file.bytes):
        raise ChangedError(f"has {body.total:,} bytes, not {file.bytes:,}")


def _write(file: PublishedFile, body: Body, path: Path) -> None:
    """Write a body to ``path`` from its start on; the bytes before that stay."""
    size, total = body.start, body.total or file.bytes
    with (
        files.writing(path),
        path.open("ab") as target,
        console.bar(file.name, total, "B") as bar,
    ):
        target.truncate(size)
        bar.update(size)
        for chunk in body.chunks:
            if size == 0 and PAGE.match(chunk):
                raise FetchError("sent a web page instead of the file")
            size += len(chunk)
            if total is not None and size > total:
                raise ChangedError(f"has more than {total:,} bytes")
            target.write(chunk)
            bar.update(len(chunk))
    if total is not None and size < total:
        raise TransientError(f"ended after {size:,} of {total:,} bytes")
    if not size:
        raise FetchError("is empty")
