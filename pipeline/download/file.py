"""The protocol ``file:``: a file, relative to the folder of ``dvc.yaml`` or absolute."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.download.body import (
    Body,
    FetchError,
    Protocol,
    chunks,
    local_path,
    open_file,
    quoted,
)


@contextmanager
def open_url(url: str, _start: int = 0, _etag: str | None = None) -> Iterator[Body]:
    """Yield the file from its start; raises FetchError if it cannot be read."""
    path = local_path(url)
    with open_file(path) as file:
        _refuse_link_out(path)
        yield Body(chunks(file), path.stat().st_size)


def _refuse_link_out(path: Path) -> None:
    """Refuse a link that leads out of its folder: what a folder brings may lead to any file."""
    target = path.resolve()
    if path.is_symlink() and not target.is_relative_to(path.parent.resolve()):
        raise FetchError(
            "is a link to a file outside its folder; copy the file there, or name it as the "
            f"source itself: file://{quoted(target)}"
        )


PROTOCOL = Protocol(r"file:(///)?[^/].*", "file:PATH or file:///PATH", open_url)
