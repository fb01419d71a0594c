import pytest

from pipeline.models import permitted
from pipeline.models.hdf5 import UnreadableError

pytestmark = pytest.mark.usefixtures("tensorflow")


def test_every_layer_that_is_permitted_is_one_of_keras_s():
    import keras

    for name in permitted.LAYERS:
        assert issubclass(getattr(keras.layers, name), keras.layers.Layer), name
    harmful = {"Lambda", "TFSMLayer", "StringLookup", "TextVectorization", "TorchModuleWrapper"}
    assert not harmful & permitted.LAYERS


def test_every_other_class_that_is_permitted_is_one_of_keras_s():
    import importlib

    import keras

    for module, names in permitted.PARTS.items():
        found = importlib.import_module(module) if ".src." in module else keras
        for part in module.split(".")[1:] if found is keras else ():
            found = getattr(found, part)
        for name in names:
            assert isinstance(getattr(found, name), type), (module, name)


def test_operations_of_arrays_are_permitted():
    import keras

    image = keras.Input((8, 8, 3))
    x = keras.ops.concatenate([image[:, ::2, ..., :1] / 255, image[:, 1::2, :, 1:2] - 0.5], axis=-1)
    x = keras.ops.max(keras.ops.pad(x, [[0, 0], [1, 1], [0, 0], [0, 0]]), axis=(1, 2))
    x = keras.layers.Dense(4, activation="gelu", kernel_regularizer="l2")(x)
    network = keras.Model(image, keras.ops.cast(keras.ops.softplus(x), "float32"))
    permitted.examine(keras.saving.serialize_keras_object(network))


@pytest.mark.parametrize(
    ("limit", "value", "fault"),
    [
        ("DEEPEST", 2, "is nested more than 2 deep"),
        ("MOST_VALUES", 3, "has 4 values"),
        ("MOST_CALLS", 0, "has 1 calls of layers, above 0"),
    ],
)
def test_sizes_are_limited(monkeypatch, limit, value, fault):
    monkeypatch.setattr(permitted, limit, value)
    layer = {"class_name": "Flatten", "module": "keras.layers", "config": {}}
    config = {"a": [[1]]} if limit != "MOST_CALLS" else layer
    with pytest.raises(UnreadableError, match=fault):
        permitted.examine(config)
