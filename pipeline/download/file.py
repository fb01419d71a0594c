"""The protocol ``file:``: a file, relative to the folder of ``dvc.yaml`` or absolute."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from pipeline.download.body import Body, Protocol, chunks, open_file


@contextmanager
def open_url(url: str, _start: int = 0, _etag: str | None = None) -> Iterator[Body]:
    """Yield the file from its start; raises FetchError if it cannot be read."""
    path = Path(unquote(url.removeprefix("file:").removeprefix("//")))
    with open_file(path) as file:
        yield Body(chunks(file), path.stat().st_size)


PROTOCOL = Protocol(r"file:(///)?[^/].*", "file:PATH or file:///PATH", open_url)
