"""Recording of new code in ``dvc.lock``, for stages whose outputs it is shown to leave as they are.

What shows it is another stage of the same kind: it was run with the new code, and its outputs are
those that it had with the old.
"""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dvc.dependency import ParamsDependency
from dvc.fs import GitFileSystem
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage.serialize import to_single_stage_lockfile
from dvc.utils.serialize import dump_yaml, parse_yaml
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.meta import Meta

from pipeline.core import files
from pipeline.core.errors import first_few
from pipeline.repository.dvc import opened, place, stages
from pipeline.repository.lock_check import Hashes, State, stage_faults

VERSIONS = 10
"""How many of the last versions of a lock in Git are searched for records of the old code."""
Entry = dict[str, Any]
"""What a lock records of a stage."""
Changes = frozenset[tuple[str, str, str]]
"""How two records differ in code: what it is, the old hash, the new one; empty for none."""


class Outcome(NamedTuple):
    """The stages whose new code was recorded, and those whose was not."""

    recorded: list[str]
    shown_by: list[str]
    """Stages that were run with the old code and with the new, and came to the same."""
    refused: list[str]
    """The stages whose code was not recorded."""
    reasons: list[str]
    """Why, and what to do: each one line."""


def record(targets: Sequence[str] = (), *, certain: bool = False, metrics: bool = False) -> Outcome:
    """Record the present code of stages whose outputs it leaves as they are.

    Parameters
    ----------
    targets : sequence of str
        Stages, as for ``dvc repro``; none means all that are recorded.
    certain : bool
        Record also what no stage shows. Parameters, data and outputs have to agree nevertheless.
    metrics : bool
        Record the outputs that Git holds as they are here, as after a version that writes more of
        them; only the cached ones have to agree.

    Raises
    ------
    PipelineError
        If a target is no stage, a lock is damaged, or DVC is at work.
    """
    outcome, unshown = Outcome([], [], [], []), []
    with opened() as repo, repo.lock, tempfile.TemporaryDirectory() as nowhere:
        graph = _Graph(repo, Hashes(Path(nowhere)), metrics)
        wanted = {stage.addressing for target in targets for stage in repo.stage.collect(target)}
        renewals = [one for one in graph.renewals() if not targets or one.name in wanted]
        sound = {one.kind for one in renewals if not one.faults}
        shown = list(graph.shown(sound)) if sound else []
        new: dict[Path, dict[str, Entry]] = {}
        for renewal in renewals:
            alike = [one for one in shown if one.kind == renewal.kind]
            by = [one.name for one in alike if renewal.changes <= one.changes]
            if renewal.faults or not (by or certain):
                outcome.refused.append(renewal.name)
                outcome.reasons.extend(renewal.faults)
                unshown += [] if renewal.faults else [(renewal, alike)]
                continue
            new.setdefault(renewal.lock, {})[renewal.stage] = renewal.entry
            outcome.recorded.append(renewal.name)
            outcome.shown_by.extend({*by[:1]} - {*outcome.shown_by})
        outcome.reasons.extend(_unshown(unshown))
        for lock, entries in new.items():
            value = parse_yaml(files.read_text(lock), lock)
            with files.new_file(lock) as work:
                dump_yaml(work, value | {"stages": value["stages"] | entries})
    return outcome


class _Renewal(NamedTuple):
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


class _Shown(NamedTuple):
    """A stage that was run with other code before, and came to the same."""

    name: str
    kind: str
    changes: Changes


class _Graph:
    """The stages, with what their locks record and which files they make."""

    def __init__(self, repo: Repo, hashes: Hashes, metrics: bool) -> None:
        self.repo, self.hashes = repo, hashes
        self.stages = list(repo.index.stages)
        self.made = {out.fs_path: out for stage in self.stages for out in stage.outs}
        locks: dict[Path, dict[str, Entry]] = {}
        for stage in self.stages:
            if _lock(stage) not in locks:  # each is read once, which takes a while
                locks[_lock(stage)] = stage.dvcfile.lockfile_contents.get("stages", {})
        self.records = {
            stage: locks[_lock(stage)][stage.name]
            for stage in self.stages
            if stage.name in locks[_lock(stage)]
        }
        self.free: set[str] = set()
        """Outputs that may differ."""
        if metrics:
            gits = [out for stage in self.records for out in stage.outs if not out.use_cache]
            self.free = {out.def_path for out in gits}
            for out in gits:
                if state := hashes.of(out):
                    _set(out, state)

    def renewals(self) -> Iterator[_Renewal]:
        """Yield the recorded stages whose record is not of the code that is here."""
        for stage, old in self.records.items():
            faults = list(self._renew(stage, old))
            entry = to_single_stage_lockfile(stage)
            if not self._same_outputs(entry, old):
                faults.append(f"{stage.addressing}: it has other outputs now; run dvc repro")
            changes = self._changes(stage, old, entry)
            if changes or (self.free and entry != old):
                name, kind, lock = stage.addressing, _kind(stage), _lock(stage)
                yield _Renewal(name, kind, lock, stage.name, entry, changes, faults)

    def shown(self, kinds: set[str]) -> Iterator[_Shown]:
        """Yield the stages of some kinds whose outputs, which are here, new code left the same."""
        there = [
            stage
            for stage in self.records
            if _kind(stage) in kinds
            and all(self.hashes.of(out) and not self.hashes.differ(out) for out in stage.outs)
        ]
        for lock in {_lock(stage) for stage in there}:
            mine = [stage for stage in there if _lock(stage) == lock]
            for version in self._versions(lock):
                for stage in mine:
                    old, now = version.get(stage.name), self.records[stage]
                    if old and self._same_outputs(old, now) and self._same_inputs(stage, old, now):
                        changes = self._changes(stage, old, now)
                        yield _Shown(stage.addressing, _kind(stage), changes)

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

    def _versions(self, lock: Path) -> Iterator[dict[str, Entry]]:
        """Yield the records of the last versions of a lock in Git, newest first."""
        git = self.repo.scm.pygit2.repo
        name = lock.relative_to(self.repo.scm.root_dir).as_posix()
        seen: list[str] = []
        for commit in () if git.head_is_unborn else git.walk(git.head.target):
            if name in commit.tree and (oid := str(commit.tree[name].id)) not in seen:
                seen.append(oid)
                fs = GitFileSystem(scm=self.repo.scm, rev=str(commit.id))
                yield stages(fs.read_text(f"/{name}", errors="replace"), lock)
            if len(seen) == VERSIONS:
                return

    def _is_code(self, stage: Any, path: str) -> bool:
        """Return False for outputs of stages and for folders of them."""
        here = place(stage, path)
        return not any(out == here or out.startswith(here + os.sep) for out in self.made)

    def _is_data(self, stage: Any, path: str) -> bool:
        return path not in self.free and not self._is_code(stage, path)

    def _same_outputs(self, one: Entry, two: Entry) -> bool:
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

    def _changes(self, stage: Any, old: Entry, new: Entry) -> Changes:
        before, after = self._code(stage, old), self._code(stage, new)
        return frozenset(
            (what, before.get(what, ""), after.get(what, ""))
            for what in before.keys() | after.keys()
            if before.get(what) != after.get(what)
        )

    def _code(self, stage: Any, entry: Entry) -> dict[str, str]:
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

    def _same_inputs(self, stage: Any, old: Entry, now: Entry) -> bool:
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


def _lock(stage: Any) -> Path:
    return Path(stage.path).with_suffix(".lock")


def _kind(stage: Any) -> str:
    return str(stage.name).partition("@")[0]


def _set(item: Output, state: State) -> None:
    """Record the state of a file that is here."""
    item.hash_info = HashInfo("md5", state.hash)
    item.meta = Meta(size=state.bytes, nfiles=state.files)


def _unshown(these: Iterable[tuple[_Renewal, list[_Shown]]]) -> Iterator[str]:
    """Yield, for each kind, the code of which no stage shows that outputs stay the same."""
    names: dict[tuple[str, str], list[str]] = {}
    for renewal, alike in these:
        rest = [renewal.changes - one.changes for one in alike]
        left = min(rest, key=len, default=renewal.changes)
        what = first_few(sorted({name for name, _, _ in left}))
        names.setdefault((renewal.kind, what), []).append(renewal.name)
    for (kind, what), stages_of_it in names.items():
        yield (
            f"{first_few(stages_of_it)}: no {kind} that was run here shows that outputs stay the "
            f"same with the new {what}; run one that reads it (make demo), or these"
        )
