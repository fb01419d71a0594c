"""Merges by Git: conflicts in ``dvc.lock`` and in metrics, and how they are settled."""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

from dvc.dependency import ParamsDependency
from dvc.repo import Repo
from dvc.stage.loader import StageLoader
from dvc.stage.serialize import to_single_stage_lockfile

from pipeline.core import files, paths, places
from pipeline.core.errors import PipelineError, first_few
from pipeline.repository import lock_edit
from pipeline.repository.dvc import LOCK, opened, repro, stages
from pipeline.repository.lock_check import Hashes, is_complete

KEPT = (".json", ".csv", ".png", ".svg")
"""Suffixes of what Git holds in ``metrics/``."""
HEADS = "HEAD", "MERGE_HEAD", "REBASE_HEAD", "CHERRY_PICK_HEAD"
"""Git's names of the two sides, of which it has the second while it merges."""
Entry = dict[str, Any]
"""What a lock records of a stage."""


class Sides(NamedTuple):
    """The versions of a conflicted file in Git's index; None where there is no file."""

    base: bytes | None
    """Of the commit at which the branches parted."""
    ours: bytes | None
    theirs: bytes | None


def resolve() -> str:
    """Settle the conflicts that a Git merge left in ``dvc.lock`` and in metrics, and stage them.

    Where one side changed a stage's record, that side's is taken. Where both did, the one is taken
    that agrees with the merged command, parameters and files. If neither does, the record is left
    out, so that ``dvc repro`` runs the stage. Of metrics the version is taken whose hash the merged
    lock records.

    Returns
    -------
    str
        What was settled, and the command that runs the stages without a record.

    Raises
    ------
    PipelineError
        If something else is in conflict, on which the choice depends.
    """
    with opened() as repo:
        conflicts = _conflicts(repo)
        locks = {path for path in conflicts if path.name == LOCK.name}
        metrics = {path for path in conflicts if _is_metrics(path, Path(repo.root_dir))}
        if others := conflicts.keys() - locks - metrics:
            raise PipelineError(
                f"settle these conflicts first, and git add them: {_shown(others)}; "
                f"{LOCK} depends on them"
            )
        if not conflicts:
            return "nothing to resolve"
        merged = {path: _Merged(path, conflicts[path]) for path in sorted(locks)}
        for lock in merged.values():
            lock.write()  # DVC cannot load a file with conflict markers
    with opened() as repo, tempfile.TemporaryDirectory() as nowhere:
        unsettled = _settle(repo, merged, Hashes(Path(nowhere)))
        for lock in merged.values():
            lock.forget_all_but({s.name for s in repo.index.stages if _lock(s) == lock.path})
            lock.write()
        recorded = _recorded_metrics(repo, merged)
        outs = {Path(out.fs_path): out for stage in repo.index.stages for out in stage.outs}
        # Git held them once, and one side does still: DVC's now, which ``dvc checkout`` writes.
        cached = {path for path in metrics if path in outs and outs[path].use_cache}
        # Of a run that one side removed.
        gone = {path for path in metrics - outs.keys() if None in conflicts[path][1:]}
        for path in cached | gone:
            places.remove(path)
        for path in sorted(metrics - cached - gone):
            _take_metrics(path, conflicts[path], recorded.get(str(path)))
        top = Path(repo.scm.root_dir)
        alone = dict(_of_the_other_side(repo.scm.pygit2.repo, top, recorded, conflicts))
        for path, content in alone.items():
            files.write_bytes(path, content)
        index = repo.scm.pygit2.repo.index
        for path in sorted(conflicts.keys() | alone.keys()):
            name = path.relative_to(top).as_posix()
            if path.exists():
                index.add(name)
            else:
                del index.conflicts[name]
        index.write()
    settled = _shown(conflicts.keys() | alone.keys())
    if unsettled:
        return f"{settled}: settled; to be run: {repro(unsettled)}"
    return f"{settled}: settled; nothing is to be run; for the data: python -m pipeline pull"


def conflict(path: Path) -> Sides | None:
    """Return both sides and the base of a file in conflict, None if it is in none."""
    with opened() as repo:
        return _conflicts(repo).get(Path(repo.root_dir, path))


def settle(path: Path, text: str) -> None:
    """Write a file that was in conflict, and stage it."""
    files.write_text(path, text)
    with opened() as repo:
        git = repo.scm.pygit2.repo
        git.index.read()
        git.index.add(Path(repo.root_dir, path).relative_to(repo.scm.root_dir).as_posix())
        git.index.write()


def by_line(base: str, ours: str, theirs: str) -> str | None:
    """Return what Git makes of two texts and their base, line by line; None for a conflict."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("ours", "base", "theirs")]
        for path, text in zip(paths, (ours, base, theirs), strict=True):
            files.write_text(path, text)
        command = ["git", "merge-file", "--stdout", "--quiet", *map(str, paths)]
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - ours
    return done.stdout.decode() if done.returncode == 0 else None


def _shown(these: Iterable[Path]) -> str:
    return first_few([os.path.relpath(path) for path in sorted(these)])


class _Merged:
    """A merged lock: the records that are settled, and both sides' records of the other stages."""

    def __init__(self, path: Path, sides: Sides) -> None:
        self.path = path
        base, ours, theirs = (_stages(side, path) for side in sides)
        self.stages: dict[str, Entry] = {}
        self.open: dict[str, list[Entry]] = {}
        for name in ours | theirs:
            mine, other, before = ours.get(name), theirs.get(name), base.get(name)
            if mine == other or other == before:
                taken = mine
            elif mine == before:
                taken = other
            else:
                self.open[name] = [entry for entry in (mine, other) if entry]
                continue
            if taken:
                self.stages[name] = taken

    def forget_all_but(self, names: Collection[str]) -> None:
        """Leave out the records of stages that there are no more."""
        self.stages = {name: entry for name, entry in self.stages.items() if name in names}

    def write(self) -> None:
        lock_edit.write(self.path, self.stages)


def _conflicts(repo: Repo) -> dict[Path, Sides]:
    """Return the files in conflict in Git's index, by absolute path."""
    git = repo.scm.pygit2.repo
    git.index.read()
    top = Path(repo.scm.root_dir)
    conflicts: dict[Path, Sides] = {}
    for entries in git.index.conflicts or ():
        path = next(top / entry.path for entry in entries if entry)
        conflicts[path] = Sides(*(git[entry.id].data if entry else None for entry in entries))
    return conflicts


def _stages(content: bytes | None, path: Path) -> dict[str, Entry]:
    return stages(content.decode(errors="replace"), path) if content else {}


def _settle(repo: Repo, merged: dict[Path, _Merged], hashes: Hashes) -> list[str]:
    """Choose between the sides' records; return the last ones of the stages that are to be run.

    Goes upstream first, since a record must agree with the merged lock's records of its inputs.
    """
    graph = repo.index.graph  # from a stage to those that it depends on
    made = {out.fs_path: "" for stage in graph for out in stage.outs}
    stale = []
    others: dict[Path, dict[str, Entry]] = {}  # of the locks that are not in conflict
    needs = {stage: set(graph.successors(stage)) for stage in graph}
    for stage in TopologicalSorter(needs).static_order():
        lock = merged.get(_lock(stage))
        if lock is None:
            if _lock(stage) not in others:  # DVC would parse it for every stage
                contents = getattr(stage.dvcfile, "lockfile_contents", {})  # none of ``x.dvc``
                others[_lock(stage)] = contents.get("stages", {})
            stages = others[_lock(stage)]
            candidates = [stages[stage.name]] if stage.name in stages else []
        elif stage.name in lock.open:
            candidates = lock.open[stage.name]
        else:
            candidates = [lock.stages[stage.name]] if stage.name in lock.stages else []
        contested = lock is not None and stage.name in lock.open
        agreeing = [one for one in candidates if _agrees(stage, one, made, hashes, contested)]
        # The same inputs gave two outputs, as on two types of machine: take what is in the cache.
        taken = next((entry for entry in agreeing if _cached(stage, entry)), (*agreeing, None)[0])
        if taken:
            StageLoader.fill_from_lock(stage, taken)
            made |= {out.fs_path: out.hash_info.value for out in stage.outs}
        elif candidates:
            stale.append(stage)
        if taken and lock:
            lock.stages[stage.name] = taken
    inner = {needed for stage in stale for needed in needs[stage]}
    return sorted(stage.addressing for stage in stale if stage not in inner)


def _lock(stage: Any) -> Path:
    """Return the path of the lock in which a stage is recorded."""
    return Path(stage.path).with_suffix(".lock")


def _is_metrics(path: Path, root: Path) -> bool:
    """Return True for a file of ``metrics/``, the main graph's or a study's."""
    if not path.is_relative_to(root):
        return False
    folder, *rest = path.relative_to(root).parts
    if rest and (root / folder / "dvc.yaml").exists():
        folder = rest[0]
    return folder == paths.METRICS.name and path.suffix in KEPT


def _agrees(
    stage: Any, entry: Entry, made: dict[str, str], hashes: Hashes, contested: bool
) -> bool:
    """Return True if a record is of the stage as it is after the merge.

    ``made`` holds for each output's path its hash in the merged lock, empty if that records none. A
    ``contested`` record, which both sides changed, is refused where this cannot be seen.
    """
    StageLoader.fill_from_lock(stage, entry)
    for dependency in stage.deps:
        if isinstance(dependency, ParamsDependency):
            if dependency.status():
                return False
        elif dependency.fs_path in made:
            if made[dependency.fs_path] != dependency.hash_info.value:
                return False
        elif gathered := [made[out] for out in made if out.startswith(dependency.fs_path + os.sep)]:
            # A folder of others' outputs can be hashed only where all of them are here.
            whole = is_complete(dependency, made)
            if not all(gathered) or (hashes.differ(dependency) if whole else contested):
                return False
        elif hashes.of(dependency) is None or hashes.differ(dependency):
            return False
    return bool(to_single_stage_lockfile(stage) == entry)


def _cached(stage: Any, entry: Entry) -> bool:
    StageLoader.fill_from_lock(stage, entry)
    return not any(out.changed_cache() for out in stage.outs if out.use_cache)


def _recorded_metrics(repo: Repo, merged: dict[Path, _Merged]) -> dict[str, str]:
    """Return the recorded MD5 of each output that Git holds, by absolute path."""
    hashes: dict[str, str] = {}
    for stage in repo.index.stages:
        lock = merged.get(_lock(stage))
        if lock is None or stage.name in lock.stages:
            kept = (out for out in stage.outs if not out.use_cache and out.hash_info)
            hashes |= {out.fs_path: out.hash_info.value for out in kept}
    return hashes


def _of_the_other_side(
    git: Any, top: Path, recorded: dict[str, str], conflicts: Collection[Path]
) -> Iterator[tuple[Path, bytes]]:
    """Yield the metrics in no conflict, as one side alone changed them, and what the lock means.

    That is the other side's version, where its record was taken: as of ``machine.json``, where both
    sides trained a run and one of them on another type of machine.
    """
    commits = [git.revparse_single(name) for name in HEADS if _exists(git, name)]
    for name, md5 in recorded.items():
        path = Path(name)
        if path in conflicts or not path.exists() or _md5(files.read_bytes(path)) == md5:
            continue
        place = path.relative_to(top).as_posix()
        versions = [commit.tree[place].data for commit in commits if place in commit.tree]
        yield from ((path, content) for content in versions if _md5(content) == md5)


def _exists(git: Any, name: str) -> bool:
    try:
        git.revparse_single(name)
    except KeyError:
        return False
    return True


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _take_metrics(path: Path, sides: Sides, recorded: str | None) -> None:
    """Write the version that is recorded; else the first, which ``dvc repro`` will write again."""
    versions = [side for side in (sides.ours, sides.theirs) if side is not None]
    same = (v for v in versions if _md5(v) == recorded)
    files.write_bytes(path, next(same, versions[0]))
