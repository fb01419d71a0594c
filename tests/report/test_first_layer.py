import json
import shutil

import h5py
import numpy as np
import pytest

from networks import cnn
from pipeline.core import paths
from pipeline.core.errors import DataError
from pipeline.models import saved
from pipeline.report import first_layer
from pipeline.shards.index import Statistics
from tests.support import reports
from tests.support.reports import decoded

GREY = Statistics((0.3,), (0.25,))
RGB = Statistics((0.2, 0.4, 0.6), (0.1, 0.2, 0.3))


@pytest.mark.parametrize(
    ("params", "shape", "statistics"),
    [
        ({}, (9, 7, 1), GREY),
        ({"standardize": True, "kernel": 5}, (9, 7, 3), RGB),
        ({"kernel": 2, "padding": "valid", "batch_normalization": True}, (9, 7, 3), RGB),
        ({"kernel": 4, "residual": True, "convolutions": 2}, (9, 7, 1), GREY),
        ({"residual": True, "standardize": True}, (9, 7, 3), RGB),
    ],
)
def test_the_first_layer_computes_as_in_keras(tensorflow, tmp_path, params, shape, statistics):
    import keras

    params = cnn.Params(filters=(5, 6), dense=(4,), **params)
    built = cnn.build(params, shape, 2, statistics, seed=3)
    saved.save(saved.Model(built, ("a", "b")), tmp_path / "model")
    layer = first_layer.read(tmp_path / "model")
    name = "convolution_1" if params.convolutions == 1 else "convolution_1_1"
    first = keras.Model(built.input, built.get_layer(name).output)
    image = np.random.default_rng(0).random(shape, np.float32)
    expected = first(image[None]).numpy()[0]
    np.testing.assert_allclose(layer.respond(image), expected, rtol=1e-5, atol=1e-5)


def test_any_network_s_first_convolution_is_shown(tensorflow, tmp_path):
    import keras

    built = keras.Sequential(
        [
            keras.Input((9, 7, 3)),
            keras.layers.Conv2D(5, 3, use_bias=False, name="stem"),
            keras.layers.Conv2D(4, 3, name="next"),
        ]
    )
    saved.save(saved.Model(built, ("a", "b")), tmp_path / "model")
    layer = first_layer.read(tmp_path / "model")
    np.testing.assert_array_equal(layer.kernel, built.get_layer("stem").get_weights()[0])
    assert not layer.bias.any()


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return paths.model(reports.RUN)


def test_weights_are_colours_about_grey_or_white(made):
    reports.write_model((6, 5, 3), filters=2)
    layer = first_layer.read(made)
    shown = [decoded(src)[1] for src in first_layer.pictures(layer)]
    assert [one.shape for one in shown] == [(3, 3, 3)] * 2
    scaled = np.rint((layer.kernel[..., 1] / np.abs(layer.kernel).max() + 1) * 127.5)
    np.testing.assert_array_equal(shown[1], scaled[..., ::-1])


def test_responses_below_zero_are_blue_and_above_orange(made):
    one = np.zeros((1, 1, 1, 2), np.float32)
    one[..., 0], one[..., 1] = 1, -1
    layer = first_layer.FirstLayer(one, np.float32([0, 0]), "same", np.zeros(1), np.ones(1))
    image = np.float32([[[0], [1]]])
    above, below = (decoded(src)[1][0] for src in first_layer.responses(layer, image))
    assert above[:, ::-1].tolist() == [list(first_layer.WHITE), list(first_layer.ORANGE)]
    assert below[:, ::-1].tolist() == [list(first_layer.WHITE), list(first_layer.BLUE)]


def test_no_more_filters_are_shown_than_there_is_room_for(made):
    reports.write_model((6, 5, 1), filters=70)
    layer = first_layer.read(made)
    assert len(first_layer.pictures(layer)) == first_layer.SHOWN
    assert len(first_layer.responses(layer, np.ones((6, 5, 1), np.float32))) == first_layer.SHOWN


@pytest.mark.parametrize("first", ["Dense", "SeparableConv2D"])
def test_a_model_that_begins_otherwise_has_none(made, first):
    reports.write_model((6, 5, 1), first=first)
    assert first_layer.read(made) is None


def test_a_damaged_file_is_named(made):
    reports.write_model((6, 5, 1))
    path = made / "model.weights.h5"
    path.write_bytes(b"x")
    with pytest.raises(DataError, match=r"model\.weights\.h5 is damaged"):
        first_layer.read(made)
    with h5py.File(path, "w"):
        pass
    with pytest.raises(DataError, match=r"model\.weights\.h5 has no layers with weights"):
        first_layer.read(made)
    reports.write_model((6, 5, 1))
    with h5py.File(path, "r+") as file:
        file["layers/conv2d_1/vars/0"] = h5py.ExternalLink("/etc/hostname", "/x")
    with pytest.raises(DataError, match=r"model\.weights\.h5 has a link"):
        first_layer.read(made)
    shutil.rmtree(made)
    with pytest.raises(DataError, match=r"architecture\.json is missing"):
        first_layer.read(made)


@pytest.mark.parametrize(
    ("keys", "value", "fault"),
    [
        (["keras"], 3, "is damaged"),
        (["keras", "config", "layers"], [3], "is damaged"),
        (["keras", "config", "layers", 1, "config"], {}, "is damaged .*name"),
        (["keras", "config", "layers", 0], {"class_name": "Normalization"}, "is damaged .*config"),
        (
            ["keras", "config", "layers", 0],
            {"class_name": "Normalization", "config": {"mean": [float("nan")], "variance": [1]}},
            "mean and variance are no such numbers",
        ),
    ],
)
def test_a_damaged_architecture_is_one_line(made, keys, value, fault):
    reports.write_model((6, 5, 1))
    path = made / "architecture.json"
    whole = place = json.loads(path.read_text())
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(json.dumps(whole))
    with pytest.raises(DataError, match=fault) as caught:
        first_layer.read(made)
    assert str(caught.value).isprintable()


def test_a_filter_of_other_images_is_refused_and_one_that_takes_long_is_left_out(made, monkeypatch):
    reports.make()
    results = reports.results()
    reports.write_model((6, 5, 3))
    other = first_layer.read(made)
    if results.dataset.index.shape[2] == 3:
        reports.write_model((6, 5, 1))
        other = first_layer.read(made)
    with pytest.raises(DataError, match="the model takes other images than"):
        first_layer.seen(other, results.dataset)
    monkeypatch.setattr(first_layer, "LARGEST", 2)
    assert first_layer.read(made) is None


def test_it_is_shown_an_image_of_each_class(made, monkeypatch):
    reports.make()
    results = reports.results()
    seen = first_layer.seen(results.layer, results.dataset)
    assert [(one["id"], one["label"]) for one in seen] == [("030", 0), ("031", 1), ("032", 2)]
    assert {len(one["responses"]) for one in seen} == {4}
    monkeypatch.setattr(first_layer, "BUDGET", 1)
    assert len(first_layer.seen(results.layer, results.dataset)) == 1
