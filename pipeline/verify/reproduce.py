"""Runs that this machine makes again, apart from the checkout, and what is committed of them."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import runs
from pipeline.compare import chance
from pipeline.core import files, paths
from pipeline.core.errors import PipelineError, first_few
from pipeline.core.params import Params
from pipeline.evaluate.evaluation import Evaluation
from pipeline.execution.machine import Machine
from pipeline.execution.machine import path as machine_path
from pipeline.models import history
from pipeline.repository.dvc import LOCK, stages

DATA = ("download", "extract", "decode", "split")
"""Stages whose outputs are the same on any machine."""
RUN = ("train", "evaluate", "report")
ACCURACY = 0.02
"""By how much accuracies may differ on another type of machine, beyond chance."""
LEVEL = 0.01
"""Of the tests of that."""
EARLY = 0.2
"""By how much an epoch's accuracy may; it moves more than the last one's."""


class Made(NamedTuple):
    """Some runs that this machine made, in a work tree where other runs have Git's files."""

    folder: Path
    outputs: frozenset[Path]
    """Of the stages that lead to these runs."""

    @classmethod
    def of(cls, folder: Path, these: Sequence[str]) -> "Made":
        """Return what was made of some runs in a folder, by what DVC recorded there."""
        recorded = _recorded(folder)
        return cls(
            folder,
            frozenset(
                Path(out["path"])
                for run in these
                for name in _names(folder, run)
                for out in recorded.get(name, {}).get("outs", ())
            ),
        )

    def find(self, path: Path) -> Path | None:
        """Return an output that was made; None for what only lies there as Git has it."""
        return self.folder / path if path in self.outputs else None


@contextmanager
def work_tree(revision: str) -> Iterator[Path]:
    """Yield a folder with a revision's files, and nothing of DVC's; it is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "work")
        git("worktree", "add", "--quiet", "--detach", f"{work}", revision)
        try:
            yield work
        finally:
            git("worktree", "remove", "--force", f"{work}")


def make(folder: Path, these: Sequence[str]) -> None:
    """Run all stages of some runs in a work tree, with an empty cache.

    Raises
    ------
    PipelineError
        If one fails; what it printed stands on standard error.
    """
    if not these:  # DVC would run all
        return
    targets = [f"report@{run}" for run in these]
    command = [sys.executable, "-m", "dvc", "repro", "--force", "--no-run-cache", *targets]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(  # noqa: S603 - names of runs are checked
        command, cwd=folder, check=False, stdout=sys.stderr, env=os.environ | {"PATH": path}
    )
    if done.returncode:
        raise PipelineError(f"{first_few(list(these))} cannot be reproduced: see above")


def inputs(folder: Path, these: Sequence[str]) -> list[Any]:
    """Return what the recorded stages of some runs are made from, but for reports."""
    recorded, known = _recorded(folder), Params.read(folder / paths.PARAMS).value("runs")
    names = [
        name
        for run in these
        for name in (_names(folder, run) if run in known else [run])
        if not name.startswith("report")
    ]
    return [
        {key: recorded.get(name, {}).get(key) for key in ("cmd", "deps", "params")}
        for name in names
    ]


def faults(committed: Path, made: Path, these: Sequence[str]) -> Iterator[str]:
    """Compare what is committed of some runs with what this machine made.

    Data have to be the same to the byte; so have weights and what follows from them, where the runs
    were recorded on this type of machine; on others, results have to be within what another
    rounding changes.

    Yields
    ------
    str
        What differs, and what to do.
    """
    before, now = _recorded(committed), _recorded(made)
    for run in these:
        recorded, here = (_machine(folder, run) for folder in (committed, made))
        other = is_other(recorded, here)
        for name in _names(made, run):
            was, found = before.get(name), now[name]
            if was is None:
                if not name.startswith("report"):
                    yield f"{name}: {LOCK} has no record of it; run dvc repro {name}"
                continue
            if any(was.get(key) != found.get(key) for key in ("cmd", "params")):
                yield f"{name}: {LOCK} has other parameters than are committed; dvc repro {name}"
            if name.partition("@")[0] in RUN and other:
                continue
            if changed := different(was, found):
                yield (
                    f"{name}: {first_few(changed)}: committed is not what "
                    f"{here.describe() if here else 'this machine'} makes; run dvc repro {name}"
                )
        if other:
            yield from (f"{line}; run dvc repro" for line in far(committed, made, run))


def tolerated(committed: Path, made: Path, these: Sequence[str]) -> Iterator[str]:
    """Yield a note on each run whose weights are not compared, as of another type of machine."""
    for run in these:
        recorded, here = (_machine(folder, run) for folder in (committed, made))
        if is_other(recorded, here):
            types = [one.describe() if one else "an unknown machine" for one in (recorded, here)]
            yield (
                f"{run}: committed as of {types[0]}, made here by {types[1]}: compared within what "
                "another type of machine changes"
            )


def is_other(recorded: Machine | None, here: Machine | None) -> bool:
    """Return True if two types of machines differ, or may."""
    return recorded is None or here is None or recorded.is_other(here)


def far(committed: Path, other: Path, run: str, origin: str = "made here") -> Iterator[str]:
    """Compare the results of two types of machines.

    Parameters
    ----------
    committed, other : Path
        Folders with the metrics of both.
    origin : str
        What the other ones are.

    Yields
    ------
    str
        What differs by more than their types change.
    """
    place = paths.metrics(run) / "evaluation.json"
    old, new = (Evaluation.read(folder / place) for folder in (committed, other))
    pairs = {"accuracy": (old.accuracy, new.accuracy, new.n)}
    if old.validation and new.validation:
        n = new.validation.n
        pairs["validation accuracy"] = (old.validation.accuracy, new.validation.accuracy, n)
    for name, (one, two, n) in pairs.items():
        p_values = (chance.p_unpaired(*pair, n, ACCURACY) for pair in ((one, two), (two, one)))
        if min(p_values) < LEVEL / 2 or old.n != new.n:
            yield (
                f"{place}: {name} is {one:.4f} as committed, and {two:.4f} as {origin}: more than "
                "another type of machine changes"
            )
    place = paths.metrics(run) / "history.csv"
    curves = [history.read(folder / place) for folder in (committed, other)]
    epochs = min(len(curve["epoch"]) for curve in curves)
    for name in sorted(curves[0].keys() & curves[1].keys()):
        gap = abs(curves[0][name][:epochs] - curves[1][name][:epochs]).max()
        if name.endswith("_accuracy") and gap > EARLY:
            yield f"{place}: {name} differs by {gap:.2f} from what is {origin}"


def _recorded(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / LOCK
    return stages(files.read_text(path), path) if path.exists() else {}


def _names(folder: Path, run: str) -> list[str]:
    """Return the stages that lead to a run's report."""
    dataset = runs.dataset(Params.read(folder / paths.PARAMS), run)
    return [f"{kind}@{dataset}" for kind in DATA] + [f"{kind}@{run}" for kind in RUN]


def _machine(folder: Path, run: str) -> Machine | None:
    path = folder / machine_path(run)
    return Machine.read(path) if path.exists() else None


def different(one: dict[str, Any], two: dict[str, Any]) -> list[str]:
    """Return the files, code or outputs, of which two records have other hashes."""
    old, new = (
        {
            entry["path"]: entry.get("md5")
            for key in ("deps", "outs")
            for entry in record.get(key, ())
        }
        for record in (one, two)
    )
    return sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))


def git(*arguments: str) -> list[str]:
    """Return the lines that Git prints, without its hooks; raise PipelineError if it fails."""
    command = ["git", "-c", "core.hooksPath=/dev/null", *arguments]
    done = subprocess.run(  # noqa: S603 - a revision was looked up before
        command, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise PipelineError(f"git {' '.join(arguments[:2])}: {' '.join(done.stderr.split())}")
    return done.stdout.splitlines()
