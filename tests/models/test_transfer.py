import json

import h5py
import numpy as np
import pytest

from pipeline.core.errors import DataError
from pipeline.models import transfer
from tests.support.keras_files import backbone, classifier, forget_names, randomize, save

pytestmark = pytest.mark.usefixtures("tensorflow")

LAYOUTS = "a.weights.h5", "a.keras", "published.h5", "whole.h5"
NAMELESS = "nameless.weights.h5"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A classifier's weights in each layout, and its backbone's in a folder of that name."""
    folder = tmp_path_factory.mktemp("files")
    network = randomize(classifier())
    for inner, where in ((network, folder), (network.get_layer("backbone"), folder / "backbone")):
        where.mkdir(exist_ok=True)
        for name in LAYOUTS:
            save(inner, where / name)
        forget_names(save(inner, where / NAMELESS))
    return folder


def same(network, other):
    """Tell if two networks have the same weights."""
    pairs = zip(network.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(*pair) for pair in pairs)


def loaded(network, path):
    """Load weights by Keras, and return the network."""
    network.load_weights(path.with_name(path.name.replace("published", "whole")))
    return network


@pytest.mark.parametrize("layout", [*LAYOUTS, NAMELESS])
def test_all_weights_are_those_that_keras_loads(folder, layout):
    network = classifier()
    taken = transfer.transfer(network, folder / layout)
    assert same(network, loaded(classifier(), folder / layout))
    assert taken.by == ("place" if layout == NAMELESS else "name")
    assert not taken.fresh
    assert not taken.left
    assert sum(one.values for one in taken.taken) == network.count_params()


@pytest.mark.parametrize("layout", ["a.weights.h5", "published.h5", NAMELESS])
def test_a_backbone_is_taken_and_the_head_stays(folder, layout):
    network = classifier(5)
    head = [weight.numpy() for weight in network.get_layer("logits").weights]
    taken = transfer.transfer(network, folder / "backbone" / layout)
    assert same(network.get_layer("backbone"), loaded(backbone(), folder / "backbone" / layout))
    assert [one.name for one in taken.fresh] == ["logits"]
    assert not taken.left
    for weight, before in zip(network.get_layer("logits").weights, head, strict=True):
        assert (weight.numpy() == before).all()
    names = [layer.name for layer in transfer.taken_layers(network, taken)]
    assert names == ["first", "norm", "second", "third", "attention", "scale"]


@pytest.mark.parametrize("layout", ["a.keras", "published.h5", NAMELESS])
def test_a_backbone_takes_its_part_of_a_classifier(folder, layout):
    network = backbone("another_name")
    taken = transfer.transfer(network, folder / layout)
    assert same(network, loaded(classifier(), folder / layout).get_layer("backbone"))
    assert not taken.fresh
    assert [one.reason for one in taken.left] == ["not in the network"]


def test_a_head_of_other_classes_stays_fresh_and_the_console_says_so(folder):
    network = classifier(7)
    taken = transfer.transfer(network, folder / "a.keras")
    assert [(one.name, one.values) for one in taken.fresh] == [("logits", 35)]
    assert [(one.name, one.values) for one in taken.left] == [("logits", 15)]
    assert taken.describe() == (
        f"start from {folder}/a.keras: 9 of 10 layers by name, 437 of 472 values; "
        "fresh: logits (4x3 in the file, not 4x7); left: logits (4x3 in the file, not 4x7)"
    )
    again = type(taken).model_validate_json(json.dumps(taken.model_dump(mode="json")))
    assert again == taken
    assert transfer.transfer(classifier(7), folder / "a.keras") == taken


def plain(first="a", second="b", units=4):
    """A chain of layers with these names."""
    import keras

    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(4, name=first),
            keras.layers.Dense(4, name=second),
            keras.layers.Dense(units, name="logits"),
        ]
    )


def test_layers_of_other_names_are_taken_in_their_order(tmp_path):
    # As in files of networks whose layers are numbered: "b" is the first here and the second there.
    source = randomize(plain("b", "c"))
    network = plain("a", "b")
    taken = transfer.transfer(network, save(source, tmp_path / "published.h5"))
    assert taken.by == "order"
    assert same(network, source)
    assert [(one.name, one.source) for one in taken.taken][:2] == [("a", "b"), ("b", "c")]


def test_without_an_order_or_the_same_shapes_only_names_count(tmp_path):
    source = randomize(plain("b", "c", units=3))
    for layout in ("published.h5", "x.weights.h5"):
        network = plain("a", "b")
        taken = transfer.transfer(network, save(source, tmp_path / layout))
        assert taken.by == "name"
        assert [(one.name, one.source) for one in taken.taken] == [("b", "b")]
        np.testing.assert_array_equal(
            network.get_layer("b").get_weights()[0], source.get_layer("b").get_weights()[0]
        )
        assert [(one.name, one.reason) for one in taken.fresh] == [
            ("a", "not in the file"),
            ("logits", "4x3 in the file, not 4x4"),
        ]
        assert [one.name for one in taken.left] == ["c", "logits"]


def test_parts_of_attention_are_never_mistaken_for_each_other(folder, tmp_path):
    with h5py.File(save(randomize(backbone()), tmp_path / "published.h5"), "r+") as file:
        names = [name.replace("key", "other") for name in file["attention"].attrs["weight_names"]]
        file["attention"].attrs["weight_names"] = names
        file.move("attention/attention/key", "attention/attention/other")
    network = backbone()
    taken = transfer.transfer(network, tmp_path / "published.h5")
    assert [one.name for one in taken.fresh] == ["attention/key"]
    assert [one.name for one in taken.left] == ["attention/other"]
    assert "attention" not in [one.name for one in transfer.taken_layers(network, taken)]


def test_a_name_that_two_layers_may_have_is_left(tmp_path):
    import keras

    def twins(*names):
        image = keras.Input((4,))
        x = image
        for name in names:
            x = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="d")], name=name)(x)
        return keras.Model(image, keras.layers.Dense(3, name="logits")(x))

    single = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(4, name="d"), keras.layers.Dense(9, name="e")]
    )
    path = save(randomize(single), tmp_path / "x.weights.h5")
    with pytest.raises(DataError, match="no layer fits"):
        transfer.transfer(twins("one", "two"), path)
    taken = transfer.transfer(twins("one"), path)
    assert [(one.name, one.source) for one in taken.taken] == [("one/d", "d")]


def test_no_layer_that_fits_is_an_error_with_names_of_both(tmp_path):
    path = save(plain("a", "b"), tmp_path / "x.weights.h5")
    with pytest.raises(
        DataError,
        match=r"x\.weights\.h5: no layer fits the network; the file has a, b, logits, the network "
        r"backbone/stem/first, backbone/stem/norm, backbone/second and 7 more; name weights of",
    ):
        transfer.transfer(classifier(), path)


@pytest.mark.parametrize("dtype", ["float16", "float64", "int32"])
def test_other_types_are_converted(tmp_path, dtype):
    values = np.arange(16).reshape(4, 4).astype(dtype)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["layers/dense/vars/0"], file["layers/dense/vars/1"] = values, values[0]
        file["layers/dense/vars"].attrs["name"] = "a"
    network = plain()
    transfer.transfer(network, tmp_path / "x.h5")
    np.testing.assert_array_equal(
        network.get_layer("a").get_weights()[0], values.astype(np.float32), strict=True
    )


@pytest.mark.parametrize(("value", "fault"), [(np.nan, "not finite"), (1e300, "too large for")])
def test_values_that_cannot_be_weights_are_refused(tmp_path, value, fault):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["layers/dense/vars/0"], file["layers/dense/vars/1"] = np.eye(4) * value, np.ones(4)
        file["layers/dense/vars"].attrs["name"] = "a"
    network = plain()
    before = network.get_weights()
    with pytest.raises(DataError, match=fault):
        transfer.transfer(network, tmp_path / "x.h5")
    assert all((a == b).all() for a, b in zip(network.get_weights(), before, strict=True))


def test_fractions_do_not_count_integers(tmp_path):
    source = randomize(backbone())
    path = save(source, tmp_path / "x.weights.h5")
    with h5py.File(path, "r+") as file:
        del file["layers/normalization/vars/2"]
        file["layers/normalization/vars/2"] = 0.5
    taken = transfer.transfer(backbone(), path)
    assert [(one.name, one.reason) for one in taken.fresh] == [
        ("scale", "float64 in the file, not int64")
    ]


@pytest.mark.slow
def test_a_published_backbone_of_keras_goes_into_a_classifier(tmp_path):
    import keras

    def mobile():
        return keras.applications.MobileNetV3Small(
            (32, 32, 3), include_top=False, weights=None, pooling="avg"
        )

    source = randomize(mobile())
    path = save(source, tmp_path / "published.h5")
    network = classifier(4, mobile, (32, 32, 3))
    taken = transfer.transfer(network, path)
    assert same(network.get_layer("MobileNetV3Small"), source)
    assert [one.name for one in taken.fresh] == ["logits"]
    assert "86 of 87 layers by name" in taken.describe()
