"""Review of a pull request: what CI makes of it, apart from what its author says."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, chdir
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.compare import gate
from pipeline.core import console, files, paths
from pipeline.core.errors import PipelineError, first_few
from pipeline.core.params import Params, read_yaml
from pipeline.execution import machine
from pipeline.execution.machine import Machine
from pipeline.repository import revisions
from pipeline.repository.dvc import LOCK, stages
from pipeline.repository.outputs import MissingError, Outputs
from pipeline.verify import faults as verification
from pipeline.verify import gated, reproduce, results, taken, unexplained
from pipeline.verify.reproduce import Made, git
from pipeline.verify.unexplained import Change, Records

SHARED = ("decode", "split", "train", "evaluate")
"""Stages whose outputs have to be in the remote, which others read and CI verifies."""


JUDGING = (
    *(".ci", ".dvc", ".dvcignore", ".gitattributes", ".github", "Makefile", "pyproject.toml"),
    *("requirements.lock", "pipeline/__init__.py", "pipeline/__main__.py"),
    *("pipeline/commands/__init__.py", "pipeline/commands/results"),
    *("pipeline/compare", "pipeline/core", "pipeline/evaluate", "pipeline/execution/machine.py"),
    *("pipeline/models", "pipeline/project/entries", "pipeline/repository", "pipeline/runs.py"),
    *("pipeline/schema.py", "pipeline/shards", "pipeline/split", "pipeline/subsets"),
    *("pipeline/verify", "stages/evaluate.py", "stages/split.py"),
)
"""What a judgement depends on, and is as the pull request has it: a person looks at it."""
GRAPH = Path("dvc.yaml")
"""Its stages judge too: they say what a record is of."""
MANY = 20


class Review(NamedTuple):
    """What was found."""

    faults: list[str]
    """Each is one line, and stops the pull request."""
    notes: list[str]
    """What nobody checked, or a person should look at."""
    verdicts: list[gate.Verdict]
    """Of the gate; empty where faults came first."""

    @property
    def passed(self) -> bool:
        """True if nothing stops the pull request."""
        return not self.faults and not any(verdict.failed for verdict in self.verdicts)


def review(revision: str, *, shared: bool = False) -> Review:
    """Verify what is committed, make the gate's runs again at both revisions, compare and judge.

    Parameters
    ----------
    revision : str
        The baseline.
    shared : bool
        The remote was fetched from: what the pull request records has to be in DVC's cache.

    Raises
    ------
    PipelineError
        If there is no such revision, or a reproduction fails.
    """
    if changed := _changed():
        raise PipelineError(f"review judges what is committed; commit or undo {first_few(changed)}")
    params = Params.read()
    these = gated.reproduced(revision)
    there = [run for run in these if run in params.value("runs")]
    faults = list(verification.faults(params, predict_all=True))
    notes = [*_judging(revision), *_of_studies(revision)]
    recorded = Outputs(revision).stages, Outputs().stages
    notes += taken.notes(*recorded, there, revision)
    for change in _unexplained(revision, recorded, there):
        (notes if change.is_possible else faults).append(change.describe(revision))
        if change.is_possible:
            notes += _further(revision, change.stage.partition("@")[2])
    absent = _absent(revision)
    if shared:
        faults += [f"{path} is recorded, but is not in the remote; dvc push" for path in absent]
    if faults:
        return Review(faults, notes, [])
    committed = Path.cwd()
    with ExitStack() as stack:
        now = stack.enter_context(reproduce.work_tree("HEAD"))
        before = stack.enter_context(reproduce.work_tree(revision))
        reproduce.make(now, there)
        faults += reproduce.faults(committed, now, there)
        notes += reproduce.tolerated(committed, now, there)
        faults += _unverified(
            now, [run for run in there if not results.is_predictable(params, run)]
        )
        again = Made.of(now, there)
        made: tuple[Made | None, Made | None] = again, again
        if reproduce.inputs(before, these) != reproduce.inputs(committed, these):
            known = Params.read(before / paths.PARAMS).value("runs")
            old = [run for run in these if run in known]
            try:
                reproduce.make(before, old)
                made = Made.of(before, old), again
            except PipelineError as error:  # as where the libraries' versions change
                console.warning(f"{error}; the baseline's metrics are taken as committed")
                made = None, again
        verdicts = gated.verdicts(revision, made)
    notes += [f"unchecked: {path} is not here" for path in absent if path.stem not in there]
    return Review(faults, notes, verdicts)


def _changed() -> list[str]:
    """Return the files of Git's that are not as committed."""
    return [line[3:] for line in git("status", "--porcelain", "--untracked-files=no")]


def _judging(revision: str) -> Iterator[str]:
    """Yield a note if the code changed that judges."""
    changed = git("diff", "--name-only", "--no-renames", revision, "HEAD", "--", *JUDGING)
    if _stages(revision) != _stages("HEAD"):
        changed += git("ls-files", "--full-name", "--", f"{GRAPH}") or [f"{GRAPH}"]
    if changed:
        yield f"the judging code itself changed, look at it: {first_few(changed, MANY)}"


def _stages(revision: str) -> Any:
    """Return the stages of a revision's graph; nothing if it has none."""
    if not git("ls-tree", "--name-only", revision, "--", f"{GRAPH}"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, GRAPH)
        files.write_text(path, "\n".join(git("show", f"{revision}:./{GRAPH}")))
        return read_yaml(path).get("stages")


def _of_studies(revision: str) -> Iterator[str]:
    """Yield a note on each study that records new results, which this machine does not make."""
    with tempfile.TemporaryDirectory() as folder:
        baseline = revisions.Revision(revision, Path(folder))
        for path in map(Path, git("ls-files", "--", f"*/{LOCK}")):
            here = baseline.find(path)
            old = stages(files.read_text(here), path) if here else {}
            now = stages(files.read_text(path), path)
            outs = [name for name in now if now[name].get("outs") != old.get(name, {}).get("outs")]
            if outs:
                yield f"unchecked: {path} has new results of {first_few(outs)}"


def _unexplained(
    revision: str, recorded: tuple[Records, Records], made: Sequence[str]
) -> list[Change]:
    """Return the stages that the two revisions record with other outputs of the same inputs."""
    with tempfile.TemporaryDirectory() as folder:
        baseline = revisions.Revision(revision, Path(folder))

        def machines(run: str) -> tuple[Machine | None, Machine | None]:
            old = baseline.find(machine.path(run))
            return Machine.read(old) if old else None, Machine.of(run)

        return list(unexplained.changes(*recorded, machines, made))


def _further(revision: str, run: str) -> Iterator[str]:
    """Yield how a run that was made on another type of machine differs by more than these do."""
    with tempfile.TemporaryDirectory() as folder:
        baseline = revisions.Revision(revision, Path(folder))
        names = (paths.metrics(run) / name for name in ("evaluation.json", "history.csv"))
        if all(baseline.find(path) for path in names):
            origin = f"committed at {revision}"
            yield from (
                f"look at it: {line}"
                for line in reproduce.far(Path.cwd(), Path(folder), run, origin)
            )


def _unverified(made: Path, these: Sequence[str]) -> list[str]:
    """Verify runs as this machine made them, where what is committed of them is not here."""
    with chdir(made):
        params = Params.read()
        return [fault for run in these for fault in verification.run_faults(params, run)]


def _absent(revision: str) -> list[Path]:
    """Return what is recorded otherwise than at a revision, and is not in DVC's cache."""
    now, before = Outputs(), Outputs(revision)
    recorded = [
        Path(out["path"])
        for name, stage in now.stages.items()
        if name.partition("@")[0] in SHARED
        for out in stage.get("outs", ())
    ]
    gits = git("ls-files", "--", *map(str, recorded))
    absent = []
    for path in recorded:
        if f"{path}" in gits or now.is_same(path, before):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                now.link(path, Path(folder))
            except MissingError:
                absent.append(path)
    return absent
