"""Verification of a small project: edits of every kind are found, also consistent ones."""

import json
import shutil
from contextlib import chdir

import keras
import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.core import files, paths
from pipeline.core.errors import DataError
from pipeline.core.params import Params
from pipeline.evaluate import confusion
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.metrics import evaluate, validated
from pipeline.evaluate.predict import predict
from pipeline.evaluate.predictions import Predictions
from pipeline.models import history, saved
from pipeline.repository.outputs import MissingError
from pipeline.shards.index import Index
from pipeline.split.data_card import data_card
from pipeline.subsets import split as split_file
from pipeline.subsets.data_card import DataCard
from pipeline.subsets.images import Dataset
from pipeline.verify import data, gated, results, review
from pipeline.verify.faults import faults, run_faults
from tests.support.builders import CLASSES, Project
from tests.support.hostile import models


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """Return a folder in which tiny_png was split, and evaluated by made-up predictions."""
    folder = tmp_path_factory.mktemp("evaluated")
    with chdir(folder):
        project = Project(folder)
        for stage in ("extract", "decode", "split"):
            done = project.run(stage, "tiny_png")
            assert done.returncode == 0, done.stderr
        (test,) = Dataset.read("tiny_png").images("test")
        probabilities = np.full((len(test.labels), 3), 0.25, np.float32)
        probabilities[:, 1] = 0.5
        predicted = np.ones(len(test.labels), np.int32)
        predictions = Predictions(test.ids, test.labels, predicted, probabilities)
        predictions.write(paths.predictions("tiny_png"))
        metrics = paths.metrics("tiny_png")
        found = evaluate(predictions, CLASSES, 0.5, 15)
        found.write(metrics / "evaluation.json")
        confusion.write(metrics / "confusion.csv", predictions, CLASSES)
    return folder


@pytest.fixture
def prepared(evaluated, tmp_path, monkeypatch):
    """Return a copy of that project, the working directory."""
    shutil.copytree(evaluated, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def raw_faults():
    return list(data.raw_faults(Params.read(), "tiny_png"))


def split_faults():
    return list(data.split_faults(Params.read(), "tiny_png"))


def evaluation_faults():
    return list(results.evaluation_faults(Params.read(), "tiny_png"))


def test_other_test_images_of_the_same_names_are_told(prepared, tmp_path):
    """As where a pull request publishes easier images under the names of the old ones."""

    class Outputs:
        """What is recorded; nothing is in a cache."""

        def __init__(self, **hashes):
            self.hashes = hashes

        def hash(self, path):
            return self.hashes.get(path.parts[1], "0")

        def link(self, path, folder):
            raise MissingError(f"{path} is not here")

    def side(made=prepared, **hashes):
        return gated.Recorded(Params.read(), Outputs(**hashes), made, tmp_path / "links")

    def told(old, new, paired=True):
        return gated.other_images("tiny_png", (old, new), paired=paired)

    assert told(side(), side(shards="1", splits="1")) == ""  # decoded and divided in other ways
    assert "divided anew" in told(side(), side(splits="1"), paired=False)
    assert told(side(), side(raw="1")) == ""  # more images, for training
    assert told(side(), side(raw="1"), paired=False) == ""
    assert "shards are missing" in told(side(), side(made=None, raw="1"))
    other = tmp_path / "other"
    for place in (paths.shards("tiny_png"), paths.split("tiny_png").parent):
        shutil.copytree(prepared / place, other / place)
    for part in (other / paths.shards("tiny_png")).glob("*.parquet"):
        table = pq.read_table(part)
        place = table.schema.get_field_index("sha256")
        others = table["sha256"].take(list(range(len(table)))[::-1])
        pq.write_table(table.set_column(place, table.schema.field("sha256"), others), part)
    assert "test images of the same names are others: " in told(side(), side(made=other, raw="1"))


def test_what_ci_made_is_verified_where_it_was_made(prepared, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("checkout"))
    assert review._unverified(prepared, ["tiny_png"]) == []
    path = prepared / paths.metrics("tiny_png") / "evaluation.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"accuracy": 0.99}))
    found = "; ".join(review._unverified(prepared, ["tiny_png"]))
    assert "evaluation.json: accuracy is not that of its classes" in found


def test_what_agrees_has_no_faults(prepared):
    assert raw_faults() == []
    assert list(data.shard_faults("tiny_png")) == []
    assert split_faults() == []
    assert evaluation_faults() == []


def test_published_files_are_those_that_are_pinned(prepared):
    table, archive = (paths.raw("tiny_png") / name for name in ("trainLabels.csv", "train.7z"))
    table.write_bytes(table.read_bytes().replace(b"cat", b"dog", 1))
    archive.unlink()
    missing, changed = raw_faults()
    assert f"{archive} is missing" in missing
    assert f"{table}: its SHA-256 is not the one pinned in params.yaml" in changed


def test_shards_that_are_not_their_indexs_are_found(prepared):
    folder = paths.shards("tiny_png")
    path = folder / "part-00001.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    (fault,) = data.shard_faults("tiny_png")
    assert "part-00001.parquet: its SHA-256 is not" in fault
    path.unlink()
    (folder / "stray").write_text("")
    surplus, missing = data.shard_faults("tiny_png")
    assert "part-00001.parquet is missing" in missing
    assert "stray not in index.json" in surplus


@pytest.mark.parametrize(
    ("name", "position", "fault"),
    [
        ("image", 3, "part-00001.parquet: its images do not have the digests beside them"),
        ("label", 4, "content_sha256 in index.json is not that of the rows"),
        ("id", 5, "content_sha256 in index.json is not that of the rows"),
    ],
)
def test_edited_rows_are_found_even_if_the_index_was_edited_to_match(
    prepared, name, position, fault
):
    folder = paths.shards("tiny_png")
    path = folder / "part-00001.parquet"
    table = pq.read_table(path)
    # One image, label or id stands where its neighbour's did.
    rows = list(range(len(table)))
    rows[position] = position + 1
    column = table[name].take(rows)
    index = table.schema.get_field_index(name)
    pq.write_table(table.set_column(index, table.schema.field(name), column), path)
    index = Index.read(folder)
    first, second = index.files
    second = second.model_copy(update={"sha256": files.sha256(path)})
    index.model_copy(update={"files": (first, second)}).write(folder)
    assert fault in "; ".join(data.shard_faults("tiny_png"))


def test_edited_split_is_found_even_if_the_data_card_was_edited_to_match(prepared):
    path = paths.split("tiny_png")
    split = split_file.read(path)
    subsets = split.subsets.copy()
    subsets[subsets == 1] = 0
    split = split._replace(subsets=subsets)
    split_file.write(path, split)
    forged, card = split_faults()
    assert f"{path} is not what the parameters give" in forged
    assert "subsets, training_pixels do not follow" in card
    folder = paths.shards("tiny_png")
    index = Index.read(folder)
    data_card("tiny_png", folder, index, split).write(paths.data_card("tiny_png"))
    assert split_faults() == [forged]


def test_edited_data_card_is_found(prepared):
    path = paths.data_card("tiny_png")
    value = json.loads(path.read_text())
    value["training_pixels"]["mean"][0] += 1e-6
    path.write_text(json.dumps(value))
    (fault,) = split_faults()
    assert f"{path}: training_pixels do not follow from shards and split" in fault


def test_metric_that_does_not_follow_is_found(prepared):
    path = paths.metrics("tiny_png") / "evaluation.json"
    value = json.loads(path.read_text())
    value["loss"] += 0.01
    value["expected_calibration_error"] += 0.01
    path.write_text(json.dumps(value))
    (fault,) = evaluation_faults()
    assert "expected_calibration_error, loss do not follow from the predictions" in fault
    assert fault in run_faults(Params.read(), "tiny_png")
    others = {paths.predictions("tiny_png")}  # of an older revision, as after `git pull`
    assert fault not in run_faults(Params.read(), "tiny_png", others)
    value["accuracy"] += 0.01
    path.write_text(json.dumps(value))
    with pytest.raises(DataError, match="accuracy is not that of its classes"):
        evaluation_faults()


def test_metrics_are_compared_with_what_git_alone_holds(prepared):
    params, folder = Params.read(), paths.metrics("tiny_png")
    found = Evaluation.read(folder / "evaluation.json")
    found.write_headline(folder / "metrics.json")
    assert list(results.metrics_faults(params, "tiny_png")) == []
    headline = folder / "metrics.json"
    headline.write_text(json.dumps(found.headline() | {"accuracy": 0.99}))
    (fault,) = results.metrics_faults(params, "tiny_png")
    assert fault == f"{headline}: accuracy are not those of evaluation.json; evaluate again"
    headline.write_text("[1]")
    (fault,) = results.metrics_faults(params, "tiny_png")
    assert fault == f"{headline}: holds no metrics; evaluate again"
    headline.unlink()
    (folder / "history.csv").write_text("epoch,validation_accuracy,validation_loss\n1,0.4,1.0\n")
    n = DataCard.read(paths.data_card("tiny_png")).subsets["validation"].n
    right = validated(history.read(folder / "history.csv"), history.Stopped(), n)
    found.model_copy(update={"validation": right}).write(folder / "evaluation.json")
    assert list(results.metrics_faults(params, "tiny_png")) == []
    (folder / "history.csv").write_text("epoch,validation_accuracy,validation_loss\n1,0.4,0.9\n")
    (fault,) = results.metrics_faults(params, "tiny_png")
    assert "validation is not that of history.csv" in fault


def test_metrics_of_another_number_of_images_are_found(prepared):
    card = paths.data_card("tiny_png")
    value = json.loads(card.read_text())
    test = value["subsets"]["test"]
    test["n"] += 1
    test["classes"]["cat"] += 1
    card.write_text(json.dumps(value))
    (fault,) = results.metrics_faults(Params.read(), "tiny_png")
    assert "its numbers of images are not those of" in fault


@pytest.fixture
def predicted(tensorflow, prepared):
    """Return the parameters of a project whose run has a model, and its predictions."""
    params, dataset = Params.read(), Dataset.read("tiny_png")
    layers = keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)
    trained = saved.Model(keras.Sequential(layers), CLASSES)
    saved.save(trained, paths.model("tiny_png"))
    train, test = dataset.images("train", "test")
    found = predict(trained, test, 8)
    found.write(paths.predictions("tiny_png"))
    accuracy = float(predict(trained, train, 8).correct.mean())
    path = paths.metrics("tiny_png") / "evaluation.json"
    evaluate(found, CLASSES, accuracy, 15).write(path)
    confusion.write(path.with_name("confusion.csv"), found, CLASSES)
    return params


def prediction_faults(params):
    return list(results.prediction_faults(params, "tiny_png"))


def test_predictions_are_those_of_the_model(predicted):
    assert prediction_faults(predicted) == []


def test_forged_predictions_are_found_though_all_that_follows_was_made_to_match(predicted):
    path = paths.predictions("tiny_png")
    found = Predictions.read(path)
    right = np.eye(3, dtype=np.float32)[found.labels]
    found = found._replace(predicted=found.labels, probabilities=right)
    found.write(path)
    metrics = paths.metrics("tiny_png")
    evaluate(found, CLASSES, 0.5, 15).write(metrics / "evaluation.json")
    confusion.write(metrics / "confusion.csv", found, CLASSES)
    assert list(results.evaluation_faults(predicted, "tiny_png")) == []
    (fault,) = prediction_faults(predicted)
    assert fault == f"{path} are not what data/models/tiny_png predicts; evaluate again"


def test_another_training_accuracy_is_found(predicted):
    path = paths.metrics("tiny_png") / "evaluation.json"
    found = Evaluation.read(path)
    found.model_copy(update={"train_accuracy": found.train_accuracy + 0.01}).write(path)
    (fault,) = prediction_faults(predicted)
    assert "train_accuracy is not that of data/models/tiny_png" in fault


def test_large_runs_are_predicted_where_that_is_asked_for(predicted, monkeypatch):
    monkeypatch.setattr(results, "MOST_PREDICTED", 5)
    found = Predictions.read(paths.predictions("tiny_png"))
    other = np.roll(found.probabilities, 1, axis=1)
    found = found._replace(probabilities=other, predicted=other.argmax(axis=1).astype(np.int32))
    found.write(paths.predictions("tiny_png"))
    assert results.too_large(predicted) == ["tiny_png"]
    assert prediction_faults(predicted) == []
    assert len(list(results.prediction_faults(predicted, "tiny_png", True))) == 1


def test_confusion_that_does_not_follow_is_found(prepared):
    path = paths.metrics("tiny_png") / "confusion.csv"
    path.write_text(path.read_text().replace("emu", "dog"))
    (fault,) = evaluation_faults()
    assert f"{path} does not follow from the predictions" in fault
    path.unlink()  # DVC's, and not pulled
    assert evaluation_faults() == []


def test_edited_predictions_are_found_even_if_the_metrics_were_edited_to_match(prepared):
    path = paths.predictions("tiny_png")
    predictions = Predictions.read(path)
    predictions = predictions._replace(predicted=predictions.labels)  # all correct
    predictions.write(path)
    metrics = paths.metrics("tiny_png")
    found = evaluate(predictions, CLASSES, 0.5, 15)
    found.write(metrics / "evaluation.json")
    confusion.write(metrics / "confusion.csv", predictions, CLASSES)
    with pytest.raises(DataError, match="some predicted classes are not the most probable ones"):
        evaluation_faults()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics/runs/tiny_png/evaluation.json", "[]"),
        ("metrics/runs/tiny_png/evaluation.json", "{}"),
        ("metrics/runs/tiny_png/confusion.csv", ""),
        ("metrics/datasets/tiny_png/data.json", '"none"'),
        ("data/predictions/tiny_png.parquet", "PAR1"),
        ("data/splits/tiny_png.parquet", ""),
        ("data/shards/tiny_png/index.json", '{"version": 1}'),
    ],
)
def test_damaged_files_are_faults_and_end_nothing_else(prepared, name, content):
    (prepared / name).write_text(content)
    first, *others = faults(Params.read())
    assert first.startswith("DVC: you are not inside of a DVC repository")
    assert others


def test_predictions_of_other_images_are_found(prepared):
    path = paths.predictions("tiny_png")
    predictions = Predictions.read(path)
    predictions._replace(ids=predictions.ids[::-1]).write(path)
    (fault,) = evaluation_faults()
    assert "are not of tiny_png's test subset" in fault


def test_impossible_parameters_are_the_first_fault(project):
    project.set("runs.tiny_idx.dataset", "nothing")
    (fault,) = faults(Params.read())
    assert "there is no dataset 'nothing'" in fault


def test_a_division_by_a_column_is_verified_where_the_table_is_here(prepared):
    params = Params.read()
    params.values["datasets"]["tiny_png"]["split"] = {"groups": "id"}
    found = list(data.split_faults(params, "tiny_png"))
    assert found == ["data/splits/tiny_png.parquet is not what the parameters give; split again"]
    shutil.rmtree("data/extracted/tiny_png")
    assert list(data.split_faults(params, "tiny_png")) == []


def test_a_list_of_images_left_out_that_was_edited_is_found(prepared):
    params, path = Params.read(), paths.quarantined("tiny_png")
    assert list(data.split_faults(params, "tiny_png")) == []
    path.write_text(path.read_text() + "cat,1,is empty\n")
    (fault,) = data.split_faults(params, "tiny_png")
    assert fault.endswith("quarantined.csv: is not what index.json says was left out; split again")


def test_a_model_of_other_weights_or_classes_is_found(tensorflow, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Project(tmp_path)
    params = Params.read()
    folder = models.good(paths.model("tiny_png"))
    classes = list(params.value("datasets", "tiny_png", "decode", "classes"))
    path = folder / "architecture.json"
    files.write_json(path, files.read_json(path) | {"classes": classes})
    assert list(results.model_faults(params, "tiny_png")) == []
    assert results.without_digest(params) == []
    files.write_json(path, files.read_json(path) | {"classes": classes[::-1]})
    assert "has other classes than tiny_png" in "".join(results.model_faults(params, "tiny_png"))
    models.MODELS["weights: a flipped byte"].put(folder)
    assert any("its SHA-256 is not the one" in fault for fault in faults(params))
    about = files.read_json(path)
    about.pop("weights_sha256")
    files.write_json(path, about)
    assert results.without_digest(params) == ["tiny_png"]
