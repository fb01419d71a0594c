"""Studies of fine-tuning: what weights trained on other images are worth, by how few are labelled.

A run with ``train.images_per_class`` is one of the study's, fresh or tuned by its ``weights``; one
without, which has all images of its dataset, is an ancestor that others start from.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pipeline import runs
from pipeline.ablation.difference import CONFIDENCE_LEVEL, difference
from pipeline.core import paths
from pipeline.core.errors import DataError, ParameterError
from pipeline.core.params import Name, Params, Section, Text, merge
from pipeline.evaluate.predictions import Predictions
from pipeline.models.start import Start

Interval = tuple[float, float]


class TransferParams(Section):
    """``transfer``: the study's own section."""

    titles: Annotated[dict[Name, Text], Field(max_length=1000, default_factory=dict)]
    """What the table and the figure call datasets, where that is not their name."""
    dpi: Annotated[int, Field(ge=20, le=600)] = 120
    """Pixels an inch of the figure."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Accuracy(_Record):
    """Test accuracy over the seeds."""

    accuracies: list[float]
    """Of each seed."""
    mean: float
    interval: Interval | None
    """Of the mean, for other seeds and images; None with one seed."""


class Size(_Record):
    """The runs of one dataset with so many images of each class."""

    images_per_class: int
    seeds: list[int]
    fresh: Accuracy
    tuned: Accuracy
    difference: float
    """Tuned less fresh."""
    interval: Interval | None
    """Of the difference, paired by seed and image."""


class Target(_Record):
    """A dataset, of which few images are labelled."""

    title: str
    n: int
    """Test images."""
    all_images: float | None
    """Test accuracy of the run that has all training images; None if there is none."""
    ancestor: str
    """The run whose weights the tuned ones start from."""
    ancestor_title: str
    """Of its dataset."""
    taken: list[str]
    """Layers whose weights came from it."""
    fresh: list[str]
    """Layers that began fresh all the same, for their shapes are others."""
    sizes: list[Size]


class Transfer(_Record):
    """A study: all that ``transfer.json`` holds."""

    confidence_level: float
    targets: dict[str, Target]
    missing: list[str]
    """Runs of the study without predictions."""


class Group(NamedTuple):
    """Runs that differ in nothing but their start and seed."""

    dataset: str
    images_per_class: int
    fresh: dict[int, str]
    """Runs by seed."""
    tuned: dict[int, str]
    ancestor: str


def study(folder: str) -> Transfer:
    """Return the results of a study's runs that have been evaluated.

    Parameters
    ----------
    folder : str
        The study's, with ``params.yaml``, ``data`` and ``metrics``.

    Raises
    ------
    ParameterError
        If the runs are no study, see ``groups``.
    DataError
        If no two runs that can be compared have been evaluated, or runs of a dataset are of
        different test images.
    """
    params = Params.read(Path(folder) / paths.PARAMS)
    found: dict[str, list[Group]] = {}
    missing: list[str] = []
    for group in groups(params):
        named = [*group.fresh.values(), *group.tuned.values()]
        missing += [run for run in named if not paths.predictions(f"{folder}/{run}").exists()]
        seeds = [
            seed
            for seed in group.fresh
            if seed in group.tuned and not {group.fresh[seed], group.tuned[seed]} & {*missing}
        ]
        if seeds:
            fresh = {seed: group.fresh[seed] for seed in seeds}
            tuned = {seed: group.tuned[seed] for seed in seeds}
            both = group._replace(fresh=fresh, tuned=tuned)
            found.setdefault(group.dataset, []).append(both)
    if not found:
        raise DataError(f"no two runs to compare were evaluated; run dvc --cd {folder} repro")
    return Transfer(
        confidence_level=CONFIDENCE_LEVEL,
        targets={name: _target(params, folder, those) for name, those in found.items()},
        missing=missing,
    )


def groups(params: Params) -> list[Group]:
    """Return the runs of a study, by dataset and number of images, in the order of these.

    Raises
    ------
    ParameterError
        If runs that are to be compared differ by more than start and seed, or have the same of
        both; if a run starts from none of the study, or those of a dataset from different ones.
    """
    found: dict[tuple[str, int], Group] = {}
    first: dict[tuple[str, int], Any] = {}
    models = {paths.model(run): run for run in params.value("runs")}
    for run in params.value("runs"):
        train, dataset = _train(params, run), runs.dataset(params, run)
        seed, count = train.pop("seed", 0), train.pop("images_per_class", None)
        if count is None:
            continue
        train.pop("fine_tuning", None)
        alike = {key: params.value("runs", run, key) for key in ("network", "model", "evaluate")}
        key, where = (dataset, count), f"{params.path}: runs.{run}"
        if first.setdefault(key, (train, alike)) != (train, alike):
            raise ParameterError(
                f"{where} differs from other runs of {dataset} with {count} images of each class "
                "in more than weights, train.seed and train.fine_tuning"
            )
        weights = runs.weights(params, run)
        ancestor = "" if weights is None else models.get(weights, "")
        group = found.setdefault(key, Group(*key, {}, {}, ancestor))
        if weights is not None:
            group = found[key] = group._replace(ancestor=ancestor)
            if {one.ancestor for one in found.values() if one.dataset == dataset} - {"", ancestor}:
                ancestor = ""
            if not ancestor:
                raise ParameterError(
                    f"{where}.weights: runs of {dataset} start from the model of one run of the "
                    f"study, or from {paths.NO_WEIGHTS}"
                )
        side = group.fresh if weights is None else group.tuned
        if seed in side:
            raise ParameterError(f"{where} has the seed and the start of {side[seed]}")
        side[seed] = run
    return [found[key] for key in sorted(found)]


def _train(params: Params, run: str) -> dict[str, Any]:
    """Return the section ``train`` of a run, merged into the defaults."""
    own: Mapping[str, Any] = params.value("runs", run, "train")
    return dict(merge(params.value("defaults", "train"), own))


def _target(params: Params, folder: str, those: list[Group]) -> Target:
    """Return the results of a dataset, some seeds of each number of images."""
    dataset, ancestor = those[0].dataset, those[0].ancestor
    ids: list[str] = []

    def right(named: Mapping[int, str]) -> NDArray[np.bool_]:
        """Return where runs are right, of shape (seeds, images)."""
        rows = []
        for run in named.values():
            path = paths.predictions(f"{folder}/{run}")
            predictions = Predictions.read(path)
            ids[:] = ids or predictions.ids
            if predictions.ids != ids:
                raise DataError(f"{path}: other test images than other runs of {dataset}")
            rows.append(predictions.correct)
        return np.array(rows)

    sizes = []
    for group in those:
        fresh, tuned = right(group.fresh), right(group.tuned)
        mean, *ends = difference(tuned.astype(np.float64) - fresh)
        sizes.append(
            Size(
                images_per_class=group.images_per_class,
                seeds=list(group.fresh),
                fresh=_accuracy(fresh),
                tuned=_accuracy(tuned),
                difference=mean,
                interval=_interval(*ends),
            )
        )
    titles, other = (
        params.section(TransferParams, "transfer").titles,
        runs.dataset(params, ancestor),
    )
    start = Start.read(paths.model(f"{folder}/{next(iter(those[0].tuned.values()))}"))
    return Target(
        title=titles.get(dataset, dataset),
        n=len(ids),
        all_images=_all_images(params, folder, dataset),
        ancestor=ancestor,
        ancestor_title=titles.get(other, other),
        taken=[layer.name for layer in start.transferred.taken] if start else [],
        fresh=[layer.name for layer in start.transferred.fresh] if start else [],
        sizes=sizes,
    )


def _accuracy(right: NDArray[np.bool_]) -> Accuracy:
    """Return the mean of hits, of shape (seeds, images)."""
    mean, *ends = difference(right.astype(np.float64))
    return Accuracy(accuracies=right.mean(axis=1).tolist(), mean=mean, interval=_interval(*ends))


def _interval(low: float | None, high: float | None) -> Interval | None:
    return None if low is None or high is None else (low, high)


def _all_images(params: Params, folder: str, dataset: str) -> float | None:
    """Return the accuracy of the first run of a dataset that has all of its images."""
    for run in params.value("runs"):
        path = paths.predictions(f"{folder}/{run}")
        whole = _train(params, run).get("images_per_class") is None
        if whole and runs.dataset(params, run) == dataset and path.exists():
            return float(Predictions.read(path).correct.mean())
    return None
