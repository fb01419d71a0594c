"""Stages, and what their records would be with the code that is here."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dvc.dependency import ParamsDependency
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage.serialize import to_single_stage_lockfile
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.meta import Meta

from pipeline.repository.dvc import place
from pipeline.repository.lock_check import Hashes, State, stage_faults

Entry = dict[str, Any]
"""What a lock records of a stage."""
Changes = frozenset[tuple[str, str, str]]
"""How two records differ in code: what it is, the old hash, the new one; empty for none."""


class Renewal(NamedTuple):
    """A stage whose record is not of the present code."""

    name: str
    kind: str
    lock: Path
    stage: str
    """Its name in the lock."""
    entry: Entry
    """The record that it would get."""
    changes: Changes
    faults: list[str]
    """What differs beside the code."""
    is_here: bool
    """True if DVC's outputs of it are here, or some."""


class Graph:
    """The stages, with what their locks record and which files they make."""

    def __init__(self, repo: Repo, hashes: Hashes, metrics: bool) -> None:
        self.repo, self.hashes = repo, hashes
        self.stages = list(repo.index.stages)
        self.made = {out.fs_path: out for stage in self.stages for out in stage.outs}
        locks: dict[Path, dict[str, Entry]] = {}
        for stage in self.stages:
            if lock_of(stage) not in locks:  # each is read once, which takes a while
                locks[lock_of(stage)] = stage.dvcfile.lockfile_contents.get("stages", {})
        self.records = {
            stage: locks[lock_of(stage)][stage.name]
            for stage in self.stages
            if stage.name in locks[lock_of(stage)]
        }
        self.free: set[str] = set()
        """Outputs that may differ."""
        if metrics:
            gits = [out for stage in self.records for out in stage.outs if not out.use_cache]
            self.free = {out.def_path for out in gits}
            for out in gits:
                if state := hashes.of(out):
                    _set(out, state)

    def renewals(self) -> Iterator[Renewal]:
        """Yield the recorded stages whose record is not of the code that is here."""
        for stage, old in self.records.items():
            faults = list(self._renew(stage, old))
            entry = to_single_stage_lockfile(stage)
            if not self.same_outputs(entry, old):
                faults.append(f"{stage.addressing}: it has other outputs now; run dvc repro")
            changes = self.changes(stage, old, entry)
            if changes or (self.free and entry != old):
                names = stage.addressing, kind(stage), lock_of(stage), stage.name
                there = any(self.hashes.of(out) for out in stage.outs if out.use_cache)
                yield Renewal(*names, entry, changes, faults, there)

    def _renew(self, stage: Any, old: Entry) -> Iterator[str]:
        """Give a stage the present code, and data as recorded; yield what else differs."""
        recorded = {one["path"]: one.get("md5") for one in old.get("deps", ())}
        for dependency in stage.deps:
            if isinstance(dependency, ParamsDependency):
                # What is tracked from now on has no recorded value.
                known = dependency.hash_info.value or {}
                dependency.fill_values(dependency.read_params() | known)
            elif source := self.made.get(dependency.fs_path):
                was, now = recorded.get(dependency.def_path), source.hash_info.value
                if was != now and source.def_path not in self.free:
                    yield f"{stage.addressing}: {dependency} is not what it was run with; run it"
                dependency.hash_info, dependency.meta = source.hash_info, source.meta
            elif self._is_code(stage, dependency.def_path) and (
                state := self.hashes.of(dependency)
            ):
                _set(dependency, state)
        stage.cmd_changed = False  # it counts as code
        yield from stage_faults(stage, self.hashes, set(self.made))

    def _is_code(self, stage: Any, path: str) -> bool:
        """Return False for outputs of stages and for folders of them."""
        here = place(stage, path)
        return not any(out == here or out.startswith(here + os.sep) for out in self.made)

    def _is_data(self, stage: Any, path: str) -> bool:
        return path not in self.free and not self._is_code(stage, path)

    def same_outputs(self, one: Entry, two: Entry) -> bool:
        """Return True if two records are of the same outputs, of those that have to be."""
        outs = [
            {
                out["path"]: out.get("md5")
                for out in entry.get("outs", ())
                if out["path"] not in self.free
            }
            for entry in (one, two)
        ]
        return outs[0] == outs[1]

    def changes(self, stage: Any, old: Entry, new: Entry) -> Changes:
        """Return how two records of a stage differ in code."""
        before, after = self.code(stage, old), self.code(stage, new)
        return frozenset(
            (what, before.get(what, ""), after.get(what, ""))
            for what in before.keys() | after.keys()
            if before.get(what) != after.get(what)
        )

    def code(self, stage: Any, entry: Entry) -> dict[str, str]:
        """Return the hashes of a record's code, its command, and which parameters it tracks."""
        deps = {one["path"]: str(one.get("md5")) for one in entry.get("deps", ())}
        code = {
            os.path.relpath(place(stage, path), self.repo.root_dir): md5
            for path, md5 in deps.items()
            if self._is_code(stage, path)
        }
        tracked = {
            # Of one dataset or run, as of any other.
            re.sub(r"^(datasets|runs)\.[^.]*", r"\1.*", f"{key}"): "tracked"
            for values in entry.get("params", {}).values()
            for key in values
        }
        return code | tracked | {"its command": str(entry["cmd"])}

    def same_inputs(self, stage: Any, old: Entry, now: Entry) -> bool:
        """Return True if two records are of the same data, and of the same parameters' values."""
        data = [
            [one for one in entry.get("deps", ()) if self._is_data(stage, one["path"])]
            for entry in (old, now)
        ]
        was, has = old.get("params", {}), now.get("params", {})
        values = [
            (was[file][key], has[file][key])
            for file in was.keys() & has.keys()
            for key in was[file].keys() & has[file].keys()
        ]
        return data[0] == data[1] and all(one == other for one, other in values)


def lock_of(stage: Any) -> Path:
    """Return the lock that records a stage."""
    return Path(stage.path).with_suffix(".lock")


def kind(stage: Any) -> str:
    """Return what a stage does, as ``train``, whatever its dataset or run."""
    return str(stage.name).partition("@")[0]


def _set(item: Output, state: State) -> None:
    """Record the state of a file that is here."""
    item.hash_name = "md5"  # by default that of DVC's earlier locks, which DVC hashes again
    item.hash_info = HashInfo("md5", state.hash)
    item.meta = Meta(size=state.bytes, nfiles=state.files)
