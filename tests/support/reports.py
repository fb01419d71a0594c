"""Everything that a report is made from, tiny, and pages and cards read back."""

import base64
from html.parser import HTMLParser
from unittest import mock

import cv2
import h5py
import numpy as np
import pyarrow as pa

from pipeline.core import files, paths
from pipeline.evaluate.metrics import evaluate
from pipeline.evaluate.predictions import Predictions
from pipeline.report import write as report
from pipeline.report.figures import FIGURES
from pipeline.report.params import ReportParams
from pipeline.report.results import Results
from pipeline.shards import index as shard_index
from pipeline.shards import shard
from pipeline.shards.columns import Rows
from pipeline.split.data_card import data_card
from pipeline.subsets import split as split_file

RUN = "demo"
EFFECTIVE = {
    "dataset": "tiny",
    "model": {"activation": "relu"},
    "train": {"epochs": 2, "optimizer": {"name": "adam"}},
    "evaluate": {"calibration_bins": 15},
}
OWN = {"train": {"epochs": 2}}
SMALL = ReportParams(dpi=50, mistakes=3, uncertain=4, images_per_cell=5, samples_per_class=2)


def make(
    classes=("cat", "dog", "emu"),
    shape=(6, 5, 1),
    n=60,
    validation=True,
    wrong=7,
    noise=False,
    quarantined=(),
    **described,
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
    part = shard_index.ShardFile(name=path.name, rows=n, bytes=1, sha256="00" * 32)
    index = shard_index.Index(
        format="parquet",
        shape=shape,
        classes=classes,
        divisor=255,
        rows=n,
        files=(part,),
        quarantined=quarantined,
        content_sha256="00" * 32,
        **described,
    )
    index.write(folder)

    subsets = np.where(np.arange(n) < n // 2, 2, 0).astype(np.int8)  # the test comes first
    if validation:
        subsets[-5:] = 1
    split = split_file.Split(pa.chunked_array([ids]), subsets)
    split_file.write(paths.split("tiny"), split)
    data_card("tiny", folder, index, split).write(paths.data_card("tiny"))

    test = split.rows("test")
    predicted = labels[test].copy()
    predicted[:wrong] = (predicted[:wrong] + 1) % len(classes)
    confidence = np.linspace(0.6, 0.9, len(test), dtype=np.float32)
    probabilities = np.repeat((1 - confidence)[:, None] / (len(classes) - 1), len(classes), axis=1)
    probabilities[np.arange(len(test)), predicted] = confidence
    predictions = Predictions([ids[row] for row in test], labels[test], predicted, probabilities)
    predictions.write(paths.predictions(RUN))
    metrics = paths.metrics(RUN)
    evaluate(predictions, classes, 0.5, 15).write(metrics / "evaluation.json")
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
        "kernel_size": [3, 3],
        "filters": filters,
        "data_format": "channels_last",
    }
    layers = [
        {"class_name": "InputLayer", "config": {"name": "image", "batch_shape": [None, *shape]}},
        {"class_name": first, "config": config, "build_config": {"input_shape": [None, *shape]}},
        {"class_name": "Activation", "config": {"name": "activation_1", "activation": "relu"}},
        {"class_name": "GlobalAveragePooling2D", "config": {"name": "features"}},
    ]
    files.write_json(folder / "architecture.json", {"keras": {"config": {"layers": layers}}})
    random = np.random.default_rng(0)
    with h5py.File(folder / "model.weights.h5", "w") as file:
        kernel = random.normal(size=(3, 3, shape[2], filters)).astype(np.float32)
        file["layers/conv2d/vars/0"] = kernel
        file["layers/conv2d/vars/1"] = random.normal(size=filters).astype(np.float32)


def write(params=SMALL, effective=EFFECTIVE):
    """Write the report of what was made."""
    return report.write(RUN, effective, params, OWN, ["numpy"])


def write_pages(effective=EFFECTIVE):
    """Write the report of what was made without its figures, which take as long as all the rest."""
    with mock.patch.dict(FIGURES, clear=True):
        return write(effective=effective)


def results(params=SMALL):
    """Return what was made."""
    return Results.read(RUN, EFFECTIVE, OWN, params, ["numpy"])


VOID = {"meta", "img", "br", "hr", "link", "input", "wbr"}


class Parsed(HTMLParser):
    """A page's elements, attributes and text; refuses what is not well-formed."""

    def __init__(self, html):
        super().__init__()
        self.open = []
        self.elements = []
        self.words = []
        self.style = ""
        self.scripts = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"repeated attribute in <{tag}>"
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data
        elif self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif data.strip():
            self.words.append(data.strip())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def page():
    """Return the page that was written."""
    return Parsed((paths.metrics(RUN) / "report.html").read_text(encoding="utf-8"))


def decoded(address):
    """Return the kind and the pixels, as OpenCV reads them, of a ``data:`` address."""
    head, _, body = address.partition(",")
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    image = cv2.imdecode(np.frombuffer(base64.b64decode(body), np.uint8), cv2.IMREAD_UNCHANGED)
    return head.split("/")[1].split(";")[0], image


def predictions(accuracy, seed, n=300):
    """Predictions of three classes, about so many of them right."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 3).astype(np.int32)
    predicted = np.where(rng.random(n) < accuracy, labels, (labels + 1) % 3).astype(np.int32)
    probabilities = np.eye(3, dtype=np.float32)[predicted]
    return Predictions([f"image-{row}" for row in range(n)], labels, predicted, probabilities)
