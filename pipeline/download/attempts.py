"""Attempts: one published file from one source, until it is whole, or the source is given up."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import tenacity

from pipeline.core import console, files, places, resumed
from pipeline.download import protocols
from pipeline.download.body import COMPRESSED, Body, FetchError, TransientError, checked
from pipeline.download.bounds import Watch
from pipeline.download.params import PublishedFile

BACKOFF_SECONDS = 1.0
"""Wait before the second attempt; it doubles from one to the next."""

PROGRESS = 20_000
"""Bytes that attempts have to add before they are counted anew."""

DECLARED, UNDECLARED = 20_000_000_000, 1_000_000_000
"""Bytes that a file without a pinned length may have, if its source declares them, and if not."""

OVERLAP = 1024
"""Bytes before those that are missing, by which a file without a pin shows that it is the same."""

ENCODINGS = {
    "gzip": (".gz", ".tgz"),
    "x-gzip": (".gz", ".tgz"),
    "bzip2": (".bz2",),
    "xz": (".xz",),
    "zstd": (".zst",),
}
"""Encodings on the way, by which a server may mean a file's own compression, by its suffix."""


class ChangedError(FetchError):
    """A source that has another file than the pinned one."""


@dataclass
class Partial:
    """The bytes of a file that have come so far."""

    path: Path
    pinned: bool
    most: int | None = None
    """The most bytes that a file without a pinned length may have, if that is a parameter."""
    etag: str | None = None
    """Validator of the version that the bytes are of; it holds for one source only."""
    watch: Watch = field(default_factory=Watch)
    reached: int = 0
    """Bytes at which the attempts were counted anew."""
    idle: int = 0
    """Attempts in a row that added too little."""

    @property
    def size(self) -> int:
        """Bytes that can be kept: 0 if nothing shows that the next ones belong to them."""
        return self.path.stat().st_size if self._is_usable() else 0

    def _is_usable(self) -> bool:
        return places.is_plain(self.path) and (self.pinned or self.etag is not None)

    def count(self, start: int) -> None:
        """Count an attempt whose bytes begin at ``start``."""
        size = self.path.stat().st_size if places.is_plain(self.path) else 0
        if size >= self.reached + PROGRESS and (start or not self.reached):
            self.reached, self.idle = size, 0
        else:
            self.idle += 1
        self.watch.failed(has_advanced=not self.idle)


def fetch(file: PublishedFile, url: str, path: Path, most: int | None) -> None:
    """Fetch a file from one source, in as many attempts as its faults allow, and verify it."""
    partial = Partial(resumed.beside(path), file.sha256 is not None, most)
    partial.reached = partial.size
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TransientError),
        stop=lambda state: (
            partial.idle >= _transient(state).attempts or _wait(state, partial) > partial.watch.left
        ),
        wait=lambda state: _wait(state, partial),
        reraise=True,
    )
    try:
        retrying(_attempt, file, url, partial)
    except FetchError:
        if not partial.pinned:  # nothing shows later what the bytes are of
            places.remove(partial.path)
        raise
    places.move(partial.path, path)


def _wait(state: tenacity.RetryCallState, partial: Partial) -> float:
    asked = _transient(state).retry_after
    return BACKOFF_SECONDS * 2.0 ** (partial.idle - 1) if asked is None else asked


def _transient(state: tenacity.RetryCallState) -> TransientError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, TransientError)
    return error


def _attempt(file: PublishedFile, url: str, partial: Partial) -> None:
    size = partial.size
    start = size if partial.pinned else max(0, size - OVERLAP)
    if not size or size != file.bytes:
        is_watched = protocols.PROTOCOLS[protocols.scheme(url)].is_watched
        try:
            with (
                partial.watch.guarding() if is_watched else nullcontext(),
                protocols.open_source(url, start, partial.etag) as body,
            ):
                start, partial.etag = body.start, body.etag
                _check_head(file, body)
                _write(file, body, partial, size)
        finally:
            partial.count(start)
    if file.sha256 and (actual := files.sha256(partial.path)) != file.sha256:
        places.remove(partial.path)
        partial.watch.restart()  # it is not the source that took the time
        reason = f"SHA-256 is {actual}, not the pinned {file.sha256}"
        if start:  # only the first part may be wrong
            raise TransientError(reason, retry_after=0)
        raise ChangedError(reason)


def _check_head(file: PublishedFile, body: Body) -> None:
    """Raise FetchError if the source declares something else than the file."""
    if body.html:
        raise FetchError("sent a web page instead of the file")
    if body.encoding and not file.name.endswith(ENCODINGS.get(body.encoding, ())):
        raise FetchError(COMPRESSED.format(body.encoding))
    if file.bytes is not None and body.total not in (None, file.bytes):
        raise ChangedError(f"has {body.total:,} bytes, not {file.bytes:,}")


def _limit(file: PublishedFile, body: Body, partial: Partial) -> int:
    """Return the most bytes that a body may bring the file to.

    Raises
    ------
    FetchError
        If more are declared than are allowed or than there is space for.
    OSError
        If there is no space for as many as are pinned.
    """
    free = shutil.disk_usage(partial.path.parent).free
    if file.bytes is not None:
        if file.bytes - body.start > free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(partial.path))
        return file.bytes
    most = partial.most or (UNDECLARED if body.total is None else DECLARED)
    if body.total is None:
        return min(most, free // 2)
    if body.total > most:
        raise FetchError(f"has {body.total:,} bytes, but download.max_bytes allows {most:,}")
    if body.total - body.start > free:
        raise FetchError(f"has {body.total:,} bytes, for which the disk has no space")
    return body.total


def _write(file: PublishedFile, body: Body, partial: Partial, size: int) -> None:
    """Write a body to the partial file, of which ``size`` bytes are there, from its start on."""
    limit, total = _limit(file, body, partial), body.total or file.bytes
    body = body._replace(chunks=_counted(body.chunks, partial.watch))
    chunks = body.chunks
    if body.start == 0:
        chunks = checked(file.name, body)
    elif body.start < size:
        chunks = _continued(chunks, partial, body.start, size)
    came = size if body.start else 0
    with (
        files.writing(partial.path),
        resumed.continued(partial.path, came) as target,
        console.bar(file.name, total, "B") as bar,
    ):
        bar.update(came)
        for chunk in chunks:
            came += len(chunk)
            if came > limit:
                if total:
                    raise ChangedError(f"has more than {limit:,} bytes")
                raise FetchError(
                    f"has more than {limit:,} bytes, which it does not declare: more than "
                    "download.max_bytes or the disk allows"
                )
            target.write(chunk)
            bar.update(len(chunk))
    if total is not None and came < total:
        raise TransientError(f"ended after {came:,} of {total:,} bytes")
    if not came:
        raise FetchError("is empty")
    if not partial.pinned and body.has_more():
        raise FetchError(f"sent more than the {came:,} bytes that it declared")


def _counted(chunks: Iterator[bytes], watch: Watch) -> Iterator[bytes]:
    for chunk in chunks:
        watch.came(len(chunk))
        yield chunk


def _continued(chunks: Iterator[bytes], partial: Partial, start: int, size: int) -> Iterator[bytes]:
    """Yield what comes after the first ``size`` bytes, if those from ``start`` on are the same."""
    with partial.path.open("rb") as known:
        known.seek(start)
        expected = known.read(size - start)
    for chunk in chunks:
        first = expected[: len(chunk)]
        if not chunk.startswith(first):
            partial.etag = None
            raise TransientError("sent other bytes than before", retry_after=0)
        expected = expected[len(first) :]
        if rest := chunk[len(first) :]:
            yield rest
