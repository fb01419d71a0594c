"""A SavedModel, read by TensorFlow alone, compared with the model that it came from."""

import subprocess
import sys
from functools import partial

import cv2
import numpy as np
import pytest

from networks import cnn
from pipeline.core.errors import DataError
from pipeline.models import saved
from pipeline.predict import export
from pipeline.predict.adapt import Adapter
from pipeline.shards.index import Statistics
from tests.support.builders import CLASSES

pytestmark = pytest.mark.usefixtures("tensorflow")

PARAMS = cnn.Params(
    filters=(2,), dense=(3,), batch_normalization=True, dropout=0.5, standardize=True
)


def build(precision="float32"):
    built = cnn.build(PARAMS, (8, 8, 1), 3, Statistics((0.5,), (0.25,)), precision=precision)
    return saved.Model(built, CLASSES)


@pytest.mark.parametrize(("precision", "bits"), [("float32", 16), ("bfloat16", 8)])
def test_precisions_and_depths(tmp_path, precision, bits):
    done = export.export(build(precision), tmp_path / "model", Adapter((8, 8, 1), bits))
    assert f"images float32[n, 8, 8, 1] in [0, 1] (or uint{bits}" in done


@pytest.mark.slow
def test_a_saved_model_predicts_as_the_model_in_another_process(tmp_path):
    trained = build()
    folder = tmp_path / "served" / "1"
    export.export(trained, folder)
    assert (folder / "assets.extra/labels.txt").read_text() == "cat\ndog\nemu\n"
    integers = np.random.default_rng(5).integers(0, 255, (5, 8, 8, 1), np.uint8)
    images = np.float32(integers / 255)
    files = [cv2.imencode(".png", image)[1].tobytes() for image in integers]
    given = {"serving_default": images, "integers": integers, "encoded": np.array(files)}
    np.savez(tmp_path / "images.npz", **given)
    script = (
        "import sys, numpy as np, tensorflow as tf\n"
        "saved = tf.saved_model.load(sys.argv[1]).signatures\n"
        "given = np.load(sys.argv[2])\n"
        "np.savez(sys.argv[3], **{name: saved[name](images=tf.constant(given[name]))"
        "['probabilities'] for name in given})\n"
        "assert 'pipeline' not in sys.modules\n"
    )
    arguments = [str(folder), str(tmp_path / "images.npz"), str(tmp_path / "answers.npz")]
    subprocess.run([sys.executable, "-c", script, *arguments], check=True, capture_output=True)
    for answer in np.load(tmp_path / "answers.npz").values():
        np.testing.assert_allclose(answer, trained.probabilities(images), atol=1e-5)
        np.testing.assert_allclose(answer.sum(axis=1), 1, atol=1e-5)


@pytest.mark.slow
def test_resizing_that_differs_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    import tensorflow as tf

    nearest = partial(tf.image.resize, method="nearest")
    monkeypatch.setattr(export.encoded, "resize", lambda pixels, size, _: nearest(pixels, size))
    with pytest.raises(DataError, match="not written, for images that TensorFlow resizes"):
        export.export(build(), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_difference_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    trained = build()
    other = build()
    other.network.set_weights([weights + 0.3 for weights in other.network.get_weights()])
    save = export._save
    monkeypatch.setattr(export, "_save", lambda _, *rest: save(other, *rest))
    with pytest.raises(DataError, match=r"not written, for its probabilities would differ by"):
        export.export(trained, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_only_a_saved_model_is_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")
    with pytest.raises(DataError, match="holds no SavedModel; name another folder"):
        export.export(build(), tmp_path / "mine")
    assert (tmp_path / "mine/letter.txt").read_text() == "dear"
    for _ in range(2):
        export.export(build(), tmp_path / "model")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "model"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("thesis.txt", "holds thesis.txt, which export did not write; name another folder"),
        ("variables/thesis.txt", "holds variables/thesis.txt, which export did not write"),
        ("assets/a", "holds assets/a, which export did not write"),
        ("link", "holds link, which export did not write"),
        (None, "holds another program's SavedModel; name another folder"),
    ],
)
def test_what_export_did_not_write_stays(tmp_path, name, message):
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "saved_model.pb").write_bytes(b"x")
    if name == "link":
        (folder / name).symlink_to(tmp_path, target_is_directory=True)
    elif name:
        (folder / name).write_text("my own")
    (tmp_path / "model.incomplete").mkdir()
    (tmp_path / "model.incomplete/letter.txt").write_text("dear")
    with pytest.raises(DataError, match=message):
        export.export(None, folder)
    assert (folder / "saved_model.pb").exists()
    assert (tmp_path / "model.incomplete/letter.txt").exists()
