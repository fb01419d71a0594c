import json
import zipfile

import h5py
import numpy as np
import pytest

from pipeline.core import files
from pipeline.core.errors import DataError
from pipeline.models import weights
from tests.support import keras_files

pytestmark = pytest.mark.usefixtures("tensorflow")

LAYOUTS = "a.weights.h5", "a.keras", "published.h5", "whole.h5"
NAMES = ["stem/first", "stem/norm", "second", "third"]
PARTS = ["attention_output", "key", "query", "value"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A network, and the folder of its files."""
    network = keras_files.randomize(keras_files.classifier())
    network.compile(optimizer="adam", loss="mse")
    network.optimizer.build(network.trainable_variables)
    folder = tmp_path_factory.mktemp("files")
    for name in LAYOUTS:
        keras_files.save(network, folder / name)
    return network, folder


@pytest.fixture(scope="module")
def expected(made):
    """The arrays of each layer, by its names."""
    values = {}
    for weight in made[0].weights:
        name = weight.path.rpartition("/")[0]
        inner = "" if name == "logits" else "backbone/"
        values.setdefault(inner + name, []).append(weight.numpy())
    return values


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_has_the_same_layers(made, expected, layout):
    with weights.opened(made[1] / layout) as found:
        assert found.named
        assert found.ordered == (layout != "a.weights.h5")
        assert {layer.name for layer in found.layers} == set(expected)
        if found.ordered:
            whole = [layer.name for layer in found.layers if "attention" not in layer.name]
            assert whole == [*[f"backbone/{name}" for name in NAMES], "backbone/scale", "logits"]
        for layer in found.layers:
            arrays = expected[layer.name]
            assert layer.size == sum(array.size for array in arrays)
            for array, value in zip(layer.arrays, arrays, strict=True):
                np.testing.assert_array_equal(array.read(), value, strict=True)


def test_a_configuration_names_layers_that_a_file_does_not(made, expected, tmp_path):
    with zipfile.ZipFile(made[1] / "a.keras") as archive:
        config = json.loads(archive.read("config.json"))
        nameless = keras_files.forget_names(
            tmp_path / archive.extract("model.weights.h5", tmp_path)
        )
    files.write_json(tmp_path / "architecture.json", {"keras": config})
    with weights.opened(tmp_path) as found:
        names = [layer.name for layer in found.layers]
        assert set(names) - set(expected) == {
            f"backbone/attention/{part}"
            for part in ("key_dense", "output_dense", "query_dense", "value_dense")
        }
        assert names[:4] == [f"backbone/{name}" for name in NAMES]
        assert names[-1] == "logits"
        assert not found.named
    with weights.opened(nameless) as found:
        assert {layer.names for layer in found.layers} == {()}
        assert "layers/functional/layers/sequential/layers/conv2d" in {
            layer.name for layer in found.layers
        }


def test_variables_of_an_optimizer_are_no_layers(made):
    with h5py.File(made[1] / "whole.h5") as file:
        assert "optimizer_weights" in file
    with h5py.File(made[1] / "a.weights.h5") as file:
        assert "optimizer" in file


def test_long_lists_of_names_stand_in_several_attributes(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["layer_names0"], file.attrs["layer_names1"] = [b"a", b"b"], [b"c"]
        for name in "abc":
            file[f"{name}/{name}/kernel:0"] = np.ones(2)
            file[name].attrs["weight_names0"] = [f"{name}/kernel:0".encode()]
    with weights.opened(tmp_path / "x.h5") as found:
        assert [layer.names for layer in found.layers] == [("a",), ("b",), ("c",)]


def test_a_layer_of_two_parts_is_not_taken_for_one_whose_name_it_begins(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["layer_names"] = ["conv1"]
        file.create_group("conv1").attrs["weight_names"] = ["conv10/w", "conv1/w", "conv1/a/w"]
        for place in ("conv10/w", "conv1/w", "conv1/a/w"):
            file[f"conv1/{place}"] = np.ones(2)
    with weights.opened(tmp_path / "x.h5") as found:
        names = [layer.names for layer in found.layers]
        assert names == [("conv1", "conv10"), ("conv1",), ("conv1", "a")]


def listed(file, _):
    file.attrs["layer_names"] = ["a"]
    file.create_group("a").attrs["weight_names"] = ["a/kernel"]


def outside(file, _):
    file.attrs["layer_names"] = ["a"]
    file.create_group("a").attrs["weight_names"] = ["../../b/kernel"]
    file["b/kernel"] = np.ones(2)


def repeated(file, _):
    file.attrs["layer_names"] = ["a", "a"]
    file.create_group("a")


def no_group(file, _):
    file.attrs["layer_names"] = ["a"]


def nothing(file, _):
    file["layers/dense/kernel"] = np.ones(2)


def linked(file, path):
    file["layers/dense/vars/0"] = h5py.ExternalLink(str(path.with_name("other.h5")), "/x")


@pytest.mark.parametrize(
    ("write", "fault"),
    [
        (listed, "lacks a/a/kernel, which it lists"),
        (outside, r"lacks a/\.\./\.\./b/kernel"),
        (repeated, "has a layer twice"),
        (no_group, "is damaged"),
        (nothing, "has no layers with weights"),
        (linked, "has a link"),
    ],
)
def test_files_that_are_not_keras_s_are_refused_on_one_line(tmp_path, write, fault):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        write(file, path)
    with pytest.raises(DataError, match=fault) as caught, weights.opened(path):
        pass
    assert "\n" not in str(caught.value)
