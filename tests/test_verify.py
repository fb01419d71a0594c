"""Verification of a small project: edits of every kind are found, also consistent ones."""

import json
import shutil
from contextlib import chdir

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline import verify
from pipeline.core import files, paths
from pipeline.core.errors import DataError
from pipeline.core.params import Params
from pipeline.evaluate import confusion
from pipeline.evaluate.metrics import evaluate
from pipeline.evaluate.predictions import Predictions
from pipeline.shards.index import Index
from pipeline.split.data_card import data_card
from pipeline.subsets import split as split_file
from pipeline.subsets.images import Dataset
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
    return list(verify.raw_faults(Params.read(), "tiny_png"))


def split_faults():
    return list(verify.split_faults(Params.read(), "tiny_png"))


def evaluation_faults():
    return list(verify.evaluation_faults(Params.read(), "tiny_png"))


def test_what_agrees_has_no_faults(prepared):
    assert raw_faults() == []
    assert list(verify.shard_faults("tiny_png")) == []
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
    (fault,) = verify.shard_faults("tiny_png")
    assert "part-00001.parquet: its SHA-256 is not" in fault
    path.unlink()
    (folder / "stray").write_text("")
    surplus, missing = verify.shard_faults("tiny_png")
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
    assert fault in "; ".join(verify.shard_faults("tiny_png"))


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
    value["classes"]["cat"]["f1"] += 0.01
    path.write_text(json.dumps(value))
    (fault,) = evaluation_faults()
    assert "classes, loss do not follow from the predictions" in fault
    value["accuracy"] += 0.01
    path.write_text(json.dumps(value))
    with pytest.raises(DataError, match="accuracy is not that of its classes"):
        evaluation_faults()


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
    first, *others = verify.faults(Params.read())
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
    (fault,) = verify.faults(Params.read())
    assert "there is no dataset 'nothing'" in fault


def test_a_division_by_a_column_is_verified_where_the_table_is_here(prepared):
    params = Params.read()
    params.values["datasets"]["tiny_png"]["split"] = {"groups": "id"}
    faults = list(verify.split_faults(params, "tiny_png"))
    assert faults == ["data/splits/tiny_png.parquet is not what the parameters give; split again"]
    shutil.rmtree("data/extracted/tiny_png")
    assert list(verify.split_faults(params, "tiny_png")) == []


def test_a_list_of_images_left_out_that_was_edited_is_found(prepared):
    params, path = Params.read(), paths.quarantined("tiny_png")
    assert list(verify.split_faults(params, "tiny_png")) == []
    path.write_text(path.read_text() + "cat,1,is empty\n")
    (fault,) = verify.split_faults(params, "tiny_png")
    assert fault.endswith("quarantined.csv: is not what index.json says was left out; split again")


def test_a_model_of_other_weights_or_classes_is_found(tensorflow, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Project(tmp_path)
    params = Params.read()
    folder = models.good(paths.model("tiny_png"))
    classes = list(params.value("datasets", "tiny_png", "decode", "classes"))
    path = folder / "architecture.json"
    files.write_json(path, files.read_json(path) | {"classes": classes})
    assert list(verify.model_faults(params, "tiny_png")) == []
    assert verify.without_digest(params) == []
    files.write_json(path, files.read_json(path) | {"classes": classes[::-1]})
    assert "has other classes than tiny_png" in "".join(verify.model_faults(params, "tiny_png"))
    models.MODELS["weights: a flipped byte"].put(folder)
    assert any("its SHA-256 is not the one" in fault for fault in verify.faults(params))
    about = files.read_json(path)
    about.pop("weights_sha256")
    files.write_json(path, about)
    assert verify.without_digest(params) == ["tiny_png"]
