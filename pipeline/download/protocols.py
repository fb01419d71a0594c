"""Sources: URLs that a published file can be fetched from, and how each scheme is read.

================================  ==============================================================
https://HOST/PATH, http://…       HTTP
file:PATH, file:///PATH           a file, relative to the folder of ``dvc.yaml`` or absolute
folder:PATH, folder:///PATH       a folder, packed as a .tar (see ``packing``)
debian://PACKAGE/FILE             a file of a Debian package, where it is installed
kaggle://competitions/NAME/FILE   Kaggle, with the user's own token
kaggle://datasets/OWNER/NAME/FILE
s3://BUCKET/KEY and the like      whatever fsspec reads
================================  ==============================================================
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from pipeline.download import http, kaggle
from pipeline.download.body import Body, FetchError, chunks, open_file, reason
from pipeline.download.debian import open_debian
from pipeline.download.folder import open_folder
from pipeline.download.kaggle import open_kaggle

EXTRAS = {"s3": "s3", "s3a": "s3", "ssh": "ssh", "sftp": "ssh"}
"""This project's extra that installs what fsspec needs for a protocol."""


SECRET = re.compile(
    r"[?&;]([^=&]*(signature|token|secret|password|credential)|([^=&]*[-_.])?(sig|(api)?key|auth))=",
    re.IGNORECASE,
)
"""A query's parameter that signs or authorizes: ``X-Amz-Signature``, ``sig``, ``access_token`` …"""


class Scheme(NamedTuple):
    """How URLs of a scheme look and how they are opened."""

    pattern: str
    form: str
    open: Callable[[str], AbstractContextManager[Body]]


def check(url: str) -> str:
    """Return ``url``.

    Raises
    ------
    ValueError
        If its scheme is unknown or it has not the scheme's form.

    Examples
    --------
    >>> check("file://data/a.gz")
    Traceback (most recent call last):
    ValueError: must look like file:PATH or file:///PATH
    """
    name = scheme(url)
    if known := SCHEMES.get(name):
        if not re.fullmatch(known.pattern, url):
            raise ValueError(f"must look like {known.form}")
    elif name not in EXTRAS:
        from fsspec import available_protocols  # 0.2 s, for the few that need it

        if name not in available_protocols():
            raise ValueError(
                f"must begin with a known scheme: {', '.join(SCHEMES)}, or one of fsspec's (s3 …)"
            )
    return url


def scheme(url: str) -> str:
    """A URL's scheme, ``""`` if it has none.

    Examples
    --------
    >>> scheme("s3://bucket/key"), scheme("C:/data"), scheme("../data")
    ('s3', '', '')
    """
    match = re.match(r"([a-z][a-z0-9+.-]+):", url)
    return match[1] if match else ""


def origin(url: str) -> str:
    """Where a source's files are from: the scheme and host of its URL, or its folder.

    Examples
    --------
    >>> origin("https://me:secret@host:81/a.gz"), origin("file:data/a.gz")
    ('https://host:81', 'file:data')
    """
    if (name := scheme(url)) in ("file", "folder"):
        return url.rpartition("/")[0] or f"{name}:."
    return re.sub(r"//[^/]*@", "//", "/".join(url.split("/", 3)[:3]))


def refuse_secrets(url: str) -> str:
    """Return ``url``, which stands in files that are shared.

    Raises
    ------
    ValueError
        If it holds a user's name for a web server (which may be a token), a password, or a query
        that signs or authorizes.

    Examples
    --------
    >>> refuse_secrets("https://host/a.gz?version=2")
    'https://host/a.gz?version=2'
    >>> refuse_secrets("https://host/a.gz?X-Amz-Expires=9&X-Amz-Signature=secret")
    Traceback (most recent call last):
    ValueError: must not hold credentials, which would get into Git and dvc.lock; put them into ...
    """
    if re.match(r"https?://[^/]*@|[^/]*//[^/@]*:[^/]*@", url) or SECRET.search(url):
        raise ValueError(
            "must not hold credentials, which would get into Git and dvc.lock; put them into "
            "~/.netrc, or set DATA_MIRROR"
        )
    return url


def open_source(url: str, start: int = 0, etag: str | None = None) -> AbstractContextManager[Body]:
    """Open a source.

    Parameters
    ----------
    url : str
        In one of this module's schemes.
    start, etag
        As for ``http.get``; sources that are not HTTP begin at the file's start.

    Raises
    ------
    FetchError
        On entering the context if the file cannot be had, and while the body is read.
    """
    name = scheme(url)
    if name in ("http", "https"):
        return http.get(url, start, etag)
    return SCHEMES[name].open(url) if name in SCHEMES else _fsspec(url)


@contextmanager
def _file(url: str) -> Iterator[Body]:
    path = Path(unquote(url.removeprefix("file:").removeprefix("//")))
    with open_file(path) as file:
        yield Body(chunks(file), path.stat().st_size)


@contextmanager
def _fsspec(url: str) -> Iterator[Body]:
    import fsspec

    try:
        file = fsspec.open(url, "rb").open()
    except ImportError as error:
        extra = EXTRAS.get(scheme(url))
        raise FetchError(f"run: pip install '.[{extra}]'" if extra else str(error)) from None
    except Exception as error:  # file systems of others, which raise what they like
        raise FetchError(reason(error)) from None
    with file:
        yield Body(chunks(file), getattr(file, "size", None))


SCHEMES = {
    "https": Scheme(r"https://[^/]+/.+", "https://HOST/PATH", http.get),
    "http": Scheme(r"http://[^/]+/.+", "http://HOST/PATH", http.get),
    "file": Scheme(r"file:(///)?[^/].*", "file:PATH or file:///PATH", _file),
    "folder": Scheme(r"folder:(///)?[^/].*", "folder:PATH or folder:///PATH", open_folder),
    "debian": Scheme(
        r"debian://[a-z0-9][a-z0-9+.-]+/.+",
        "debian://PACKAGE/FILE",
        open_debian,
    ),
    "kaggle": Scheme(
        kaggle.PATTERN,
        "kaggle://competitions/NAME/FILE or kaggle://datasets/OWNER/NAME/FILE",
        open_kaggle,
    ),
}
