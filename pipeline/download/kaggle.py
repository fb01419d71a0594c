"""The protocol ``kaggle:``: files of its competitions and datasets, by the user's token."""

import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import requests

from pipeline.core import limits
from pipeline.download import bounds, http
from pipeline.download.body import Body, FetchError, Protocol, chunks, open_file, reason

PATTERN = r"kaggle://(?!(.*/)?\.\.?(/|$))(?P<page>competitions/[^/]+|datasets/[^/]+/[^/]+(/versions/\d+)?)/(?P<file>.+)"
"""No part of it is ``.`` or ``..``, which would lead out of kagglehub's cache."""

MOST_BYTES = 100_000_000_000
"""Bytes of a file that kagglehub may write."""

WRITTEN = Path("/proc/self/io")
"""What this process has written so far, where the system says it."""

AUTHENTICATE = (
    "create a token at https://www.kaggle.com/settings/api and set KAGGLE_API_TOKEN to it, "
    "or save it as ~/.kaggle/access_token"
)


@contextmanager
def open_url(url: str, _start: int = 0, _etag: str | None = None) -> Iterator[Body]:
    """Yield the file from its start; raises FetchError if it cannot be had."""
    match = re.fullmatch(PATTERN, url)
    assert match is not None, url
    with open_file(_cached_path(match["page"], match["file"])) as file:
        yield Body(chunks(file))


def _cached_path(page: str, name: str) -> Path:
    """Return a file's path in the cache of kagglehub, which fetches, resumes and unzips it."""
    import kagglehub  # more than 1 s, for the few datasets that need it
    from kagglehub.exceptions import UnauthenticatedError

    kind, handle = page.split("/", 1)
    fetch = {
        "competitions": kagglehub.competition_download,
        "datasets": kagglehub.dataset_download,
    }[kind]
    try:
        with _bounded():
            return Path(fetch(handle, path=name))
    except FetchError:
        raise
    except UnauthenticatedError:
        raise FetchError(f"Kaggle wants a token: {AUTHENTICATE}") from None
    except requests.RequestException as error:
        if error.response is not None:
            error.response.close()  # kagglehub leaves the connection open
        raise _fault(error, page) from None
    except Exception as error:  # kagglehub's own errors have no common base
        raise FetchError(reason(error)) from None


@contextmanager
def _bounded() -> Iterator[None]:
    """Limit what kagglehub does by itself: bytes of a file, memory, and time without progress."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    is_lower = soft == resource.RLIM_INFINITY or soft > MOST_BYTES
    watch = bounds.Watch(_written)
    try:
        if is_lower:
            resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, hard))
        with (
            limits.memory("Kaggle's answer"),
            watch.guarding() if WRITTEN.exists() else nullcontext(),
        ):
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _written() -> int:
    """Return the bytes that this process has written; 0 where the system does not say."""
    lines = WRITTEN.read_text().splitlines() if WRITTEN.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("wchar")), 0)


def _fault(error: requests.RequestException, page: str) -> FetchError:
    page = f"https://www.kaggle.com/{page}"
    match error.response.status_code if error.response is not None else None:
        case 401:
            return FetchError(f"Kaggle does not accept the token (401): {AUTHENTICATE}")
        case 403 if "/competitions/" in page:
            return FetchError(
                "Kaggle refuses the file (403): log in as the token's owner, accept the rules at "
                f"{page}/rules and run this again"
            )
        case 403:
            return FetchError(
                "Kaggle refuses the file (403): log in as the token's owner, ask for access at "
                f"{page} and run this again"
            )
        case 404:
            return FetchError(f"Kaggle has no such file (404): see {page}")
        case _:
            return http.fault(error)


PROTOCOL = Protocol(
    PATTERN,
    "kaggle://competitions/NAME/FILE or kaggle://datasets/OWNER/NAME/FILE",
    open_url,
    is_watched=False,
)
