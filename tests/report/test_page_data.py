import base64

import numpy as np
import pytest

from pipeline.core import paths
from pipeline.evaluate import calibration
from pipeline.evaluate.params import EvaluateParams
from pipeline.models.params import ModelParams
from pipeline.report import first_layer, page_data
from pipeline.subsets.images import Dataset
from tests.report import test_write as test_report
from tests.report.test_thumbnails import decoded


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_what_parameters_leave_out_is_what_the_other_stages_take():
    assert EvaluateParams().calibration_bins == calibration.BINS
    assert ModelParams().activation == page_data.ACTIVATION


def test_of_too_many_classes_those_with_the_most_mistakes_are_shown():
    counts = np.eye(120, dtype=np.int64)
    counts[:20, 0] += 1  # these, or class 0 for them
    counts[110, 115] = 3
    shown = page_data.shown_classes(counts)
    assert len(shown) == 100
    assert shown == sorted(shown)
    assert {*range(20), 110, 115} < set(shown)


def test_cells_have_counts_and_both_rates():
    counts = np.int64([[3, 1], [0, 0]])
    cells = page_data._cells(("cat", "dog"), counts, [0, 1])
    assert cells[1] == {
        "actual": "cat", "predicted": "dog", "count": 1, "recall": 0.25, "precision": 1.0,
    }  # fmt: skip
    assert cells[2]["recall"] == 0  # of a class without images
    assert len(cells) == 4


def test_samples_are_the_first_training_images_of_each_class(monkeypatch):
    test_report.make()
    found = page_data.samples(Dataset.read("tiny"), per_class=2)
    assert [name for name, _ in found] == ["cat", "dog", "emu"]
    assert [one["id"] for _, images in found for one in images] == [
        "030", "033", "031", "034", "032", "035",
    ]  # fmt: skip
    assert decoded(found[2][1][1]["src"])[1][0, 0] == 35
    room = sum(len(images[0]["src"]) for _, images in found)
    monkeypatch.setattr(page_data, "SAMPLE_BUDGET", room)
    fewer = page_data.samples(Dataset.read("tiny"), per_class=2)
    assert [len(images) for _, images in fewer] == [1, 1, 1]


@pytest.mark.parametrize("shape", [(6, 5, 3), (40, 50, 1)])
def test_matrices_hold_the_exact_integers_of_the_middle(shape):
    test_report.make(shape=shape, noise=True)
    dataset = Dataset.read("tiny")
    found = page_data.matrices(dataset)
    rows, columns = min(shape[0], 32), min(shape[1], 32)
    assert (found["rows"], found["columns"], found["bytes"]) == (rows, columns, 1)
    assert (found["top"], found["left"]) == ((shape[0] - rows) // 2, (shape[1] - columns) // 2)
    values = np.frombuffer(base64.b64decode(found["images"][0]["values"]), np.uint8)
    row = dataset.split.rows("train")[:1]
    whole = np.rint(dataset.take(row)[0] * 255)
    expected = whole[found["top"] :, found["left"] :][:rows, :columns]
    np.testing.assert_array_equal(values.reshape(rows, columns, shape[2]), expected)
    assert len(found["images"]) == page_data.MATRICES


def test_the_first_layer_is_shown_an_image_of_each_class(monkeypatch):
    test_report.make()
    layer = first_layer.read(paths.model(test_report.RUN))
    found = page_data.responses(Dataset.read("tiny"), layer)
    assert [(one["id"], one["label"]) for one in found] == [("030", 0), ("031", 1), ("032", 2)]
    assert {len(one["responses"]) for one in found} == {4}
    monkeypatch.setattr(page_data, "RESPONSE_BUDGET", 1)
    assert len(page_data.responses(Dataset.read("tiny"), layer)) == 1
