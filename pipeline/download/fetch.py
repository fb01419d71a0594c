"""Published files: fetched from the first source that has them, verified, kept as they are.

Until the last file is verified, all stand in ``data/raw/<dataset>.incomplete/``: a file that is
done under its name, a partial one under ``NAME.incomplete``. A later run goes on from there, but
only with files whose pinned hash can vouch that the pieces belong together.
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
from pipeline.download import protocols
from pipeline.download.body import Body, FetchError, TransientError, UnreachableError
from pipeline.download.params import DownloadParams, PublishedFile

MIRROR = "DATA_MIRROR"
"""Environment variable: a folder or base URL that holds ``<dataset>/<name>``, asked first."""


BACKOFF_SECONDS = 1.0
"""Wait before the second attempt; it doubles from one to the next."""


PAGE = re.compile(rb"\s*<(!doctype html|html|head|body|script|meta)\b", re.IGNORECASE)
"""How web pages begin."""


@dataclass
class Partial:
    """What has come of a file so far."""

    path: Path
    pinned: bool
    etag: str | None = None
    """Validator of the version that the bytes are of, as long as one source is being asked."""

    @property
    def size(self) -> int:
        """Bytes that can be kept: none where nothing shows that the next ones belong to them."""
        return self.path.stat().st_size if self._is_usable() else 0

    def _is_usable(self) -> bool:
        return self.path.exists() and (self.pinned or self.etag is not None)


def download(dataset: str, params: DownloadParams, folder: Path) -> str:
    """Fetch a dataset's files into ``folder``, which is replaced as a whole.

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
    origins: dict[str, None] = {}  # in order, each once
    unreachable: dict[str, str] = {}
    for file in params.files:
        path = work / file.name
        if file.sha256 and path.exists() and files.sha256(path) == file.sha256:
            origins["an earlier run"] = None
        else:
            origins[_fetch_from_any(dataset, file, path, unreachable)] = None
    _replace(folder, work, {file.name for file in params.files})
    sizes = [path.stat().st_size for path in folder.iterdir()]
    count = f"{len(sizes)} file{'s' if len(sizes) > 1 else ''}"
    return f"{count}, {sum(sizes) / 1e6:,.1f} MB from {' and '.join(origins)}"


def pins(params: DownloadParams, folder: Path) -> str:
    """YAML that pins the files in ``folder`` which have no hash yet; empty if all have one."""
    return "\n".join(
        f"- name: {file.name}\n"
        f"  bytes: {(folder / file.name).stat().st_size}\n"
        f"  sha256: {files.sha256(folder / file.name)}"
        for file in params.files
        if file.sha256 is None
    )


def _replace(folder: Path, work: Path, names: set[str]) -> None:
    """Move ``work`` to ``folder`` with nothing in it but ``names``."""
    for path in work.iterdir():
        if path.name not in names:
            path.unlink()
    if folder.exists():
        shutil.rmtree(folder)
    work.rename(folder)


def _fetch_from_any(
    dataset: str, file: PublishedFile, path: Path, unreachable: dict[str, str]
) -> str:
    """Fetch a file to ``path`` from the first source that has it; return where it came from.

    ``unreachable`` remembers, for all files, hosts that are not asked again, and why.
    """
    faults = []
    for label, url in _sources(dataset, file):
        host = protocols.origin(url)
        try:
            if host in unreachable:
                raise FetchError(unreachable[host])
            _fetch(file, url, path)
        except FetchError as error:
            if isinstance(error, UnreachableError):
                unreachable[host] = str(error)
            what = redact(f"{label} {url}".lstrip())
            faults.append(f"{what}: {redact(str(error))}")
        else:
            return label or host
    raise SourceError(
        f"{file.name} could not be fetched; {'; '.join(faults)}. Mend one of these, or set "
        f"{MIRROR} to a folder that holds {dataset}/{file.name}"
    )


def _sources(dataset: str, file: PublishedFile) -> Iterator[tuple[str, str]]:
    """Each source's URL, with a label if it is the mirror, which comes first."""
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
    """Fetch a file from one source, in as many attempts as it is worth, and verify it."""
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
    if file.sha256 and (found := files.sha256(partial.path)) != file.sha256:
        partial.path.unlink()
        reason = f"SHA-256 is {found}, not the pinned {file.sha256}"
        if start:  # perhaps it is only the first part that was wrong
            raise TransientError(reason, retry_after=0)
        raise FetchError(reason)


def _check_head(file: PublishedFile, body: Body) -> None:
    """Refuse what is not the file before any of it is written."""
    if body.html:
        raise FetchError("sent a web page instead of the file")
    if body.encoding and not file.name.endswith((".gz", ".tgz")):
        raise FetchError(f"sent it compressed ({body.encoding}), which was not asked for")
    if file.bytes is not None and body.total not in (None, file.bytes):
        raise FetchError(f"has {body.total:,} bytes, not {file.bytes:,}")


def _write(file: PublishedFile, body: Body, path: Path) -> None:
    """Write a body to ``path`` from where it starts; what is there before that stays."""
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
                raise FetchError(f"has more than {total:,} bytes")
            target.write(chunk)
            bar.update(len(chunk))
    if total is not None and size < total:
        raise TransientError(f"ended after {size:,} of {total:,} bytes")
    if not size:
        raise FetchError("is empty")
