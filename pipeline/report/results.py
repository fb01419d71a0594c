"""Results: all that earlier stages wrote of a run, read once for its figures, page and cards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core import paths
from pipeline.core.errors import DataError
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.occlusion import Occlusion
from pipeline.evaluate.predictions import Predictions
from pipeline.execution import machine
from pipeline.models import history
from pipeline.models.start import Start
from pipeline.report import first_layer, network
from pipeline.report.first_layer import FirstLayer
from pipeline.report.gallery import Gallery
from pipeline.report.network import Layer
from pipeline.report.params import ReportParams
from pipeline.report.plots import NAMED_CLASSES
from pipeline.shards import index
from pipeline.shards.index import Quarantined
from pipeline.subsets.data_card import DataCard
from pipeline.subsets.images import Dataset
from pipeline.subsets.trained_on import TrainedOn

LEFT_OUT_PICTURES = 10
"""Pictures of images of a class that were left out for the same reason."""
LISTED_CONFUSIONS = 8
"""The most frequent confusions that the page and the model card list."""


class LeftOut(NamedTuple):
    """Images of a class that could not be used, for the same reason."""

    class_name: str
    reason: str
    names: list[str]
    pictures: list[tuple[str, str]]
    """Names and ``data:`` addresses of those that could be decoded, the first of them."""


@dataclass(frozen=True)
class Results:
    """A run's parameters, and what its stages wrote."""

    run: str
    effective: Mapping[str, Any]
    """All its parameters, the defaults included, and ``dataset``."""
    own: Mapping[str, Any]
    """The parameters that the run sets itself, by section."""
    params: ReportParams
    gallery: Gallery
    """Its dataset and predictions."""
    card: DataCard
    """``data.json`` of its dataset."""
    evaluation: Evaluation
    """``evaluation.json``."""
    history: Mapping[str, NDArray[np.float64]]
    """Columns of ``history.csv``, each of shape (epochs,)."""
    network: Sequence[Layer]
    """The model's layers."""
    layer: FirstLayer | None
    """The model's first layer, if that is a convolution."""
    occlusion: Occlusion | None
    """Maps of what the network looks at; None if ``evaluate`` was asked for none."""
    start: Start | None
    """What its network took from weights; None if all were fresh."""
    uses: Sequence[str]
    """Libraries whose versions the page names."""

    @classmethod
    def read(
        cls,
        run: str,
        effective: Mapping[str, Any],
        own: Mapping[str, Any],
        params: ReportParams,
        uses: Sequence[str],
    ) -> "Results":
        """Read the results of a run.

        Raises
        ------
        DataError
            If a file is missing, damaged or of other data.
        """
        folder, name = paths.metrics(run), effective["dataset"]
        dataset, predictions = Dataset.read(name), Predictions.read(paths.predictions(run))
        return cls(
            run,
            effective,
            own,
            params,
            Gallery(dataset, predictions),
            dataset.card(paths.data_card(name)),
            _evaluation(folder / "evaluation.json", dataset, predictions),
            history.read(folder / "history.csv"),
            network.read(paths.model(run), len(dataset.index.classes)),
            first_layer.read(paths.model(run)),
            Occlusion.read(paths.predictions(run)),
            Start.read(paths.model(run)),
            uses,
        )

    @property
    def inputs(self) -> list[Path]:
        """The files that the report is made from; the shards' index stands for the shards."""
        run, name = self.run, self.effective["dataset"]
        return [
            paths.model(run) / "architecture.json",
            paths.model(run) / "model.weights.h5",
            paths.shards(name) / index.INDEX,
            paths.split(name),
            paths.data_card(name),
            paths.metrics(run) / "history.csv",
            paths.predictions(run),
            paths.metrics(run) / "evaluation.json",
            *filter(Path.exists, [machine.path(run)]),
        ]

    @property
    def dataset(self) -> Dataset:
        """The dataset that the run is of."""
        return self.gallery.dataset

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their labels."""
        return self.dataset.index.classes

    @property
    def trained_on(self) -> TrainedOn:
        """Which images the run was trained on."""
        return TrainedOn.model_validate(self.effective["train"])

    @property
    def trained(self) -> dict[str, int]:
        """The number of images that were trained on, by class."""
        used = self.trained_on
        subsets = ("train", "validation") if used.with_validation else ("train",)
        counts = {
            name: sum(self.card.subsets[subset].classes[name] for subset in subsets)
            for name in self.classes
        }
        most = used.images_per_class or max(counts.values())
        return {name: min(count, most) for name, count in counts.items()}

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """Test images by true class (row) and predicted class (column); shape (K, K)."""
        return self.gallery.predictions.confusion()

    @cached_property
    def shown(self) -> list[int]:
        """The labels that charts show: of too many those with the most mistakes, ascending."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        mistakes = wrong.sum(axis=0) + wrong.sum(axis=1)
        return sorted(np.argsort(-mistakes, kind="stable")[:NAMED_CLASSES].tolist())

    @cached_property
    def confusions(self) -> list[tuple[str, str, int]]:
        """The most frequent confusions: true class, predicted class, images."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        order = np.argsort(-wrong, axis=None, kind="stable")[:LISTED_CONFUSIONS]
        cells = (np.unravel_index(cell, wrong.shape) for cell in order)
        return [
            (self.classes[label], self.classes[predicted], int(wrong[label, predicted]))
            for label, predicted in cells
            if wrong[label, predicted]
        ]

    @cached_property
    def left_out(self) -> list[LeftOut]:
        """The images that could not be used, by class and reason."""
        images: dict[tuple[str, str], list[Quarantined]] = {}
        for image in self.dataset.index.quarantined:
            images.setdefault((image.class_name, image.reason), []).append(image)
        found = []
        for key, those in sorted(images.items()):
            pictures = sorted((one.name, one.picture) for one in those if one.picture)
            names = sorted(one.name for one in those)
            found.append(LeftOut(*key, names, pictures[:LEFT_OUT_PICTURES]))
        return found

    @property
    def converted(self) -> list[tuple[str, int]]:
        """The words of the policy that converted images, and their numbers."""
        index = self.dataset.index
        policy = index.convert or {}
        return [(f"{word}: {policy[word]}", n) for word, n in (index.converted or {}).items()]

    def samples(self) -> list[tuple[str, NDArray[np.int64]]]:
        """Return, for each of the first classes, its name and rows of its first training images."""
        train = self.dataset.split.rows("train")
        labels = self.dataset.labels()[train]
        count = self.params.samples_per_class
        return [
            (name, train[labels == label][:count])
            for label, name in enumerate(self.classes[:NAMED_CLASSES])
        ]


def _evaluation(path: Path, dataset: Dataset, predictions: Predictions) -> Evaluation:
    """Read an evaluation; raise DataError if it is of other classes or predictions."""
    evaluation, classes = Evaluation.read(path), dataset.index.classes
    found = (evaluation.n, set(evaluation.classes), predictions.probabilities.shape[1])
    if found != (len(predictions.ids), set(classes), len(classes)):
        raise DataError(
            f"{path} is not of the predictions and of {dataset.folder}; evaluate again (dvc repro)"
        )
    return evaluation
