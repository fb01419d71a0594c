"""The repository: what DVC has recorded of every stage. The only module that knows DVC."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db import HashFileDB
from dvc_objects.fs.local import LocalFileSystem

from pipeline.errors import PipelineError, first_few


def faults() -> Iterator[str]:
    """Compare every recorded stage with what is here: command, code, data, parameters, outputs.

    Every file is read again; neither DVC's cache nor times and lengths are trusted.

    Yields
    ------
    str
        A difference. Outputs that are not here are none, for they may not have been pulled.
    """
    try:
        stages = Repo(".").index.stages
        with tempfile.TemporaryDirectory() as nowhere:
            hashes = Hashes(Path(nowhere))
            for stage in stages:
                if any(out.hash_info for out in stage.outs):
                    yield from _stage_faults(stage, hashes)
    except DvcException as error:
        raise PipelineError(f"DVC: {' '.join(str(error).split())}") from None


class Hashes:
    """DVC's hashes of files and folders, each computed once, from the bytes."""

    def __init__(self, folder: Path) -> None:
        self.fs = LocalFileSystem()
        self.database = HashFileDB(self.fs, str(folder))
        self.known: dict[str, str | None] = {}

    def of(self, path: str) -> str | None:
        """The hash of a file or folder, None if it is not here."""
        if path not in self.known:
            self.known[path] = None
            if self.fs.exists(path):
                _, _, found = build(self.database, path, self.fs, "md5", dry_run=True)
                self.known[path] = found.hash_info.value
        return self.known[path]


def _stage_faults(stage: Any, hashes: Hashes) -> Iterator[str]:
    name = stage.addressing
    if stage.cmd_changed:
        yield f"{name}: its command is not the recorded one; run dvc repro"
    for dependency in stage.deps:
        if isinstance(dependency, ParamsDependency):
            changed = [key for keys in dependency.status().values() for key in keys]
            if changed:
                yield (
                    f"{name}: parameters are not the recorded ones ({first_few(sorted(changed))}); "
                    "run dvc repro"
                )
        elif hashes.of(dependency.fs_path) not in (None, dependency.hash_info.value):
            yield f"{name}: its dependency {dependency} is not the recorded one; run dvc repro"
    for output in stage.outs:
        found = hashes.of(output.fs_path)
        if found is None and not output.use_cache:
            yield f"{name}: {output} is missing, which Git should hold; run dvc repro"
        if found not in (None, output.hash_info.value):
            yield f"{name}: {output} is not what was recorded; run dvc repro --force {name}"
