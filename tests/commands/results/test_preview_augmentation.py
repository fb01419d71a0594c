from functools import partial

import cv2
import numpy as np
import pytest

from pipeline.__main__ import parser
from pipeline.commands.results import preview_augmentation
from pipeline.core.errors import ParameterError
from pipeline.subsets.images import Dataset
from pipeline.train.params import TrainParams
from tests.support import reports

PARAMS = TrainParams.model_validate_json(
    '{"batch_size": 8, "shuffle": true, "seed": 3, "drop_remainder": false, '
    '"augmentation": {"trivial": true, "flip_horizontal": true, "mixup": 0.3}}'
)


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reports.make(shape=(8, 8, 3), n=60, noise=True)


def test_images_are_those_that_training_sees(tensorflow):
    """Compared with the batches of training."""
    from pipeline.train import order
    from pipeline.train.augmentation.augmenter import Augmenter

    dataset = Dataset.read("tiny")
    (images,) = dataset.images("train")
    columns = list(preview_augmentation._columns(dataset, PARAMS, 2, 3))
    assert [[one.id for one in column] for column in columns] == [
        ["030", "epoch 1", "epoch 2", "epoch 3"],
        ["031", "epoch 1", "epoch 2", "epoch 3"],
    ]
    augmenter = Augmenter(PARAMS.augmentation, 3, PARAMS.seed)
    for epoch in (1, 3):
        rows = order.order(images, PARAMS, epoch, 4)
        changed = order.batches(images, rows, PARAMS.batch_size, partial(augmenter, epoch))
        seen = np.concatenate([pixels.numpy() for pixels, _ in changed])
        for row, column in enumerate(columns):
            expected = seen[rows.tolist().index(row)] / 255
            np.testing.assert_allclose(column[epoch].image, expected.clip(0, 1), atol=1e-6)


def test_a_picture_is_written(tensorflow, monkeypatch):
    monkeypatch.setattr("pipeline.runs.section", lambda *_: PARAMS)
    monkeypatch.setattr("pipeline.runs.dataset", lambda *_: "tiny")
    monkeypatch.setattr("pipeline.core.params.Params.read", lambda _: None)
    command = parser().parse_args(["preview-augmentation", "demo", "--out", "a/b.png"])
    assert preview_augmentation.run(command) == "a/b.png has 6 images in 6 epochs of demo"
    assert cv2.imread("a/b.png").shape[2] == 3
    monkeypatch.setattr("pipeline.runs.section", lambda *_: TrainParams())
    with pytest.raises(ParameterError, match="demo changes no training image"):
        preview_augmentation.run(command)


@pytest.mark.parametrize("given", [["--images", "0"], ["--epochs", "41"]])
def test_too_many_are_refused(given):
    with pytest.raises(ParameterError, match="from 1 to 40"):
        preview_augmentation.run(parser().parse_args(["preview-augmentation", "demo", *given]))
