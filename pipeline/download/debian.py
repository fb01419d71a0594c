"""The protocol ``debian:``: files of installed packages, with the bytes as they were published."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.download.body import Body, FetchError, Protocol, chunks, open_file

FASHION_MNIST = "dataset-fashion-mnist"

FASHION_MNIST_TIMES = {"train": 1504176606, "t10k": 1504176627}
"""Modification times (Unix, in s) in the headers of the published gzip files, by their subset."""

NAMELESS_GZIP = b"\x1f\x8b\x08\x00"
"""Magic number, deflate, and no flag: a gzip header without a file name."""


@contextmanager
def open_url(url: str, _start: int = 0, _etag: str | None = None) -> Iterator[Body]:
    """Yield the file from its start; raises FetchError if it is not installed."""
    package, name = url.removeprefix("debian://").split("/", 1)
    with open_file(_installed_path(package, name)) as file:
        yield Body(published(package, name, chunks(file)))


def _installed_path(package: str, name: str) -> Path:
    dpkg = shutil.which("dpkg")
    if dpkg is None:
        raise FetchError("this is no Debian system: it has no dpkg")
    listing = subprocess.run(  # noqa: S603 - PROTOCOL.pattern leaves no room for an option
        [dpkg, "-L", package], capture_output=True, text=True, check=False
    )
    if listing.returncode:
        raise FetchError(f"the package is not installed (apt-get install {package})")
    for line in listing.stdout.splitlines():
        if line.endswith(f"/{name}"):
            return Path(line)
    raise FetchError(f"the package has no file {name}")


def published(package: str, name: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a package's file as they were published.

    Debian normalizes gzip files, as ``gzip -n`` does. In its Fashion-MNIST the compressed streams
    are the published ones, but their headers lack the file's name and have another time.
    """
    first = next(chunks, b"")
    time = FASHION_MNIST_TIMES.get(name.partition("-")[0])
    if package == FASHION_MNIST and time is not None and first.startswith(NAMELESS_GZIP):
        header = b"\x1f\x8b\x08\x08" + time.to_bytes(4, "little") + b"\x00\x03"
        first = header + name.removesuffix(".gz").encode() + b"\0" + first[len(header) :]
    yield first
    yield from chunks


PROTOCOL = Protocol(r"debian://[a-z0-9][a-z0-9+.-]+/.+", "debian://PACKAGE/FILE", open_url)
