"""Hostile sources of this machine, which ``download`` opens. Servers are in its own tests."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.builders import Project
from tests.support.hostile.corpus import Input


def _source(url: str, make: Callable[[Path], Any] = lambda _: None) -> Callable[[Project], None]:
    """Return a function that makes a source in a folder ``mine`` and names it."""

    def put(project: Project) -> None:
        mine = project.folder / "mine"
        mine.mkdir()
        (mine / "a.png").write_bytes(b"a")
        make(mine)
        name = "a.tar" if url.startswith("folder:") else "a.csv"
        project.set("datasets.tiny_png.download.files", [{"name": name, "sources": [url]}])

    return put


def _file(content: bytes) -> Callable[[Path], Any]:
    return lambda mine: (mine / "a").write_bytes(content)


def _link(target: str) -> Callable[[Path], Any]:
    return lambda mine: (mine / "a").symlink_to(target)


def _sparse(mine: Path) -> None:
    with (mine / "a").open("wb") as file:
        file.truncate(10**12)


INPUTS: dict[str, Input] = {
    name: Input("download", "tiny_png", put, ends)
    for name, put, ends in (
        ("a device without an end", _source("file:///dev/zero"), "is no plain file"),
        ("a FIFO", _source("file:mine/a", lambda mine: os.mkfifo(mine / "a")), "is no plain file"),
        ("a sparse file", _source("file:mine/a", _sparse), "but download.max_bytes allows 20,000"),
        ("an encoded NUL", _source("file:mine/a%00"), "must hold no control characters"),
        ("a name that is no Unicode", _source("file:%FF%FE"), "no such file"),
        ("a host in a path", _source("file://host/a"), "must look like file:PATH"),
        ("a chain of URLs", _source("filecache::file:///etc/passwd"), "must begin with a known"),
        ("another of fsspec's protocols", _source("data://a/b"), "must begin with a known"),
        ("a file that leads outside", _source("file:mine/a", _link("/etc/passwd")), "outside its"),
        (
            "a folder that leads outside",
            _source("folder:mine", _link("/etc/passwd")),
            "outside the",
        ),
        ("a folder that leads in circles", _source("folder:mine", _link(".")), "link to a folder"),
        ("a link to itself", _source("folder:mine", _link("a")), "is no plain file, or leads"),
        (
            "a web page behind a comment",
            _source("file:mine/a", _file(b"\xef\xbb\xbf <!-- a -->\n<html>")),
            "sent a web page instead of the file",
        ),
        (
            "a storage's error",
            _source("file:mine/a", _file(b"<?xml version='1.0'?><Error><Code>No</Code></Error>")),
            r"sent an error in XML \(No\) instead of the file",
        ),
    )
}
