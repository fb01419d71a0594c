import hashlib
import json

import cv2
import h5py
import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipeline.core import files, paths
from pipeline.core.errors import DataError
from pipeline.evaluate import metrics as evaluation_metrics
from pipeline.evaluate.predictions import Predictions
from pipeline.report import write as write_report
from pipeline.report.gallery import Gallery
from pipeline.report.params import ReportParams
from pipeline.shards import index as shard_index
from pipeline.shards import shard
from pipeline.shards.columns import Rows
from pipeline.split.data_card import data_card
from pipeline.subsets import split as split_file
from tests.report.test_html import Parsed

RUN = "demo"
EFFECTIVE = {
    "dataset": "tiny",
    "model": {"activation": "relu"},
    "train": {"epochs": 2, "optimizer": {"name": "adam"}},
    "evaluate": {"calibration_bins": 15},
}
OWN = {"train": {"epochs": 2}}
SMALL = ReportParams(dpi=50, mistakes=3, uncertain=4, images_per_cell=5, samples_per_class=2)
FIGURES = ["classes", "confusion", "curves", "matrix", "mistakes", "samples"]


def make(
    classes=("cat", "dog", "emu"), shape=(6, 5, 1), n=60, validation=True, wrong=7, noise=False
):
    """Everything that earlier stages write: ``n`` images, each of one colour, its row, or of noise.

    Labels take turns, so row r is of class r % K; half of the rows are for the test, and the first
    ``wrong`` of those are mistakes.
    """
    folder = paths.shards("tiny")
    folder.mkdir(parents=True)
    ids = [f"{row:03}" for row in range(n)]
    labels = np.arange(n, dtype=np.int32) % len(classes)
    pixels = np.broadcast_to((np.arange(n) % 256).reshape(-1, 1, 1, 1), (n, *shape))
    if noise:
        pixels = np.random.default_rng(0).integers(0, 256, (n, *shape))
    rows = Rows(ids, np.arange(n, dtype=np.int32), labels, pixels.astype(np.uint8))
    path = folder / "part-00000.parquet"
    shard.write(path, [rows], classes, shape)
    part = shard_index.ShardFile(name=path.name, rows=n, bytes=1, sha256="")
    index = shard_index.Index(
        format="parquet",
        shape=shape,
        classes=classes,
        divisor=255,
        rows=n,
        files=(part,),
        quarantined=(),
        content_sha256="00" * 32,
    )
    index.write(folder)

    subsets = np.where(np.arange(n) < n // 2, 2, 0).astype(np.int8)  # the test comes first
    if validation:
        subsets[-5:] = 1
    split = split_file.Split(pa.chunked_array([ids]), subsets)
    split_file.write(paths.split("tiny"), split)
    files.write_json(paths.data_card("tiny"), data_card("tiny", folder, index, split))

    test = split.rows("test")
    predicted = labels[test].copy()
    predicted[:wrong] = (predicted[:wrong] + 1) % len(classes)
    confidence = np.linspace(0.6, 0.9, len(test), dtype=np.float32)
    probabilities = np.repeat((1 - confidence)[:, None] / (len(classes) - 1), len(classes), axis=1)
    probabilities[np.arange(len(test)), predicted] = confidence
    predictions = Predictions([ids[row] for row in test], labels[test], predicted, probabilities)
    predictions.write(paths.predictions(RUN))
    metrics = paths.metrics(RUN)
    files.write_json(
        metrics / "evaluation.json", evaluation_metrics.evaluate(predictions, classes, 0.5, 15)
    )
    filled = "0.4,0.8" if validation else ","
    (metrics / "history.csv").write_text(
        "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,learning_rate\n"
        f"1,0.9,0.5,{filled},0.001\n2,0.5,0.75,{filled},0.001\n"
    )
    write_model(shape)


def write_model(shape, filters=4, first="Conv2D"):
    """A model's files as Keras writes them, as far as a report reads them."""
    folder = paths.model(RUN)
    config = {
        "name": "convolution_1",
        "strides": [1, 1],
        "dilation_rate": [1, 1],
        "groups": 1,
        "padding": "same",
    }
    layers = [{"class_name": "InputLayer", "config": {}}, {"class_name": first, "config": config}]
    files.write_json(folder / "architecture.json", {"keras": {"config": {"layers": layers}}})
    random = np.random.default_rng(0)
    with h5py.File(folder / "model.weights.h5", "w") as file:
        kernel = random.normal(size=(3, 3, shape[2], filters)).astype(np.float32)
        file["layers/conv2d/vars/0"] = kernel
        file["layers/conv2d/vars/1"] = random.normal(size=filters).astype(np.float32)


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(params=SMALL):
    return write_report.write(RUN, EFFECTIVE, params, OWN, ["numpy"])


def page():
    return Parsed((paths.metrics(RUN) / "report.html").read_text(encoding="utf-8"))


def digests():
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(paths.metrics(RUN).rglob("*"))
        if path.suffix in (".png", ".html", ".md")
    }


@pytest.mark.parametrize("shape", [(6, 5, 1), (5, 6, 3)])
def test_a_report_holds_its_figures(shape):
    make(shape=shape)
    assert write() == "accuracy 0.7667; see metrics/runs/demo/report.html (1.0 MB)"
    folder = paths.metrics(RUN) / "figures"
    assert sorted(path.stem for path in folder.iterdir()) == FIGURES
    for path in folder.iterdir():
        assert cv2.imread(str(path)) is not None
    assert not list(paths.metrics(RUN).glob("*.incomplete"))


def test_the_page_has_the_runs_parameters_and_counts():
    make()
    write()
    words = " ".join(page().words)
    assert "optimizer name adam" in words
    assert "epochs 2 set by this run" in words
    assert "76.67%" in words
    assert "Images for train 25 Images for validation 5 Images for test 30" in words
    assert "cat dog 3 30.00%" in words


def test_a_second_run_writes_the_same_bytes_and_replaces_the_figures():
    make()
    write()
    first = digests()
    (paths.metrics(RUN) / "figures" / "old.png").write_bytes(b"")
    write()
    assert digests() == first


def test_a_changed_figure_changes_the_figures_alone():
    make()
    write()
    first = digests()
    write(SMALL.model_copy(update={"mistakes": 2}))
    changed = {name for name, digest in digests().items() if digest != first[name]}
    assert changed == {"mistakes.png", "report.html"}


def test_samples_are_training_images_in_step_with_their_labels():
    make()
    figure = write_report._samples(write_report.Dataset.read("tiny"), per_class=2)
    (axes,) = figure.axes
    texts = [text.get_text() for text in axes.texts]
    rows = [round(float(drawn.get_array()[0, 0]) * 255) for drawn in axes.images]
    assert rows == [30, 31, 32, 33, 34, 35]  # the first 30 are for the test
    assert texts[0::2] == ["cat", "dog", "emu"] * 2
    assert texts[1::2] == [f"{row:03}" for row in rows]


def test_the_matrix_is_of_the_first_training_image():
    make()
    picture, axes = write_report._matrix(write_report.Dataset.read("tiny")).axes
    assert picture.get_title(loc="left") == "cat (030)"
    assert {text.get_text() for text in axes.texts} == {"30"}


def test_mistakes_are_the_most_confident_first():
    make(wrong=7)
    predictions = Predictions.read(paths.predictions(RUN))
    (axes,) = write_report._mistakes(
        Gallery(write_report.Dataset.read("tiny"), predictions), limit=3
    ).axes
    texts = [text.get_text() for text in axes.texts]
    assert [round(float(drawn.get_array()[0, 0]) * 255) for drawn in axes.images] == [6, 5, 4]
    assert texts[:3] == ["true cat", "predicted dog", "66.2% · 006"]


def test_without_a_validation_subset():
    make(validation=False)
    write()
    html = page()
    assert "This run has no validation subset." in html.words
    assert "validation loss" not in html.words


def test_without_mistakes():
    make(wrong=0)
    write()
    assert "Every test image is classified correctly." in page().words


def test_a_class_that_the_test_subset_lacks():
    make(classes=("cat", "dog", "emu", "yak"), n=7, validation=False, wrong=1)
    write()
    assert "yak 0.000 0.000 0.000 0" in " ".join(page().words)


def test_a_hundred_classes():
    make(classes=tuple(f"class {number}" for number in range(100)), n=300)
    write()
    # Two lists of cells, the table of scores, that of images, samples.
    assert page().words.count("class 99") == 5


def test_a_page_stays_under_five_megabytes():
    """Of a hundred classes of images that do not compress, with all that may be asked for."""
    classes = tuple(f"class {number}" for number in range(100))
    make(classes=classes, shape=(48, 48, 3), n=1000, wrong=200, noise=True)
    most = {"mistakes": 200, "uncertain": 200, "images_per_cell": 200, "samples_per_class": 20}
    write(ReportParams(dpi=50, **most))
    assert 3_000_000 < (paths.metrics(RUN) / "report.html").stat().st_size < 5_000_000


def test_hostile_names():
    name = r"</style><script>$\frac{_^\u202e"
    make(classes=(name, "猫\x07", "c" * 200))
    write()
    html = page()
    assert len(html.all("script")) == 4
    assert name in html.words
    assert r"猫\x07" in html.words


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (paths.metrics(RUN) / "evaluation.json", "evaluation.json is missing"),
        (paths.metrics(RUN) / "history.csv", "run the train stage"),
        (paths.predictions(RUN), "run the evaluate stage"),
        (paths.model(RUN) / "model.weights.h5", "run the train stage"),
        (paths.model(RUN) / "architecture.json", "architecture.json is missing"),
        (paths.split("tiny"), "run the split stage"),
        (paths.data_card("tiny"), "data.json is missing"),
        (paths.shards("tiny") / "part-00000.parquet", "run the decode stage"),
    ],
)
def test_a_missing_input_is_named_and_nothing_is_half_written(path, message):
    make()
    path.unlink()
    with pytest.raises(DataError, match=message):
        write()
    assert not (paths.metrics(RUN) / "report.html").exists()
    assert not (paths.metrics(RUN) / "figures").exists()
    assert not list(paths.metrics(RUN).glob("*.incomplete"))


def test_a_history_without_epochs_is_refused():
    make()
    path = paths.metrics(RUN) / "history.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(DataError, match="has no epochs"):
        write()


def test_a_split_of_other_data_is_refused():
    make()
    split = split_file.read(paths.split("tiny"))
    split_file.write(
        paths.split("tiny"), split._replace(ids=split.ids.slice(1), subsets=split.subsets[1:])
    )
    with pytest.raises(DataError, match="are of different data"):
        write()


def test_predictions_of_other_data_are_refused():
    make()
    predictions = Predictions.read(paths.predictions(RUN))
    strangers = [f"x{name}" for name in predictions.ids]
    predictions._replace(ids=strangers).write(paths.predictions(RUN))
    with pytest.raises(DataError, match="the predictions are not of data/shards/tiny"):
        write()


@pytest.mark.parametrize(
    "values", [{"dpi": 49}, {"dpi": 301}, {"mistakes": 0}, {"samples_per_class": 21}, {"size": 3}]
)
def test_impossible_parameters_are_refused(values):
    with pytest.raises(ValidationError):
        ReportParams.model_validate_json(json.dumps(values))
