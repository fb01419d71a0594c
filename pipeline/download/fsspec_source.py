"""The protocols of fsspec: S3, SFTP and other storage, with the user's own credentials."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.download.body import Body, FetchError, Protocol, chunks, reason

EXTRAS = {"s3": "s3", "s3a": "s3", "ssh": "ssh", "sftp": "ssh"}
"""This project's extra that installs what fsspec needs for a protocol."""


def reads(scheme: str) -> bool:
    """Return whether fsspec knows a scheme, be it installed or not."""
    if scheme in EXTRAS:
        return True
    from fsspec import available_protocols  # 0.2 s, for the few that need it

    return scheme in available_protocols()


@contextmanager
def open_url(url: str, _start: int = 0, _etag: str | None = None) -> Iterator[Body]:
    """Yield the file from its start; raises FetchError if it cannot be read."""
    import fsspec

    try:
        file = fsspec.open(url, "rb").open()
    except ImportError as error:
        extra = EXTRAS.get(url.partition(":")[0])
        raise FetchError(f"run: pip install '.[{extra}]'" if extra else str(error)) from None
    except Exception as error:  # fsspec's file systems raise errors of any type
        raise FetchError(reason(error)) from None
    with file:
        yield Body(chunks(file), getattr(file, "size", None))


PROTOCOL = Protocol(r".+", "SCHEME://PATH", open_url)
