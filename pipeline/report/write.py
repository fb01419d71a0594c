"""The report of a run: its figures, one HTML page that holds all there is to know, cards."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.core import files, paths
from pipeline.evaluate.predictions import Predictions
from pipeline.execution import fingerprint
from pipeline.report import cards, first_layer, image_plots, page_data, plots
from pipeline.report import gallery as galleries
from pipeline.report import html as report_html
from pipeline.report.gallery import Gallery
from pipeline.report.params import ReportParams
from pipeline.shards import index
from pipeline.subsets import split
from pipeline.subsets.images import Dataset
from pipeline.train import class_weights
from pipeline.train import history as history_file

TEMPLATES = tuple(
    report_html.FOLDER / name
    for name in (
        *report_html.SHARED,
        "data_card.md.j2",
        "model_card.md.j2",
        "report.html.j2",
        "report.js",
    )
)
"""Files that a report is made from, beside modules."""


CONFUSIONS = 8
"""The most frequent confusions that the page lists."""


def write(
    run: str,
    effective: Mapping[str, Any],
    params: ReportParams,
    own: Mapping[str, Any],
    uses: Sequence[str],
) -> str:
    """Write ``figures/``, ``report.html`` and the cards of a run.

    Parameters
    ----------
    run : str
        Its name.
    effective : mapping
        All its parameters, the defaults included; ``dataset`` among them.
    params : ReportParams
        Its section ``report``.
    own : mapping
        What of its parameters the run sets itself.
    uses : sequence of str
        Libraries whose versions the page names.

    Returns
    -------
    str
        What was done, for the console.

    Raises
    ------
    DataError
        If something that an earlier stage writes is missing, damaged or of other data.
    """
    folder, name = paths.metrics(run), effective["dataset"]
    dataset = Dataset.read(name)
    card = files.read_json(paths.data_card(name))
    evaluation = files.read_json(folder / "evaluation.json")
    history = history_file.read(folder / "history.csv")
    predictions = Predictions.read(paths.predictions(run))
    gallery = Gallery(dataset, predictions)
    layer = first_layer.read(paths.model(run))
    with files.new_folder(folder / "figures") as work:
        for figure_name, figure in _figures(dataset, evaluation, history, gallery, params):
            plots.save(figure, work / f"{figure_name}.png", params.dpi)
    sections = {key: value for key, value in sorted(effective.items()) if key != "dataset"}
    common = {
        "run": run,
        "card": card,
        "subsets": split.SUBSETS,
        "evaluation": evaluation,
        "confusions": most_frequent_confusions(predictions.confusion(), dataset.index.classes),
    }
    cards.write(
        folder,
        **common,
        parameters={key: report_html.flatten(value) for key, value in sections.items()},
        dataset=name,
        classes=dataset.index.classes,
        shape=dataset.index.shape,
        epochs=len(history["epoch"]),
        weights=_weights(effective, card),
    )
    inputs = [
        *(paths.model(run) / file for file in ("architecture.json", "model.weights.h5")),
        paths.shards(name) / index.INDEX,
        paths.split(name),
        paths.data_card(name),
        folder / "history.csv",
        paths.predictions(run),
        folder / "evaluation.json",
    ]
    html = report_html.render(
        "report",
        **page_data.of_run(effective, params, gallery, layer, common, history),
        **_provenance(inputs, uses),
        **common,
        sections=sections,
        own=own,
        history=history,
    )
    files.write_text(folder / "report.html", html)
    return (
        f"accuracy {evaluation['accuracy']:.4f}; see {folder / 'report.html'} "
        f"({len(html.encode()) / 1e6:.1f} MB)"
    )


def _provenance(inputs: Sequence[Path], uses: Sequence[str]) -> dict[str, Any]:
    """Hashes and versions that the page names: of what it depends on, and of nothing else."""
    read = {path.as_posix(): files.sha256(path) for path in inputs}
    code = fingerprint.code(TEMPLATES)
    return {
        "inputs": read,
        "model_sha256": next(read[name] for name in read if name.endswith(".h5")),
        "code": code,
        "code_sha256": fingerprint.combined(code),
        "versions": fingerprint.versions(uses),
    }


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
    gallery: Gallery,
    params: ReportParams,
) -> Iterator[tuple[str, Figure]]:
    """Name and figure, one at a time."""
    classes = dataset.index.classes
    yield "curves", plots.curves(history)
    yield "confusion", plots.confusion(gallery.predictions.confusion(), classes)
    yield "classes", plots.scores(evaluation["classes"], classes)
    yield "samples", _samples(dataset, params.samples_per_class)
    yield "matrix", _matrix(dataset)
    yield "mistakes", _mistakes(gallery, params.mistakes)


def _samples(dataset: Dataset, per_class: int) -> Figure:
    """The first training images of each class."""
    train = dataset.split.rows("train")
    labels = dataset.labels()[train]
    shown = dataset.index.classes[: plots.NAMED_CLASSES]
    rows = [train[labels == label][:per_class] for label in range(len(shown))]
    images = iter(dataset.take(np.concatenate(rows)))
    return image_plots.samples(
        [
            [image_plots.Sample(next(images), dataset.split.ids[row].as_py(), name) for row in mine]
            for name, mine in zip(shown, rows, strict=True)
        ]
    )


def _matrix(dataset: Dataset) -> Figure:
    """The first training image."""
    row = dataset.split.rows("train")[:1]
    image = dataset.take(row)
    name = dataset.index.classes[dataset.labels()[row[0]]]
    title = f"{plots.text(name)} ({plots.text(dataset.split.ids[row[0]].as_py())})"
    return image_plots.matrix(image[0], index.integers(image, dataset.index.divisor)[0], title)


def _mistakes(gallery: Gallery, limit: int) -> Figure:
    """The mistakes of which the model was most certain, the most certain first."""
    predictions, classes = gallery.predictions, gallery.dataset.index.classes
    wrong = galleries.mistakes(predictions)[:limit]
    images = gallery.dataset.take(gallery.rows[wrong])
    probabilities = galleries.confidence(predictions)[wrong]
    return image_plots.mistakes(
        [
            image_plots.Mistake(
                image,
                predictions.ids[i],
                classes[predictions.labels[i]],
                classes[predictions.predicted[i]],
                float(probability),
            )
            for image, i, probability in zip(images, wrong, probabilities, strict=True)
        ]
    )
