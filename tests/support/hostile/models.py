"""Models that were tampered with: what ``load_model`` and all that use it refuse.

Each of ``MODELS`` changes a good model's folder, and has the pattern of the line that it ends in.
"""

import copy
import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

ARCHITECTURE, WEIGHTS = "architecture.json", "model.weights.h5"
NONE = "no model can be read there"
PERMITTED = "which is no layer of Keras's that is permitted"


class Change(NamedTuple):
    """A change of a model's folder."""

    put: Callable[[Path], Any]
    ends: str


def _json(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """Change the architecture; what ``change`` returns takes its place."""

    def put(folder: Path) -> None:
        value = json.loads((folder / ARCHITECTURE).read_text())
        changed = change(value)
        (folder / ARCHITECTURE).write_text(json.dumps(value if changed is None else changed))

    return put


def _with(**values: Any) -> Callable[[Path], None]:
    return _json(lambda value: value.update(values))


def _without(key: str) -> Callable[[Path], None]:
    return _json(lambda value: {k: v for k, v in value.items() if k != key})


def _text(content: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / ARCHITECTURE).write_bytes(content)

    return change


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _network(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """Change the configuration of the network, a ``Functional``."""

    def apply(value: dict[str, Any]) -> None:
        change(value["keras"]["config"])

    return _json(apply)


def _layer(kind: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """Change the first layer of a class."""

    def apply(config: dict[str, Any]) -> None:
        change(next(layer for layer in config["layers"] if layer["class_name"] == kind))

    return _network(apply)


def _config(kind: str, **values: Any) -> Callable[[Path], None]:
    return _layer(kind, lambda layer: layer["config"].update(values))


def _other(name: str, config: Any = None, module: Any = "keras.layers", **values: Any) -> Any:
    """Put another class in the place of the flattening layer."""
    made = {"class_name": name, "module": module, "config": config or {"name": "flatten"}}
    return _layer("Flatten", lambda layer: layer.update(made | values))


def _part(value: Any) -> Callable[[Path], None]:
    """Put an object in the place of the dense layer's initializer."""
    return _config("Dense", kernel_initializer=value)


def _object(name: str, module: Any, config: Any, **values: Any) -> dict[str, Any]:
    return {"class_name": name, "module": module, "config": config} | values


def _hdf5(change: Callable[[h5py.File], Any]) -> Callable[[Path], None]:
    """Change the weights, and record no digest of them."""

    def put(folder: Path) -> None:
        with h5py.File(folder / WEIGHTS, "r+") as file:
            change(file)
        _without("weights_sha256")(folder)

    return put


def _bytes(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Change the bytes of the weights' file, and record their digest."""

    def put(folder: Path) -> None:
        content = change((folder / WEIGHTS).read_bytes())
        (folder / WEIGHTS).write_bytes(content)
        _with(weights_sha256=hashlib.sha256(content).hexdigest())(folder)

    return put


def _in_place_of(name: str, make: Callable[[Path], Any]) -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return put


def _flipped(folder: Path) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / WEIGHTS).write_bytes(content)


def _dense(shape: tuple[int, ...], dtype: str = "f4", value: float = 0) -> Callable[[Path], None]:
    def change(file: h5py.File) -> None:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = np.full(shape, value, dtype)

    return _hdf5(change)


def _value(value: float) -> Callable[[Path], None]:
    def change(file: h5py.File) -> None:
        file["layers/dense/vars/0"][0, 0] = value

    return _hdf5(change)


def _within_itself(depth: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(value: dict[str, Any]) -> dict[str, Any]:
        for _ in range(depth):
            outer = copy.copy(value["keras"]) | {"name": "classifier", "inbound_nodes": []}
            layers = [*outer["config"]["layers"][:1], outer]
            value["keras"] = outer | {"config": outer["config"] | {"layers": layers}}
        return value

    return change


def _doubled(config: dict[str, Any]) -> None:
    """Call a model twice within a model that is called twice, and so on."""
    image, *_ = config["layers"]
    inner: dict[str, Any] = {
        "class_name": "Activation",
        "module": "keras.layers",
        "config": {"name": "a", "activation": "relu"},
        "registered_name": None,
        "name": "a",
    }
    shape = image["config"]["batch_shape"]

    def call(name: str, node: int) -> dict[str, Any]:
        tensor = {"shape": shape, "dtype": "float32", "keras_history": [name, node, 0]}
        return {"args": [{"class_name": "__keras_tensor__", "config": tensor}], "kwargs": {}}

    for depth in range(18):
        name = inner["name"]
        called = inner | {"inbound_nodes": [call(image["name"], 0), call(name, 0)]}
        inner = {
            "class_name": "Functional",
            "module": "keras.src.models.functional",
            "registered_name": "Functional",
            "name": f"model_{depth}",
            "config": {
                "name": f"model_{depth}",
                "trainable": True,
                "layers": [image, called],
                "input_layers": [[image["name"], 0, 0]],
                "output_layers": [[name, 1, 0]],
            },
        }
    config["layers"].insert(1, inner | {"inbound_nodes": [call(image["name"], 0)]})


def _reversed(config: dict[str, Any]) -> None:
    """Repeat layers in an order in which each takes the output of one behind it."""
    layer = next(one for one in config["layers"] if one["class_name"] == "Conv2D")
    text = json.dumps(layer)
    name = json.dumps(layer["name"])
    before = layer["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0]
    more = [
        json.loads(
            text.replace(json.dumps(before), f'"more_{number - 1}"').replace(
                name, f'"more_{number}"'
            )
        )
        for number in range(1, 2_000)
    ]
    config["layers"] = more[::-1] + config["layers"]


def _many(number: int) -> Callable[[dict[str, Any]], None]:
    def change(config: dict[str, Any]) -> None:
        layer = config["layers"][1]
        config["layers"] += [layer | {"name": f"more_{n}"} for n in range(number)]

    return change


class _Trap:
    def __reduce__(self) -> Any:
        return os.system, ("touch pwned",)


_TENSOR = {"shape": [None, 8, 8, 1], "dtype": "string", "keras_history": ["image", 0, 0]}
_MARSHALLED = {"class_name": "__lambda__", "config": {"value": ["4wE=", None, None]}}

MODELS: dict[str, Change] = {
    **{
        f"architecture: {name}": Change(put, ends)
        for name, put, ends in (
            ("empty", _text(b""), NONE),
            ("no JSON", _text(b"{"), NONE),
            ("no text", _text(b"\xff\xfe\x00"), NONE),
            ("a list", _text(b"[1]"), "describes no network"),
            ("a number", _text(b"7"), "describes no network"),
            ("nested deeply", _text(b"[" * 200_000), NONE),
            ("nested objects", _text(b'{"keras":' * 50_000), NONE),
            ("20 MB of lists", _text(b"[" + b"[]," * 7_000_000 + b"[]]"), "more than 8 MiB"),
            ("a number of 10,000 digits", _text(b'{"shape": ' + b"9" * 10_000 + b"}"), NONE),
            ("a mapping without keys", _text(b"{}"), "Field required"),
            ("HTML", _text(b"<!doctype html>"), NONE),
            ("a pointer of Git LFS", _text(b"version https://git-lfs.github.com/spec/v1\n"), NONE),
            ("another key", _with(code="import os"), "Extra inputs"),
            *((f"no {key}", _without(key), "Field required") for key in ("classes", "keras")),
            *((f"no {key}", _without(key), "Field required") for key in ("shape", "parameters")),
            ("too many classes", _with(classes=[str(n) for n in range(4)]), r"\(None, 4\)"),
            ("too few classes", _with(classes=["a"]), r"\(None, 1\)"),
            ("no classes", _with(classes=[]), "classes: "),
            ("classes that are numbers", _with(classes=[1, 2, 3]), "classes.0: "),
            ("classes that are a text", _with(classes="abc"), "classes: "),
            ("a class twice", _with(classes=["a", "b", "a"]), "a class twice"),
            ("a class that is a surrogate", _with(classes=["a", "b", "\ud800"]), "classes"),
            ("a class of two lines", _with(classes=["a", "b", "c\nd"]), "one line of text"),
            ("a class of 3 MB", _with(classes=["a", "b", "c" * 3_000_000]), "classes.2: "),
            ("another shape", _with(shape=[9, 8, 1]), r"not \(None, 9, 8, 1\)"),
            ("a huge shape", _with(shape=[1 << 31, 1 << 31, 1]), "shape.0: "),
            ("a negative shape", _with(shape=[-8, 8, 1]), "shape.0: "),
            ("a shape of two", _with(shape=[8, 8]), "shape"),
            ("a shape that is a text", _with(shape="881"), "shape: "),
            ("a digest that is no text", _with(weights_sha256=7), "weights_sha256: "),
            ("a digest of another file", _with(weights_sha256="0" * 64), "its SHA-256 is not"),
            ("keras is a list", _with(keras=[]), "keras: "),
            ("keras is empty", _with(keras={}), "not a network"),
            (
                "keras is a layer",
                _json(lambda v: v.update(keras=v["keras"]["config"]["layers"][1])),
                "not a network",
            ),
            (
                "keras is a layer's class",
                _with(keras=_object("Dense", "keras.layers", {"units": 3})),
                "not a network",
            ),
        )
    },
    **{
        f"class: {name}": Change(put, ends)
        for name, put, ends in (
            ("unknown", _other("Nonsense"), PERMITTED),
            ("Lambda", _other("Lambda", {"name": "l", "function": _MARSHALLED}), "__lambda__|perm"),
            ("marshalled code", _part(_MARSHALLED), PERMITTED),
            (
                "a type specification",
                _part(
                    {
                        "class_name": "__typespec__",
                        "spec_name": "X",
                        "module": "os",
                        "config": [],
                        "registered_name": None,
                    }
                ),
                "unknown form",
            ),
            ("of the standard library", _other("system", module="os"), PERMITTED),
            ("of a module of Keras's that is none", _other("x", module="keras.evil"), PERMITTED),
            ("by a dotted name", _other("layers.Lambda", module="keras"), PERMITTED),
            ("of another package", _other("Layer", module="keras_hub.layers"), PERMITTED),
            (
                "of this project",
                _other("FusedBatchNormalization", module="pipeline.train.fused"),
                PERMITTED,
            ),
            (
                "registered by a stranger",
                _other("Flatten", registered_name="evil>Flatten"),
                PERMITTED,
            ),
            ("of no module", _other("Flatten", module=None), PERMITTED),
            ("of a module that is a list", _other("Flatten", module=["keras.layers"]), PERMITTED),
            (
                "whose name is a number",
                _layer("Flatten", lambda one: one.update(class_name=7)),
                "unknown form",
            ),
            (
                "whose configuration is a text",
                _layer("Flatten", lambda one: one.update(config="x")),
                PERMITTED,
            ),
            (
                "without a configuration",
                _layer("Flatten", lambda one: one.pop("config")),
                PERMITTED,
            ),
            ("with a key of its own", _other("Flatten", code="x"), "unknown form"),
            (
                "with a way of training",
                _json(lambda v: v["keras"].update(compile_config={"a": 1})),
                "way of training",
            ),
            *(
                (name, _other(name, {"name": "x", **config}), PERMITTED)
                for name, config in dict[str, dict[str, Any]](
                    {
                        "StringLookup": {"vocabulary": "/etc/passwd"},
                        "IntegerLookup": {"vocabulary": "/etc/passwd"},
                        "TextVectorization": {"vocabulary": "/etc/passwd"},
                        "Hashing": {"num_bins": 1 << 40},
                        "TFSMLayer": {"filepath": "/etc"},
                        "TorchModuleWrapper": {"module": "x"},
                        "JaxLayer": {"call_fn": "x"},
                        "FlaxLayer": {"module": "x"},
                        "Pipeline": {"layers": []},
                        "Layer": {},
                        "Wrapper": {},
                    }
                ).items()
            ),
            *(
                (
                    f"{name} of operations",
                    _other(name, {"name": "x"}, "keras.src.ops.core"),
                    PERMITTED,
                )
                for name in ("Map", "WhileLoop", "ForiLoop")
            ),
            ("a function of the system", _part(_object("function", "os", "system")), PERMITTED),
            (
                "a function of a utility",
                _part(_object("function", "keras.utils", "get_file")),
                PERMITTED,
            ),
            (
                "a function by an address",
                _part(_object("function", "builtins", "os.system")),
                PERMITTED,
            ),
            (
                "a built-in that loads",
                _config("Conv2D", activation=_object("function", "builtins", "load_model")),
                NONE,
            ),
            ("an optimizer", _part(_object("SGD", "keras.optimizers", {})), PERMITTED),
            ("a metric", _part(_object("Mean", "keras.metrics", {})), PERMITTED),
            (
                "a saved file",
                _part(_object("load_model", "keras.saving", {"filepath": "/x"})),
                PERMITTED,
            ),
            (
                "a quantized type",
                _config(
                    "Dense",
                    dtype=_object("QuantizedDTypePolicy", "keras.dtype_policies", {"mode": "int8"}),
                ),
                PERMITTED,
            ),
        )
    },
    **{
        f"layer: {name}": Change(put, ends)
        for name, put, ends in (
            ("2^31 units", _config("Dense", units=1 << 31), "far more than"),
            ("2^60 units", _config("Dense", units=1 << 60), NONE),
            ("2^62 filters", _config("Conv2D", filters=1 << 62), "a number above"),
            ("negative units", _config("Dense", units=-3), NONE),
            ("units that are a text", _config("Dense", units="three"), NONE),
            ("units that are a list", _config("Dense", units=[3]), NONE),
            ("a huge kernel", _config("Conv2D", kernel_size=[20_000, 20_000]), NONE),
            ("no stride", _config("Conv2D", strides=[0, 0]), NONE),
            ("as many groups as no image has", _config("Conv2D", groups=1 << 20), NONE),
            ("adapted by rank", _config("Dense", lora_rank=1 << 30), NONE),
            ("an unknown activation", _config("Conv2D", activation="os.system"), NONE),
            ("an unknown initializer", _part("nonsense"), NONE),
            ("of texts", _config("Dense", dtype="string"), "dtype 'string'"),
            (
                "of texts by a policy",
                _config("Dense", dtype=_object("DTypePolicy", "keras", {"name": "string"})),
                "dtype 'string'",
            ),
            ("an argument that is unknown", _config("Dense", evil=1), NONE),
            ("a name of two lines", _config("Dense", name="a\n\x1b[31mb/c"), NONE),
            ("a name of 2 MB", _config("Dense", name="x" * 2_000_000), "a text of 2,000,000"),
            ("a surrogate as name", _config("Dense", name="\ud800"), NONE),
            (
                "numbers that are not finite",
                _config("BatchNormalization", epsilon=float("nan")),
                "not finite",
            ),
            ("numbers above 32 bits", _config("BatchNormalization", epsilon=1e300), "not finite"),
            (
                "an image of 2^31 pixels",
                _config("InputLayer", batch_shape=[None, 1 << 31, 1, 1]),
                NONE,
            ),
            ("an image of texts", _config("InputLayer", dtype="string"), "dtype 'string'"),
            ("an image of four axes", _config("InputLayer", batch_shape=[None, 8, 8, 1, 1]), NONE),
            ("a fixed batch", _config("InputLayer", batch_shape=[5, 8, 8, 1]), NONE),
            (
                "enlarged 10^4 times",
                _other("UpSampling2D", {"name": "x", "size": [9_999, 9_999]}),
                NONE,
            ),
            ("repeated 2^31 times", _other("RepeatVector", {"name": "x", "n": 1 << 31}), NONE),
            ("unrolled", _other("LSTM", {"name": "x", "units": 3, "unroll": True}), "unrolled"),
            ("padded by 2^30", _other("ZeroPadding2D", {"name": "x", "padding": 1 << 30}), NONE),
            (
                "embedded in 2^31",
                _other("Embedding", {"name": "x", "input_dim": 1 << 31, "output_dim": 8}),
                NONE,
            ),
            (
                "built for 2^40",
                _layer(
                    "Dense", lambda one: one.update(build_config={"input_shape": [None, 1 << 40]})
                ),
                NONE,
            ),
            (
                "input that is no tensor",
                _layer(
                    "Dense", lambda one: one.update(inbound_nodes=[{"args": [7], "kwargs": {}}])
                ),
                NONE,
            ),
            (
                "input of texts",
                _layer(
                    "Dense",
                    lambda one: one.update(
                        inbound_nodes=[
                            {"args": [_object("__keras_tensor__", None, _TENSOR)], "kwargs": {}}
                        ]
                    ),
                ),
                "dtype 'string'",
            ),
            (
                "calls that are a number",
                _layer("Dense", lambda one: one.update(inbound_nodes=7)),
                NONE,
            ),
            (
                "an array of texts of 1 GB",
                _part(_object("__numpy__", None, {"value": 1, "dtype": "S1000000000"})),
                "dtype 'S1000000000'",
            ),
            ("an array without values", _part(_object("__numpy__", None, {})), NONE),
        )
    },
    **{
        f"network: {name}": Change(put, ends)
        for name, put, ends in (
            ("within itself", _json(_within_itself(1)), NONE),
            ("within itself 30 times", _json(_within_itself(30)), "calls|deep"),
            ("called twice within each other", _network(_doubled), "calls of layers|deep"),
            ("of 20,000 layers", _network(_many(20_000)), "calls of layers|8 MiB"),
            ("of 4,000 layers of one name", _network(_many(4_000)), NONE),
            ("from back to front", _network(_reversed), "stand before"),
            ("without layers", _network(lambda config: config.update(layers=[])), NONE),
            ("whose layers are a number", _network(lambda config: config.update(layers=7)), NONE),
            ("whose layers are numbers", _network(lambda config: config.update(layers=[7])), NONE),
            ("without outputs", _network(lambda config: config.pop("output_layers")), NONE),
            (
                "whose output is nowhere",
                _network(lambda config: config.update(output_layers=[["x", 0, 0]])),
                NONE,
            ),
            (
                "whose output is an input",
                _network(lambda config: config.update(output_layers=config["input_layers"])),
                NONE,
            ),
            (
                "of two inputs",
                _network(lambda config: config.update(input_layers=config["input_layers"] * 2)),
                NONE,
            ),
        )
    },
    **{
        f"weights: {name}": Change(put, ends)
        for name, put, ends in (
            ("a flipped byte", _flipped, "its SHA-256 is not the one in architecture.json"),
            ("NaN", _value(float("nan")), "not finite"),
            ("infinity", _value(float("inf")), "not finite"),
            ("huge ones", _dense((8, 3), "f8", 1e300), "too large for float32|another layer"),
            ("another shape", _dense((3, 8)), "has another layer"),
            ("no values", _dense((0, 3)), "has another layer"),
            (
                "texts",
                _hdf5(lambda file: file.update({"layers/dense/vars/9": ["x"]})),
                "not numbers",
            ),
            (
                "one array less",
                _hdf5(lambda file: file.pop("layers/dense/vars/1")),
                "another layer",
            ),
            (
                "one array more",
                _hdf5(lambda file: file.update({"layers/dense/vars/2": 1.0})),
                "another layer",
            ),
            ("a layer less", _hdf5(lambda file: file.pop("layers/dense")), "lacks the layer"),
            ("no layers", _hdf5(lambda file: file.pop("layers")), "no layers with weights"),
            (
                "a link to a file",
                _hdf5(
                    lambda file: file.update({"layers/x": h5py.ExternalLink("/etc/hostname", "/x")})
                ),
                "has a link",
            ),
            (
                "other files' values",
                _hdf5(
                    lambda file: file.create_dataset(
                        "layers/x/vars/0", (2,), "u1", external=[("/etc/hostname", 0, 2)]
                    )
                ),
                "elsewhere",
            ),
            (
                "an array of 4 GiB that it lacks",
                _hdf5(lambda file: file.create_dataset("layers/x/vars/0", (1 << 30,), "f4")),
                "that it lacks",
            ),
            ("cut short", _bytes(lambda content: content[: len(content) // 2]), "is damaged"),
            ("empty", _bytes(lambda content: b""), "is empty"),
            ("HTML", _bytes(lambda content: b"<!doctype html><p>404"), "is an HTML"),
            (
                "a pointer of Git LFS",
                _bytes(lambda content: b"version https://git-lfs.github.com/spec/v1\n"),
                "Git LFS",
            ),
            ("a pickle", _bytes(lambda content: pickle.dumps(_Trap())), "is a pickle"),
            (
                "noise behind HDF5's first bytes",
                _bytes(lambda content: content[:8] + b"\xff" * 999),
                "is damaged",
            ),
            ("a FIFO", _in_place_of(WEIGHTS, os.mkfifo), "no plain file"),
            ("a folder", _in_place_of(WEIGHTS, Path.mkdir), "no plain file"),
            (
                "a device",
                _in_place_of(WEIGHTS, lambda path: path.symlink_to("/dev/zero")),
                "no plain file",
            ),
            ("missing", lambda folder: (folder / WEIGHTS).unlink(), "is missing"),
        )
    },
    "an architecture that is a FIFO": Change(
        _in_place_of(ARCHITECTURE, os.mkfifo), "no plain file"
    ),
    "an architecture that is a folder": Change(
        _in_place_of(ARCHITECTURE, Path.mkdir), "no plain file"
    ),
    "an architecture that is a device": Change(
        _in_place_of(ARCHITECTURE, lambda path: path.symlink_to("/dev/zero")), "no plain file"
    ),
    "an empty folder": Change(_emptied, "is missing; name a run"),
}
"""By name."""


def good(folder: Path) -> Path:
    """Write a small model of all kinds of layers that the changes name, and return its folder."""
    import keras

    from pipeline.models import saved

    image = keras.Input((8, 8, 1), name="image")
    x = keras.layers.Conv2D(2, 3, strides=4, name="convolution_1")(image)
    x = keras.layers.BatchNormalization(name="normalization_1")(x)
    x = keras.layers.Dropout(0.5, name="dropout")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    network = keras.Model(image, keras.layers.Dense(3, name="logits")(x), name="classifier")
    saved.save(saved.Model(network, ("ankle boot", "bag", "coat")), folder)
    return folder
