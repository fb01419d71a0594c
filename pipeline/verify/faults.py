"""Verification of everything that is here, without training anything."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from pipeline import runs, schema
from pipeline.core import paths, places
from pipeline.core.errors import PipelineError, shown
from pipeline.core.params import Params
from pipeline.project.entries import orphans
from pipeline.repository import lock_check
from pipeline.repository.remote import check
from pipeline.verify import data, results


def faults(
    params: Params,
    remote: str | None = None,
    targets: Sequence[str] = (),
    *,
    predict_all: bool = False,
    note: Callable[[str], None] | None = None,
) -> Iterator[str]:
    """Verify parameters, recorded stages, published files, shards, splits, models and evaluations.

    A file that follows from others is computed again from these. So an edit is found even where
    ``dvc.lock`` was edited to match.

    Parameters
    ----------
    remote : str, optional
        Name of a DVC remote to verify too; an empty one means the default remote.
    targets : sequence of str
        What the remote is to hold, as DVC takes targets; by default all but studies.
    predict_all : bool
        Predict again also the runs of more than ``results.MOST_PREDICTED`` images.
    note : callable, optional
        Takes a line about what nobody shared through the remote yet, which then is no fault.

    Yields
    ------
    str
        A fault. Files that are not here, since they were not made or pulled, are not verified.
    """
    try:
        schema.check_params(params)
        places.check_outputs(params.value("datasets"), params.value("runs"))
    except PipelineError as error:
        yield str(error)
        return
    others: set[Path] = set()  # what is here of them says nothing of what is recorded
    yield from _tried("dvc.lock", lock_check.faults(others))
    yield from _tried("dvc.lock", orphans.faults(params))
    for name in params.value("datasets"):
        yield from _dataset_faults(params, name, others)
    for run in params.value("runs"):
        yield from run_faults(params, run, others, predict_all=predict_all)
    if remote is not None:
        yield from _tried("remote", check.remote_faults(remote, targets, note))


def _dataset_faults(params: Params, name: str, others: Collection[Path]) -> Iterator[str]:
    """Verify what is here of a dataset, but for outputs in another version than is recorded."""
    raw, shards, split = paths.raw(name), paths.shards(name), paths.split(name)
    if raw.exists() and raw not in others:
        yield from _tried(raw, data.raw_faults(params, name))
    if not shards.exists() or shards in others:
        return
    yield from _tried(shards, data.shard_faults(name))
    if split.exists() and split not in others:
        yield from _tried(split, data.split_faults(params, name))


def run_faults(
    params: Params, run: str, others: Collection[Path] = (), *, predict_all: bool = True
) -> Iterator[str]:
    """Verify what is here of a run; yields as ``faults``.

    Parameters
    ----------
    others : collection of Path
        Outputs that are here in another version than is recorded: nothing follows from them.
    predict_all : bool
        As of ``faults``.
    """
    model, predictions, metrics = paths.model(run), paths.predictions(run), paths.metrics(run)
    if (metrics / "evaluation.json").exists():
        yield from _tried(metrics, results.metrics_faults(params, run))
    dataset = runs.dataset(params, run)
    if not {model, predictions, paths.shards(dataset), paths.split(dataset)}.isdisjoint(others):
        return
    damaged = []
    if model.exists():
        damaged = list(_tried(model, results.model_faults(params, run)))
        yield from damaged
    if predictions.exists():
        yield from _tried(metrics, results.evaluation_faults(params, run))
    if not damaged and results.is_predictable(params, run):
        yield from _tried(predictions, results.prediction_faults(params, run, predict_all))


def _tried(what: Path | str, faults: Iterator[str]) -> Iterator[str]:
    """Yield the faults, and the error that ended the search for them, if one did."""
    try:
        yield from faults
    except PipelineError as error:
        yield str(error)
    except MemoryError:
        raise
    except Exception as error:  # of damaged data
        reason = shown(f"{type(error).__name__}: {error}", 160, instead=" ")
        yield f"{what} cannot be verified ({reason}); run dvc repro"
