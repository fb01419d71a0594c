"""Runs with old code and with new, that came to the same outputs.

They are in the locks of Git's last commits, and in DVC's run cache: all that was run here, also
where the recorded outputs are another machine's.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from dvc.fs import GitFileSystem
from dvc.stage.serialize import to_single_stage_lockfile
from dvc.utils.serialize import parse_yaml

from pipeline.core import files
from pipeline.core.errors import PipelineError, one_line
from pipeline.core.places import is_plain
from pipeline.repository.dvc import stages
from pipeline.repository.new_code.graph import Changes, Entry, Graph, kind, lock_of

VERSIONS = 10
"""How many of the last versions of a lock in Git are searched for records of the old code."""
MOST_RUNS = 500
"""How many of the newest entries of DVC's run cache are searched likewise."""


class Shown(NamedTuple):
    """A stage that was run with other code before, and came to the same."""

    name: str
    kind: str
    changes: Changes


class Evidence:
    """The runs of a graph's stages, whose records were renewed before."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.repo = graph, graph.repo

    def shown(self, kinds: set[str]) -> Iterator[Shown]:
        """Yield the stages of some kinds whose outputs new code left the same.

        The stages have been renewed before.
        """
        mine = [stage for stage in self.graph.records if kind(stage) in kinds]
        known = {stage: list(self._run_here(stage)) for stage in mine}
        for lock in {lock_of(stage) for stage in mine}:
            for version in self._versions(lock):
                for stage in mine:
                    if lock_of(stage) == lock and stage.name in version:
                        known[stage].append(version[stage.name])
        for stage, entries in known.items():
            here = self.graph.code(stage, to_single_stage_lockfile(stage))
            new = [one for one in self._new(stage, entries) if self.graph.code(stage, one) == here]
            for now, old in product(new, entries):
                if self.graph.same_outputs(old, now) and self.graph.same_inputs(stage, old, now):
                    changes = self.graph.changes(stage, old, now)
                    yield Shown(stage.addressing, kind(stage), changes)

    def _new(self, stage: Any, run: Sequence[Entry]) -> Iterator[Entry]:
        """Yield what may be of the present code: the lock's record, and what was run here."""
        if all(
            self.graph.hashes.of(out) and not self.graph.hashes.differ(out) for out in stage.outs
        ):
            yield self.graph.records[stage]
        yield from run

    def _run_here(self, stage: Any) -> Iterator[Entry]:
        """Yield the records of a stage in DVC's run cache, the newest ones."""
        outs = {out.def_path for out in stage.outs}
        for path, text in self.run_cache.items():
            if all(out in text for out in outs):
                with one_line(path, "remove it", PipelineError):
                    entry = parse_yaml(text, path)
                    if outs >= {one["path"] for one in entry["outs"]}:
                        yield entry

    @cached_property
    def run_cache(self) -> dict[Path, str]:
        """Return the texts of DVC's run cache, by path, the newest ones."""
        found = [
            path for path in Path(self.repo.stage_cache.cache_dir).glob("*/*/*") if is_plain(path)
        ]
        newest = sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)
        return {path: files.read_text(path) for path in newest[:MOST_RUNS]}

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
