import json

import numpy as np
import pytest

from pipeline import evaluation, files, paths, splits, verification
from pipeline.params import Params
from pipeline.predictions import Predictions
from pipeline.subsets import Dataset
from tests.builders import CLASSES


@pytest.fixture
def prepared(project):
    """A project whose tiny_png has been split, and evaluated by predictions made up."""
    for stage in ("extract", "decode", "split"):
        done = project.run(stage, "tiny_png")
        assert done.returncode == 0, done.stderr
    (test,) = Dataset.read("tiny_png").images("test")
    probabilities = np.full((len(test.labels), 3), 0.25, np.float32)
    probabilities[:, 1] = 0.5
    predicted = np.ones(len(test.labels), np.int32)
    predictions = Predictions(test.ids, test.labels, predicted, probabilities)
    predictions.write(paths.predictions("tiny_png"))
    found = evaluation.evaluate(predictions, CLASSES, 0.5, 15)
    files.write_json(paths.metrics("tiny_png") / "evaluation.json", found)
    return project


def evaluation_faults():
    return list(verification.evaluation_faults(Params.read(), "tiny_png"))


def test_what_agrees_has_no_faults(prepared):
    assert list(verification.shard_faults("tiny_png")) == []
    assert list(verification.split_faults("tiny_png")) == []
    assert evaluation_faults() == []


def test_shards_that_are_not_their_indexs_are_found(prepared):
    folder = paths.shards("tiny_png")
    path = folder / "part-00001.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    (fault,) = verification.shard_faults("tiny_png")
    assert "part-00001.parquet: its SHA-256 is not" in fault
    path.unlink()
    (folder / "stray").write_text("")
    missing, surplus = verification.shard_faults("tiny_png")
    assert "part-00001.parquet is missing" in missing
    assert "stray not in index.json" in surplus


def test_split_that_is_not_the_data_cards_is_found(prepared):
    split = splits.read(paths.split("tiny_png"))
    subsets = split.subsets.copy()
    subsets[subsets == 1] = 0
    splits.write(paths.split("tiny_png"), split._replace(subsets=subsets))
    faults = list(verification.split_faults("tiny_png"))
    assert len(faults) == 2
    assert "24 train images are not those of" in faults[0]


def test_metric_that_does_not_follow_is_found(prepared):
    path = paths.metrics("tiny_png") / "evaluation.json"
    value = json.loads(path.read_text())
    value["accuracy"] += 0.01
    value["classes"]["cat"]["support"] += 1
    path.write_text(json.dumps(value))
    (fault,) = evaluation_faults()
    assert "accuracy, classes do not follow from the predictions" in fault


def test_predictions_of_other_images_are_found(prepared):
    path = paths.predictions("tiny_png")
    predictions = Predictions.read(path)
    predictions._replace(ids=predictions.ids[::-1]).write(path)
    (fault,) = evaluation_faults()
    assert "are not of tiny_png's test subset" in fault


def test_impossible_parameters_are_the_first_fault(project):
    project.set("runs.tiny_idx.dataset", "nothing")
    (fault,) = verification.faults(Params.read())
    assert "there is no dataset 'nothing'" in fault
