import hashlib
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from networks import cnn
from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.models import saved
from pipeline.shards.index import Statistics
from tests.support.builders import CLASSES, pixels

pytestmark = pytest.mark.usefixtures("tensorflow")

PARAMS = cnn.Params(
    filters=(2,), dense=(3,), batch_normalization=True, dropout=0.5, standardize=True
)
PIXELS = pixels(np.arange(7) % 3, (8, 8, 1))


def build(precision="float32"):
    built = cnn.build(PARAMS, (8, 8, 1), 3, Statistics((0.5,), (0.25,)), precision=precision)
    return saved.Model(built, CLASSES)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_saved_model_predicts_the_same(tmp_path, precision):
    trained = build(precision)
    saved.save(trained, tmp_path / "model")
    loaded = saved.load_model(tmp_path / "model")
    assert loaded.classes == CLASSES
    assert loaded.shape == (8, 8, 1)
    images = (PIXELS / 255).astype(np.float32)
    assert (loaded.probabilities(images) == trained.probabilities(images)).all()


def test_probabilities_are_the_softmax_of_the_logits():
    trained = build()
    images = (PIXELS / 255).astype(np.float32)
    logits = np.asarray(trained.network(images, training=False), np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(trained.probabilities(images), expected, rtol=1e-5)


def test_same_model_same_bytes(tmp_path):
    for folder in ("a", "b"):
        saved.save(build(), tmp_path / folder)
    for name in (saved.WEIGHTS, saved.ARCHITECTURE):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    text = (tmp_path / "a" / saved.ARCHITECTURE).read_text()
    value = json.loads(text)
    assert text == json.dumps(value, indent=2, sort_keys=True) + "\n"
    assert value["classes"] == list(CLASSES)
    assert value["parameters"] == build().network.count_params()


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"architecture\.json is missing"):
        saved.load_model(tmp_path)
    saved.save(build(), tmp_path / "model")
    (tmp_path / "model" / saved.WEIGHTS).write_bytes(b"no weights")
    with pytest.raises(DataError, match=r"model\.weights\.h5 is damaged"):
        saved.load_model(tmp_path / "model")
    (tmp_path / "model" / saved.WEIGHTS).unlink()
    with pytest.raises(DataError, match=r"weights\.h5 is missing; name a run, or the folder"):
        saved.load_model(tmp_path / "model")
    files.write_json(tmp_path / "model" / saved.ARCHITECTURE, {})
    (tmp_path / "model" / saved.WEIGHTS).write_bytes(b"")
    with pytest.raises(DataError, match="no model can be read there"):
        saved.load_model(tmp_path / "model")


def changed_without_a_digest(folder, **changes):
    """Make a model as versions before 0.2.0 wrote it, with other values in its architecture."""
    path = folder / saved.ARCHITECTURE
    value = files.read_json(path) | changes
    value.pop(saved.SHA256, None)
    files.write_json(path, value)


def emptied(file):
    del file["layers/dense/vars/0"]


def linked(file):
    emptied(file)
    file["layers/dense/vars/0"] = h5py.ExternalLink("/etc/hostname", "/x")


def of_another_shape(file):
    emptied(file)
    file["layers/dense/vars/0"] = np.ones((2, 3), np.float32)


def without_a_layer(file):
    del file["layers/dense"]


def not_finite(file):
    file["layers/dense/vars/1"][0] = np.nan


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (emptied, "has another layer dense_1: 1 arrays in the file, not 2"),
        (linked, "has a link, layers/dense/vars/0, to another place or file"),
        (of_another_shape, "has another layer dense_1: 2x3 in the file, not 32x3"),
        (without_a_layer, "lacks the layer dense_1"),
        (not_finite, "has values in layers/dense/vars/1 that are not finite"),
    ],
)
def test_weights_that_are_not_those_of_the_architecture_are_refused(tmp_path, change, fault):
    saved.save(build(), tmp_path)
    with h5py.File(tmp_path / saved.WEIGHTS, "r+") as file:
        change(file)
    changed_without_a_digest(tmp_path)
    with pytest.raises(DataError, match=fault) as caught:
        saved.load_model(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_flipped_byte_in_the_weights_is_refused(tmp_path):
    saved.save(build(), tmp_path)
    path = tmp_path / saved.WEIGHTS
    content = bytearray(path.read_bytes())
    recorded = files.read_json(tmp_path / saved.ARCHITECTURE)[saved.SHA256]
    assert recorded == hashlib.sha256(content).hexdigest()
    content[-1] ^= 1  # of a value
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"model\.weights\.h5 is damaged: its SHA-256 is not the"):
        saved.load_model(tmp_path)
    changed_without_a_digest(tmp_path)
    assert saved.load_model(tmp_path).classes == CLASSES


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"classes": ["a", "b"]}, r"\(None, 3\), not \(None, 8, 8, 1\) to \(None, 2\)"),
        ({"classes": ["a", "b", "b"]}, "classes: .* has a class twice"),
        ({"classes": ["a", "b", 3]}, r"classes.2: Input should be a valid string"),
        ({"classes": ["a", "b", "c\ud800"]}, "is not one line of text|string"),
        ({"classes": ["a", "b", "c\nd"]}, "is not one line of text"),
        ({"shape": [8, 8, 3]}, r"from \(None, 8, 8, 1\) to"),
        ({"shape": [8, 1 << 40, 1]}, "shape.1: "),
        ({"keras": {}}, "is a dict, not a network"),
        ({"keras": []}, "keras: Input should be a valid dictionary"),
        ({"parameters": -1}, "parameters: "),
        ({"weights_sha256": 7}, "weights_sha256: "),
    ],
)
def test_an_architecture_of_other_classes_or_images_is_refused(tmp_path, changes, fault):
    saved.save(build(), tmp_path)
    path = tmp_path / saved.ARCHITECTURE
    path.write_text(json.dumps(files.read_json(path) | changes))
    with pytest.raises(DataError, match=f"no model can be read there .*{fault}") as caught:
        saved.load_model(tmp_path)
    assert str(caught.value).isprintable()


def test_code_in_an_architecture_is_refused(tmp_path):
    import keras

    def evil(x):
        raise AssertionError("this must never run")

    harmful = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Lambda(lambda x: x)])
    saved.save(build(), tmp_path / "model")
    path = tmp_path / "model" / saved.ARCHITECTURE
    value = files.read_json(path)
    value["keras"] = keras.saving.serialize_keras_object(harmful)
    files.write_json(path, value)
    with pytest.raises(DataError, match="no model can be read there"):
        saved.load_model(tmp_path / "model")


def test_a_model_is_named_by_its_run_or_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"make it \(dvc repro train@tiny\), or .* pull train@tiny"):
        saved.load_model("tiny")
    saved.save(build(), Path("data/models/tiny"))
    for source in ("tiny", "data/models/tiny", "./data/models/tiny", Path("data/models/tiny")):
        assert saved.load_model(source).classes == CLASSES
    saved.save(build(), Path("tiny"))
    assert saved.load_model(Path("tiny")).classes == CLASSES
    assert [saved.is_run(name) for name in ("tiny", "./tiny", "a/b", Path("tiny"))] == [
        *[True, False, False, False]
    ]
