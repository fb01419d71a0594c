"""The protocol ``kaggle:``: files of its competitions and datasets, by the user's token."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from pipeline.download import http
from pipeline.download.body import Body, FetchError, Protocol, chunks, open_file, reason

PATTERN = r"kaggle://(?P<page>competitions/[^/]+|datasets/[^/]+/[^/]+(/versions/\d+)?)/(?P<file>.+)"

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
        return Path(fetch(handle, path=name))
    except UnauthenticatedError:
        raise FetchError(f"Kaggle wants a token: {AUTHENTICATE}") from None
    except requests.RequestException as error:
        if error.response is not None:
            error.response.close()  # kagglehub leaves the connection open
        raise _fault(error, page) from None
    except Exception as error:  # kagglehub's own errors have no common base
        raise FetchError(reason(error)) from None


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
    PATTERN, "kaggle://competitions/NAME/FILE or kaggle://datasets/OWNER/NAME/FILE", open_url
)
