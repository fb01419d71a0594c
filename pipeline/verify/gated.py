"""The gate between the files that are here and a Git revision."""

import tempfile
from pathlib import Path

from pipeline import runs
from pipeline.compare import gate, judge
from pipeline.core import paths
from pipeline.core.errors import PipelineError
from pipeline.core.params import Params
from pipeline.repository import revisions
from pipeline.repository.outputs import Outputs


def verdicts(
    revision: str, made: tuple[Path | None, Path | None] = (None, None)
) -> list[gate.Verdict]:
    """Judge the metrics that are here by those at a revision, and by its rules.

    Parameters
    ----------
    made : tuple of Path or None, optional
        Folders in which this machine reproduced some runs, at the revision and at the one that is
        here: files that are there count, in place of those that are committed.

    Raises
    ------
    PipelineError
        If there is no such revision, or a ``gate.yaml`` is wrong.
    """
    params = Params.read(paths.GATE).section(gate.GateParams)
    recorded, before = Outputs(), Outputs(revision)
    with tempfile.TemporaryDirectory() as folder:
        baseline, here = revisions.Revision(revision, Path(folder)), revisions.Here()
        rules = baseline.find(paths.GATE)
        judging = Params.read(rules).section(gate.GateParams) if rules else None

        def is_same(path: Path) -> bool:
            both = [_made(folder, path) for folder in made]
            if all(both):
                return both[0].read_bytes() == both[1].read_bytes()  # type: ignore[union-attr]
            return recorded.is_same(path, before)

        sides = judge.Sides(
            lambda path: _made(made[0], path) or baseline.find(path),
            lambda path: _made(made[1], path) or here.find(path),
            is_same,
            _classes,
        )
        names = {
            kind: baseline.names(paths.METRICS / kind) | here.names(paths.METRICS / kind)
            for kind in ("runs", "datasets")
        }
        found = gate.judge_rules(judging, params)
        return found + judge.judge((judging or params).rules, params.accept, sides, names)


def reproduced(revision: str) -> tuple[str, ...]:
    """Return the runs that the revision's ``gate.yaml`` has reproduced; else those of this one."""
    with tempfile.TemporaryDirectory() as folder:
        rules = revisions.Revision(revision, Path(folder)).find(paths.GATE)
        judging = Params.read(rules).section(gate.GateParams).reproduced if rules else ()
    return judging or Params.read(paths.GATE).section(gate.GateParams).reproduced


def _made(folder: Path | None, path: Path) -> Path | None:
    """Return a file where this machine made it."""
    return folder / path if folder and (folder / path).exists() else None


def _classes(run: str) -> list[str]:
    """Return the names of a run's classes, in the order of the labels; none if it is gone."""
    try:
        params = Params.read()
        name = runs.dataset(params, run)
        return list(params.value("datasets", name, "decode", "classes"))
    except PipelineError:
        return []
