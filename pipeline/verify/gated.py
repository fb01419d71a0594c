"""The gate between the files that are here and a Git revision."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from pipeline import runs
from pipeline.compare import gate, judge
from pipeline.core import paths
from pipeline.core.errors import PipelineError, first_few
from pipeline.core.params import Params
from pipeline.repository import revisions
from pipeline.repository.outputs import Outputs
from pipeline.shards import index
from pipeline.subsets.images import Dataset
from pipeline.verify.reproduce import Made


def verdicts(
    revision: str, made: tuple[Made | None, Made | None] = (None, None)
) -> list[gate.Verdict]:
    """Judge the metrics that are here by those at a revision, and by its rules.

    Parameters
    ----------
    made : tuple of Made or None, optional
        What this machine made of some runs, at the revision and at the one that is here: it counts
        in place of what is committed of them.

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
            both = [side.find(path) if side else None for side in made]
            if all(both):
                return both[0].read_bytes() == both[1].read_bytes()  # type: ignore[union-attr]
            return recorded.is_same(path, before)

        def others(run: str, paired: bool) -> str:
            there = baseline.find(paths.PARAMS)
            if there is None:
                return ""
            old, new = (side.folder if side else None for side in made)
            sides = (
                Recorded(Params.read(there), before, old, Path(folder, "old")),
                Recorded(Params.read(), recorded, new, Path(folder, "new")),
            )
            return other_images(run, sides, paired=paired)

        sides = judge.Sides(
            lambda path: (made[0] and made[0].find(path)) or baseline.find(path),
            lambda path: (made[1] and made[1].find(path)) or here.find(path),
            is_same,
            _classes,
            others,
        )
        names = {
            kind: baseline.names(paths.METRICS / kind) | here.names(paths.METRICS / kind)
            for kind in ("runs", "datasets")
        }
        found = gate.judge_rules(judging, params)
        accept = gate.accepted_now(judging, params)
        return found + judge.judge((judging or params).rules, accept, sides, names)


def reproduced(revision: str) -> tuple[str, ...]:
    """Return the runs that the revision's ``gate.yaml`` has reproduced, and those of this one.

    A run that gets another name is judged under that, too.
    """
    with tempfile.TemporaryDirectory() as folder:
        rules = revisions.Revision(revision, Path(folder)).find(paths.GATE)
        judging = Params.read(rules).section(gate.GateParams).reproduced if rules else ()
    here = Params.read(paths.GATE).section(gate.GateParams).reproduced
    return tuple(dict.fromkeys((*judging, *here)))


class Recorded(NamedTuple):
    """What one side records of its data."""

    params: Params
    outputs: Outputs
    made: Path | None
    """A folder in which this machine made some runs."""
    folder: Path
    """An empty one, for links."""

    def test_images(self, dataset: str) -> dict[str, bytes] | None:
        """Return the SHA-256 of the test images by their ids; None if the data are not here."""
        shards, split = paths.shards(dataset), paths.split(dataset)
        root = self.made
        if root is None or not (root / shards).exists():
            root = self.folder
            try:
                for path in (shards, split):
                    self.outputs.link(path, root)
            except PipelineError:
                return None
        found = Dataset.at(root / shards, root / split)
        rows = found.split.rows("test")
        ids, digests = (
            index.column(found.folder, found.index, name).take(rows).to_pylist()
            for name in ("id", "sha256")
        )
        return dict(zip(ids, digests, strict=True))


def other_images(run: str, sides: tuple[Recorded, Recorded], *, paired: bool) -> str:
    """Return why a run's test images may be others at two sides, though their names are the same.

    Where the published files are the same, so are images of one name, however they are decoded.

    Parameters
    ----------
    paired : bool
        Whether the predictions of both sides are here, which tell the names.

    Returns
    -------
    str
        The reason; nothing if they are the same.
    """
    names = [runs.dataset(side.params, run) for side in sides]
    raw, split = (
        [side.outputs.hash(place(name)) for side, name in zip(sides, names, strict=True)]
        for place in (paths.raw, paths.split)
    )
    if raw[0] == raw[1]:
        is_known = paired or split[0] == split[1]
        return "" if is_known else "its images were divided anew, and predictions are missing"
    old, new = (side.test_images(name) for side, name in zip(sides, names, strict=True))
    if old is None or new is None:
        return "its published files are others, and shards are missing; dvc pull them"
    if changed := sorted(name for name in old.keys() & new.keys() if old[name] != new[name]):
        return f"test images of the same names are others: {first_few(changed)}"
    return "" if paired or old.keys() == new.keys() else "its test images are others"


def _classes(run: str) -> list[str]:
    """Return the names of a run's classes, in the order of the labels; none if it is gone."""
    try:
        params = Params.read()
        name = runs.dataset(params, run)
        return list(params.value("datasets", name, "decode", "classes"))
    except PipelineError:
        return []
