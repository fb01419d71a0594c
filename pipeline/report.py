"""The report of a run: its figures, one static HTML page that holds all there is to know, cards."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.figure import Figure
from numpy.typing import NDArray
from pydantic import Field

from pipeline import cards, class_weights, figures, files, page, paths, pictures, shards, splits
from pipeline.errors import DataError
from pipeline.params import Section
from pipeline.predictions import Predictions
from pipeline.subsets import Dataset

CONFUSIONS = 8
"""The most frequent confusions that the page lists."""


class ReportParams(Section):
    """``report``, in the defaults or in a run: how figures look, never what a number is."""

    dpi: Annotated[int, Field(ge=50, le=300)] = 120
    """Pixels an inch of the figures."""
    mistakes: Annotated[int, Field(ge=1, le=200)] = 20
    """Most confident mistakes shown."""
    samples_per_class: Annotated[int, Field(ge=1, le=20)] = 5
    """Training images of each class shown with their labels."""


def write(run: str, effective: Mapping[str, Any], params: ReportParams) -> str:
    """Write ``figures/``, ``report.html`` and the cards of a run.

    Parameters
    ----------
    run : str
        Its name.
    effective : mapping
        All its parameters, the defaults included; ``dataset`` among them.
    params : ReportParams
        Its section ``report``.

    Returns
    -------
    str
        What was done, for the console.

    Raises
    ------
    DataError
        If something that an earlier stage writes is missing, damaged or of other data.
    """
    folder = paths.metrics(run)
    dataset = Dataset.read(effective["dataset"])
    card = files.read_json(paths.data_card(effective["dataset"]))
    evaluation = files.read_json(folder / "evaluation.json")
    history = read_history(folder / "history.csv")
    predictions = Predictions.read(paths.predictions(run))
    with files.new_folder(folder / "figures") as work:
        for name, figure in _figures(dataset, evaluation, history, predictions, params):
            figures.save(figure, work / f"{name}.png", params.dpi)
    common = {
        "run": run,
        "parameters": {
            name: page.flatten(value)
            for name, value in sorted(effective.items())
            if name != "dataset"
        },
        "card": card,
        "subsets": splits.SUBSETS,
        "evaluation": evaluation,
        "confusions": most_frequent_confusions(predictions.confusion(), dataset.index.classes),
    }
    cards.write(
        folder,
        **common,
        dataset=effective["dataset"],
        classes=dataset.index.classes,
        shape=dataset.index.shape,
        epochs=len(history["epoch"]),
        weights=_weights(effective, card),
    )
    html = page.render(
        **common,
        history=history,
        tracked=[subset for subset in splits.SUBSETS if f"{subset}_loss" in history],
        images={
            path.stem: page.inline(path, params.dpi) for path in (folder / "figures").glob("*.png")
        },
        named_classes=figures.NAMED_CLASSES,
        matrix_side=pictures.MATRIX_SIDE,
    )
    with files.new_file(folder / "report.html") as work:
        work.write_text(html, encoding="utf-8", newline="\n")
    return f"accuracy {evaluation['accuracy']:.4f}; see {folder / 'report.html'}"


def read_history(path: Path) -> dict[str, NDArray[np.float64]]:
    """The columns of ``history.csv``, each of shape (epochs,).

    Columns without values are left out: those of a validation subset where there is none.

    Raises
    ------
    DataError
        If the file is missing or without epochs.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise DataError(f"{path} is missing; run the train stage (dvc repro)") from None
    if not rows:
        raise DataError(f"{path} has no epochs; delete it and run dvc repro")
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if rows[0][name]}


def most_frequent_confusions(
    counts: NDArray[np.int64], classes: tuple[str, ...]
) -> list[tuple[str, str, int]]:
    """The largest counts off the diagonal: true class, predicted class, count.

    Examples
    --------
    >>> most_frequent_confusions(np.array([[9, 1], [0, 7]]), ("cat", "dog"))
    [('cat', 'dog', 1)]
    """
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSIONS]
    cells = (np.unravel_index(cell, wrong.shape) for cell in order)
    return [
        (classes[label], classes[predicted], int(wrong[label, predicted]))
        for label, predicted in cells
        if wrong[label, predicted]
    ]


def _weights(effective: Mapping[str, Any], card: Mapping[str, Any]) -> dict[str, float]:
    """The weight of each class in training, by name; none where all images count alike."""
    if effective["train"].get("class_weights", "none") == "none":
        return {}
    counts: dict[str, int] = card["subsets"]["train"]["classes"]
    return dict(zip(counts, class_weights.balanced(list(counts.values())).tolist(), strict=True))


def _figures(
    dataset: Dataset,
    evaluation: Mapping[str, Any],
    history: Mapping[str, NDArray[np.float64]],
    predictions: Predictions,
    params: ReportParams,
) -> Iterator[tuple[str, Figure]]:
    """Name and figure, one at a time."""
    classes = dataset.index.classes
    yield "curves", figures.curves(history)
    yield "confusion", figures.confusion(predictions.confusion(), classes)
    yield "classes", figures.scores(evaluation["classes"], classes)
    yield "samples", _samples(dataset, params.samples_per_class)
    yield "matrix", _matrix(dataset)
    yield "mistakes", _mistakes(dataset, predictions, params.mistakes)


def _samples(dataset: Dataset, per_class: int) -> Figure:
    """The first training images of each class."""
    train = dataset.split.rows("train")
    labels = dataset.labels()[train]
    shown = dataset.index.classes[: figures.NAMED_CLASSES]
    rows = [train[labels == label][:per_class] for label in range(len(shown))]
    images = iter(dataset.take(np.concatenate(rows)))
    return pictures.samples(
        [
            [pictures.Sample(next(images), dataset.split.ids[row].as_py(), name) for row in mine]
            for name, mine in zip(shown, rows, strict=True)
        ]
    )


def _matrix(dataset: Dataset) -> Figure:
    """The first training image."""
    row = dataset.split.rows("train")[:1]
    image = dataset.take(row)
    name = dataset.index.classes[dataset.labels()[row[0]]]
    title = f"{figures.text(name)} ({figures.text(dataset.split.ids[row[0]].as_py())})"
    return pictures.matrix(image[0], shards.integers(image, dataset.index.divisor)[0], title)


def _mistakes(dataset: Dataset, predictions: Predictions, limit: int) -> Figure:
    """The mistakes of which the model was most certain, the most certain first."""
    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    confidence = predictions.probabilities[wrong, predictions.predicted[wrong]]
    order = np.argsort(-confidence, kind="stable")[:limit]
    wrong, confidence = wrong[order], confidence[order]
    ids = pa.array([predictions.ids[i] for i in wrong], pa.string())
    rows = pc.index_in(ids, value_set=dataset.split.ids.combine_chunks())
    if rows.null_count:
        raise DataError(f"the predictions are not of {dataset.folder}; run dvc repro")
    classes = dataset.index.classes
    return pictures.mistakes(
        [
            pictures.Mistake(
                image,
                predictions.ids[i],
                classes[predictions.labels[i]],
                classes[predictions.predicted[i]],
                float(probability),
            )
            for image, i, probability in zip(
                dataset.take(rows.to_numpy()), wrong, confidence, strict=True
            )
        ]
    )
