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
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import unquote

import requests

from pipeline.download import folder, http
from pipeline.download.http import Body, FetchError

EXTRAS = {"s3": "s3", "s3a": "s3", "ssh": "ssh", "sftp": "ssh"}
"""This project's extra that installs what fsspec needs for a protocol."""

AUTHENTICATE = (
    "create a token at https://www.kaggle.com/settings/api and set KAGGLE_API_TOKEN to it, "
    "or save it as ~/.kaggle/access_token"
)

FASHION_MNIST = "dataset-fashion-mnist"
FASHION_MNIST_TIMES = {"train": 1504176606, "t10k": 1504176627}
"""Modification times (Unix, in s) in the headers of the published gzip files, by their subset."""
NAMELESS_GZIP = b"\x1f\x8b\x08\x00"
"""Magic number, deflate, and no flag: a gzip header without a file name."""


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
    with _open(path) as file:
        yield Body(_chunks(file), path.stat().st_size)


@contextmanager
def _folder(url: str) -> Iterator[Body]:
    path = Path(unquote(url.removeprefix("folder:").removeprefix("//")))
    try:
        members = folder.members(path)
        yield Body(folder.pack(path, members), folder.length(members))
    except folder.PackingError as error:
        raise FetchError(str(error)) from None
    except OSError as error:
        if error.filename is None or not Path(error.filename).is_relative_to(path):
            raise
        raise FetchError(f"{_reason(error)}: {error.filename}") from None


@contextmanager
def _debian(url: str) -> Iterator[Body]:
    package, name = url.removeprefix("debian://").split("/", 1)
    with _open(_debian_path(package, name)) as file:
        yield Body(published(package, name, _chunks(file)))


def _debian_path(package: str, name: str) -> Path:
    dpkg = shutil.which("dpkg")
    if dpkg is None:
        raise FetchError("this is no Debian system: it has no dpkg")
    listing = subprocess.run(  # noqa: S603 - the pattern leaves no room for an option
        [dpkg, "-L", package], capture_output=True, text=True, check=False
    )
    if listing.returncode:
        raise FetchError(f"the package is not installed (apt-get install {package})")
    for line in listing.stdout.splitlines():
        if line.endswith(f"/{name}"):
            return Path(line)
    raise FetchError(f"the package has no file {name}")


def published(package: str, name: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes as they were published of a file in a Debian package.

    Debian's Fashion-MNIST has been through ``gzip -n``-like normalization: the streams are the
    published ones, but their headers lack the file name and have another time.
    """
    first = next(chunks, b"")
    time = FASHION_MNIST_TIMES.get(name.partition("-")[0])
    if package == FASHION_MNIST and time is not None and first.startswith(NAMELESS_GZIP):
        header = b"\x1f\x8b\x08\x08" + time.to_bytes(4, "little") + b"\x00\x03"
        first = header + name.removesuffix(".gz").encode() + b"\0" + first[len(header) :]
    yield first
    yield from chunks


@contextmanager
def _kaggle(url: str) -> Iterator[Body]:
    match = re.fullmatch(SCHEMES["kaggle"].pattern, url)
    assert match is not None, url
    with _open(_kaggle_path(match["page"], match["file"])) as file:
        yield Body(_chunks(file))


def _kaggle_path(page: str, name: str) -> Path:
    """Have kagglehub fetch a file into its own cache, where it also resumes a partial one.

    What Kaggle sends zipped, kagglehub unzips.
    """
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
        raise _kaggle_fault(error, page) from None
    except Exception as error:  # kagglehub's own errors have no common base
        raise FetchError(_reason(error)) from None


def _kaggle_fault(error: requests.RequestException, page: str) -> FetchError:
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


@contextmanager
def _fsspec(url: str) -> Iterator[Body]:
    import fsspec

    try:
        file = fsspec.open(url, "rb").open()
    except ImportError as error:
        extra = EXTRAS.get(scheme(url))
        raise FetchError(f"run: pip install '.[{extra}]'" if extra else str(error)) from None
    except Exception as error:  # file systems of others, which raise what they like
        raise FetchError(_reason(error)) from None
    with file:
        yield Body(_chunks(file), getattr(file, "size", None))


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise FetchError(_reason(error)) from None


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    try:
        while chunk := file.read(http.CHUNK):
            yield chunk
    except Exception as error:  # as above; what the consumer raises does not pass here
        raise FetchError(_reason(error)) from None


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


SCHEMES = {
    "https": Scheme(r"https://[^/]+/.+", "https://HOST/PATH", http.get),
    "http": Scheme(r"http://[^/]+/.+", "http://HOST/PATH", http.get),
    "file": Scheme(r"file:(///)?[^/].*", "file:PATH or file:///PATH", _file),
    "folder": Scheme(r"folder:(///)?[^/].*", "folder:PATH or folder:///PATH", _folder),
    "debian": Scheme(
        r"debian://[a-z0-9][a-z0-9+.-]+/.+",
        "debian://PACKAGE/FILE",
        _debian,
    ),
    "kaggle": Scheme(
        r"kaggle://(?P<page>competitions/[^/]+|datasets/[^/]+/[^/]+(/versions/\d+)?)/(?P<file>.+)",
        "kaggle://competitions/NAME/FILE or kaggle://datasets/OWNER/NAME/FILE",
        _kaggle,
    ),
}
