"""Shards and indices that were tampered with, which ``split`` reads."""

import json
import os
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.support.builders import Project
from tests.support.hostile.corpus import Input


def _shard(name: str, content: Callable[[bytes], bytes]) -> Callable[[Project], None]:
    def put(project: Project) -> None:
        path = project.folder / "data" / "shards" / "tiny_png" / name
        path.write_bytes(content(path.read_bytes()))

    return put


def _index(**changes: Any) -> Callable[[Project], None]:
    def put(project: Project) -> None:
        path = project.folder / "data" / "shards" / "tiny_png" / "index.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return put


def _elsewhere(project: Project) -> None:
    path = project.folder / "data" / "shards" / "tiny_png" / "index.json"
    value = json.loads(path.read_text())
    value["files"][0]["name"] = "../../../../etc/passwd"
    path.write_text(json.dumps(value))


def _pickled(project: Project) -> None:
    """Replace shards by NPZ files whose ids are a pickle that would write a file."""

    class Trap:
        def __reduce__(self) -> Any:
            return os.system, ("touch pwned",)

    folder = project.folder / "data" / "shards" / "tiny_png"
    value = json.loads((folder / "index.json").read_text())
    value["format"] = "npz"
    for file in value["files"]:
        file["name"] = file["name"].replace(".parquet", ".npz")
        np.savez(folder / file["name"], id=np.array([Trap()], object))
    (folder / "index.json").write_text(json.dumps(value))


def _compressed(project: Project) -> None:
    """Replace shards by NPZ files of which an array becomes a gigabyte."""
    folder = project.folder / "data" / "shards" / "tiny_png"
    value = json.loads((folder / "index.json").read_text())
    value["format"] = "npz"
    for file in value["files"]:
        file["name"] = file["name"].replace(".parquet", ".npz")
        with (
            zipfile.ZipFile(folder / file["name"], "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("id.npy", "w", force_zip64=True) as stream,
        ):
            head = b"{'descr': '|S1000000000', 'fortran_order': False, 'shape': (1,)}"
            stream.write(b"\x93NUMPY\x01\0" + len(head).to_bytes(2, "little") + head)
            for _ in range(100):
                stream.write(bytes(10_000_000))
    (folder / "index.json").write_text(json.dumps(value))


INPUTS: dict[str, Input] = {
    **{
        name: Input("split", "tiny_png", put, ends)
        for name, put, ends in (
            ("an index that leads elsewhere", _elsewhere, r"index.json: files.0.name"),
            ("a pickle in a shard", _pickled, "is damaged"),
            ("a shard that grows to a gigabyte", _compressed, "array id is compressed"),
            ("a shard cut short", _shard("part-00000.parquet", lambda c: c[:200]), "is damaged"),
            ("a shard of noise", _shard("part-00000.parquet", lambda c: b"PAR1" * 9), "is damaged"),
            ("an index of another version", _index(version=99), "version 99 is not 1"),
            ("an index of a huge shape", _index(shape=[1 << 40, 8, 3]), "is damaged|index.json"),
            ("an index nested deeply", _shard("index.json", lambda c: b"[" * 100_000), "not valid"),
        )
    },
}
