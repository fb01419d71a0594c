"""Storage that fsspec reads: S3, SFTP and the like, with the user's own credentials.

fsspec knows more protocols than these: of archives, caches, clusters, and chains of several. None
of them is a source.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from pipeline.download.body import Body, FetchError, Protocol, reason

LIBRARIES = {
    **dict.fromkeys(("s3", "s3a"), "'.[s3]'"),
    **dict.fromkeys(("ssh", "sftp"), "'.[ssh]'"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs"), "adlfs"),
    "hdfs": "pyarrow",
    "hf": "huggingface_hub",
    "oss": "ossfs",
}
"""What pip installs so that fsspec reads a protocol."""

OPTIONS: dict[str, dict[str, Any]] = {
    name: {} if name in ("ssh", "sftp", "hdfs") else {"cache_type": "none"} for name in LIBRARIES
}
"""How a file is opened: it is read in pieces of fitting length, and nothing ahead of them."""

FIRST, LONGEST = 1 << 18, 1 << 25
"""Bytes of the first piece, and of the longest one."""

QUICK, SLOW = 1.0, 4.0
"""Seconds for a piece, below which the next is longer, and above which it is shorter."""


@contextmanager
def open_url(url: str, _start: int = 0, _etag: str | None = None) -> Iterator[Body]:
    """Yield the file from its start; raises FetchError if it cannot be read."""
    name = url.partition(":")[0]
    try:
        from fsspec.core import url_to_fs  # 0.2 s, for the few that need it

        system, path = url_to_fs(url)
        file = system.open(path, "rb", **OPTIONS.get(name, {}))
    except ImportError:
        raise FetchError(f"run: pip install {LIBRARIES[name]}") from None
    except Exception as error:  # fsspec's file systems raise errors of any type
        raise FetchError(reason(error)) from None
    with file:
        yield Body(_pieces(file), getattr(file, "size", None))


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file's bytes in pieces, each a request, that are longer the quicker they come."""
    length = FIRST
    try:
        while True:
            started = time.monotonic()
            piece = file.read(length)
            if not piece:
                return
            seconds = time.monotonic() - started
            yield piece
            if seconds < QUICK:
                length = min(2 * length, LONGEST)
            elif seconds > SLOW:
                length = max(length // 2, FIRST // 4)
    except Exception as error:  # as above
        raise FetchError(reason(error)) from None


def protocol(name: str) -> Protocol:
    """Return the protocol of a scheme; ``::``, by which fsspec chains URLs, is no part of a URL."""
    return Protocol(rf"{name}://(?!.*::)[^/]*/.+", f"{name}://PLACE/PATH", open_url)
