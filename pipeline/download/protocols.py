"""Protocols: the URLs that a published file can be fetched from.

================================  ==============================================================
https://HOST/PATH, http://…       HTTP
file:PATH, file:///PATH           a file, relative to the folder of ``dvc.yaml`` or absolute
folder:PATH, folder:///PATH       a folder, packed as a .tar (see ``folder``)
debian://PACKAGE/FILE             a file of a Debian package, where it is installed
kaggle://competitions/NAME/FILE   Kaggle, with the user's own token
kaggle://datasets/OWNER/NAME/FILE
webdav://HOST/PATH, webdavs://…   WebDAV, by HTTP and HTTPS
s3://BUCKET/KEY and the like      storage (see ``fsspec_source.LIBRARIES``)
================================  ==============================================================
"""

import re
from contextlib import AbstractContextManager

from pipeline.download import debian, file, folder, fsspec_source, http, kaggle
from pipeline.download.body import Body, Protocol

PROTOCOLS: dict[str, Protocol] = {
    "https": http.HTTPS,
    "http": http.HTTP,
    "file": file.PROTOCOL,
    "folder": folder.PROTOCOL,
    "debian": debian.PROTOCOL,
    "kaggle": kaggle.PROTOCOL,
    "webdavs": http.WEBDAVS,
    "webdav": http.WEBDAV,
    **{name: fsspec_source.protocol(name) for name in fsspec_source.LIBRARIES},
}
"""The protocol of each scheme. There is no other, whatever is installed."""

SECRET = re.compile(
    r"[?&;]([^=&]*(signature|token|secret|password|credential)|([^=&]*[-_.])?(sig|(api)?key|auth))=",
    re.IGNORECASE,
)
"""A query's parameter that signs or authorizes: ``X-Amz-Signature``, ``sig``, ``access_token`` …"""


def check(url: str) -> str:
    """Return ``url``.

    Raises
    ------
    ValueError
        If its scheme is unknown, it does not have the scheme's form, or it holds what is no
        printable character, encoded or not.

    Examples
    --------
    >>> check("file://data/a.gz")
    Traceback (most recent call last):
    ValueError: must look like file:PATH or file:///PATH
    """
    name = scheme(url)
    if name not in PROTOCOLS:
        raise ValueError(f"must begin with a known scheme: {', '.join(PROTOCOLS)}")
    if not url.isprintable() or re.search(r"%[01][0-9a-f]|%7f", url, re.IGNORECASE):
        raise ValueError("must hold no control characters")
    if not re.fullmatch(PROTOCOLS[name].pattern, url):
        raise ValueError(f"must look like {PROTOCOLS[name].form}")
    return url


def open_source(url: str, start: int = 0, etag: str | None = None) -> AbstractContextManager[Body]:
    """Open a source by its scheme's protocol.

    Parameters
    ----------
    url : str
        As ``check`` returns it.
    start, etag
        As for ``http.get``; sources that are not HTTP begin at the file's start.

    Raises
    ------
    FetchError
        On entering the context if the file cannot be had, and while the body is read.
    """
    return PROTOCOLS[scheme(url)].open(url, start, etag)


def scheme(url: str) -> str:
    """Return a URL's scheme, ``""`` if it has none.

    Examples
    --------
    >>> scheme("s3://bucket/key"), scheme("C:/data"), scheme("../data")
    ('s3', '', '')
    """
    match = re.match(r"([a-z][a-z0-9+.-]+):", url)
    return match[1] if match else ""


def origin(url: str) -> str:
    """Return the scheme and host of a source, without credentials; without a host, its folder.

    Examples
    --------
    >>> origin("https://me:secret@host:81/a.gz"), origin("file:data/a.gz")
    ('https://host:81', 'file:data')
    """
    if not re.match(r"[^/]*://[^/]", url):
        return url.rpartition("/")[0] or f"{scheme(url)}:."
    return re.sub(r"//[^/]*@", "//", "/".join(url.split("/", 3)[:3]))


def refuse_secrets(url: str) -> str:
    """Return ``url``, which will stand in files that are shared.

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
