"""Ablation studies: the effect of each change to a baseline on the accuracy, over several seeds.

A run of the study is ``<change>_<seed>``: its parameters are the change, and ``train.seed``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pipeline import runs
from pipeline.ablation.cost import read as read_cost
from pipeline.ablation.difference import CONFIDENCE_LEVEL, difference
from pipeline.core import paths
from pipeline.core.errors import DataError, ParameterError
from pipeline.core.params import Name, Params, Section, merge
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.predictions import Predictions
from pipeline.report.html import leaves

PARTS = "model", "train", "evaluate"
"""Sections of a run that a change may be in."""
STARTS = {"network": runs.DEFAULT_NETWORK, "weights": paths.NO_WEIGHTS.as_posix()}
"""Keys of a run that a change may be in, with their values in an ordinary run."""


class AblationParams(Section):
    """``ablation``: the study's own section."""

    baseline: Name = "baseline"
    """The change that all are compared with, an empty one."""
    dpi: Annotated[int, Field(ge=20, le=600)] = 120
    """Pixels an inch of the figure."""


class Change(BaseModel):
    """A change to the baseline, over its seeds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: dict[str, Any]
    """Parameters that differ from the defaults, by their dotted keys."""
    seeds: list[int]
    accuracies: list[float]
    """Test accuracy of each seed."""
    accuracy: float
    """Their mean."""
    deviation: float | None
    """Their standard deviation, with n - 1; None with one seed."""
    train_accuracy: float
    """Mean over the seeds."""
    gap: float
    """Training less test accuracy."""
    difference: float | None
    """Accuracy less the baseline's, over the seeds of both; None for the baseline."""
    interval: tuple[float, float] | None
    """Of the difference; None with one seed."""
    parameters: int
    multiply_adds: int


class Study(BaseModel):
    """A study: all that ``ablation.json`` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    n: int
    """Test images."""
    baseline: str
    confidence_level: float
    changes: dict[str, Change]
    missing: list[str]
    """Runs without an evaluation."""


def study(folder: str) -> Study:
    """Return the results of the runs of a study that have been evaluated.

    Parameters
    ----------
    folder : str
        The study's, with ``params.yaml``, ``data`` and ``metrics``.

    Raises
    ------
    ParameterError
        If a run's name does not say what it is.
    DataError
        If the baseline has not been evaluated, or runs are of different test images.
    """
    params = Params.read(Path(folder) / paths.PARAMS)
    section = params.section(AblationParams, "ablation")
    measured, missing = {}, []
    for change, seeds in by_change(params).items():
        done = {
            seed: f"{folder}/{run}"
            for seed, run in seeds.items()
            if paths.predictions(f"{folder}/{run}").exists()
        }
        missing += [run for seed, run in seeds.items() if seed not in done]
        if done:
            measured[change] = _Measured.read(params, done)
    if section.baseline not in measured:
        raise DataError(
            f"no run of {section.baseline} has been evaluated, which all are compared with; run "
            f"dvc --cd {folder} repro"
        )
    baseline = measured.pop(section.baseline)
    ordered = {section.baseline: baseline, **measured}
    return Study(
        dataset=baseline.dataset,
        n=len(baseline.ids),
        baseline=section.baseline,
        confidence_level=CONFIDENCE_LEVEL,
        changes={name: one.compare(baseline) for name, one in ordered.items()},
        missing=missing,
    )


def by_change(params: Params) -> dict[str, dict[int, str]]:
    """Return the runs of a study, by change and seed.

    Raises
    ------
    ParameterError
        If a run is not named by its change and seed, or the runs of a change differ by more.
    """
    changes: dict[str, dict[int, str]] = {}
    first: dict[str, dict[str, Any]] = {}
    for run in params.value("runs"):
        values = {part: dict(params.value("runs", run, part)) for part in PARTS}
        seed = merge(params.value("defaults", "train"), values["train"]).get("seed")
        values["train"].pop("seed", None)
        change, _, suffix = run.rpartition("_")
        if not change or suffix != str(seed):
            raise ParameterError(
                f"{params.path}: runs.{run}: its train.seed is {seed}, so its name must be that of "
                f"a change and _{seed}"
            )
        for key in ("dataset", *STARTS):
            values[key] = params.value("runs", run, key)
        if first.setdefault(change, values) != values:
            raise ParameterError(
                f"{params.path}: runs.{run} differs from the other runs of {change} in more than "
                "train.seed"
            )
        changes.setdefault(change, {})[seed] = run
    return changes


class _Measured(NamedTuple):
    """What was measured of the runs of one change."""

    dataset: str
    values: dict[str, Any]
    ids: list[str]
    right: dict[int, NDArray[np.bool_]]
    """By seed, True for each test image that was classified correctly; shape (n,)."""
    train_accuracy: float
    parameters: int
    multiply_adds: int

    @classmethod
    def read(cls, params: Params, named: Mapping[int, str]) -> "_Measured":
        """Read the runs of a change, which ``named`` gives by seed."""
        ids: list[str] = []
        right = {}
        train = []
        for seed, run in named.items():
            predictions = Predictions.read(paths.predictions(run))
            if ids and predictions.ids != ids:
                raise DataError(f"{paths.predictions(run)}: other test images than the other seeds")
            ids = predictions.ids
            right[seed] = predictions.predicted == predictions.labels
            train.append(Evaluation.read(paths.metrics(run) / "evaluation.json").train_accuracy)
        run = next(iter(named.values()))
        cost = read_cost(paths.model(run))
        return cls(
            runs.dataset(params, run),
            _values(params, Path(run).name),
            ids,
            right,
            float(np.mean(train)),
            cost.parameters,
            cost.multiply_adds,
        )

    def compare(self, baseline: "_Measured") -> Change:
        """Return the change, compared with the baseline."""
        if (self.dataset, self.ids) != (baseline.dataset, baseline.ids):
            raise DataError("the runs are of different test images; run dvc repro")
        accuracies = [float(one.mean()) for one in self.right.values()]
        common = [seed for seed in self.right if seed in baseline.right]
        gains = np.array(
            [self.right[seed].astype(np.int8) - baseline.right[seed] for seed in common]
        )
        mean, low, high = None, None, None
        if common and self is not baseline:
            mean, low, high = difference(gains)
        return Change(
            values=self.values,
            seeds=list(self.right),
            accuracies=accuracies,
            accuracy=float(np.mean(accuracies)),
            deviation=float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else None,
            train_accuracy=self.train_accuracy,
            gap=self.train_accuracy - float(np.mean(accuracies)),
            difference=mean,
            interval=(low, high) if low is not None and high is not None else None,
            parameters=self.parameters,
            multiply_adds=self.multiply_adds,
        )


def _values(params: Params, run: str) -> dict[str, Any]:
    """Return the parameters that a run sets, by dotted keys; the seed is no part of the change."""
    parts = {part: params.value("runs", run, part) for part in PARTS}
    starts = {key: params.value("runs", run, key) for key in STARTS}
    own = {key: value for key, value in starts.items() if value != STARTS[key]}
    changed = {key: value for key, value in leaves(parts) if value != {} and key != "train.seed"}
    return own | changed
