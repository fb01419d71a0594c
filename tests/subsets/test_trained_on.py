"""The images that a run is trained on."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.core import paths
from pipeline.core.params import Params
from pipeline.evaluate.evaluation import Evaluation
from pipeline.models import history
from pipeline.shards.index import Index, ShardFile
from pipeline.subsets.images import Dataset
from pipeline.subsets.split import Split
from pipeline.subsets.trained_on import TrainedOn
from pipeline.verify import results
from tests.support.builders import CLASSES

LABELS = np.repeat([0, 1, 2], [40, 30, 5]).astype(np.int32)


class Labelled(Dataset):
    """A dataset of labels alone."""

    def labels(self):
        return LABELS


@pytest.fixture
def dataset():
    index = Index(
        format="parquet",
        shape=(1, 1, 1),
        classes=CLASSES,
        divisor=255,
        rows=len(LABELS),
        files=(ShardFile(name="a.parquet", rows=len(LABELS), bytes=1, sha256="00" * 32),),
        quarantined=(),
        content_sha256="11" * 32,
    )
    subsets = np.arange(len(LABELS), dtype=np.int8) % 5 // 3  # three in five for training
    ids = pa.chunked_array([pa.array([str(row) for row in range(len(LABELS))])])
    return Labelled(Path(), index, Split(ids, subsets))


def rows(dataset, seed=0, **values):
    return TrainedOn(seed=seed, **values).of(dataset).split.rows("train").tolist()


def test_all_images_are_used_by_default(dataset):
    assert TrainedOn.model_validate({"seed": 3, "epochs": 7}).of(dataset) is dataset


def test_no_more_than_so_many_of_each_class_are_for_training(dataset):
    few = TrainedOn(images_per_class=4).of(dataset)
    assert np.bincount(LABELS[few.split.rows("train")]).tolist() == [4, 4, 3]  # there are but 3
    assert set(rows(dataset, images_per_class=4)) < set(dataset.split.rows("train").tolist())
    assert (few.split.rows("validation") == dataset.split.rows("validation")).all()
    assert few.identity != dataset.identity


def test_they_are_drawn_by_the_seed_and_fewer_are_among_more(dataset):
    assert rows(dataset, images_per_class=4) == rows(dataset, images_per_class=4)
    drawn = [rows(dataset, seed, images_per_class=4) for seed in range(5)]
    assert len(set(map(tuple, drawn))) == 5
    assert set(drawn[0]) < set(rows(dataset, images_per_class=9))
    assert rows(dataset, images_per_class=24) == dataset.split.rows("train").tolist()


def test_validation_images_are_for_training_too_where_it_is_said(dataset):
    both = TrainedOn(with_validation=True).of(dataset).split
    expected = [*dataset.split.rows("train"), *dataset.split.rows("validation")]
    assert both.rows("train").tolist() == sorted(expected)
    assert not len(both.rows("validation"))
    few = TrainedOn(with_validation=True, images_per_class=30).of(dataset).split
    assert np.bincount(LABELS[few.rows("train")]).tolist() == [30, 30, 5]
    assert len(dataset.split.rows("validation"))  # which stays as it is


@pytest.mark.slow
def test_a_run_of_few_images_is_trained_measured_and_verified_by_these(project):
    project.set("runs.tiny_png.train.images_per_class", 2)
    for stage in ("extract", "decode", "split", "train", "evaluate"):
        done = project.run(stage, "tiny_png")
        assert done.returncode == 0, done.stderr
    path = paths.metrics("tiny_png") / "evaluation.json"
    accuracy = Evaluation.read(path).train_accuracy
    assert (accuracy * 6).is_integer()  # two of each of three classes
    assert list(results.prediction_faults(Params.read(), "tiny_png")) == []


@pytest.mark.slow
def test_a_run_with_the_validation_images_is_trained_measured_reported_and_verified(project):
    project.set("runs.tiny_png.train.with_validation", True)
    for stage in ("extract", "decode", "split", "train", "evaluate", "report"):
        done = project.run(stage, "tiny_png")
        assert done.returncode == 0, done.stderr
    folder = paths.metrics("tiny_png")
    assert "validation_accuracy" not in history.read(folder / "history.csv")
    evaluation = Evaluation.read(folder / "evaluation.json")
    assert evaluation.validation is None
    said = "This run was trained on the validation images, too: they measure nothing."
    assert said in (folder / "report.html").read_text()
    card = (paths.metrics("tiny_png") / "model_card.md").read_text()
    assert "Its training and validation subsets were\ntrained on" in card
    assert list(results.prediction_faults(Params.read(), "tiny_png")) == []
