"""Files of weights, and architectures up to the point where Keras would build them."""

import io
import json
from pathlib import Path
from unittest import mock

import h5py
import numpy as np

from pipeline.core import limits
from pipeline.models import architecture, weights
from tests.fuzz.hdf5_reader import Reader
from tests.fuzz.target import Target

TENSOR = {"shape": [None, 8], "dtype": "float32", "keras_history": ["x", 0, 0]}
LAYER = {
    "module": "keras.layers",
    "class_name": "Dense",
    "config": {"name": "logits", "units": 3, "dtype": "float32", "activation": "linear"},
    "registered_name": None,
    "name": "logits",
    "inbound_nodes": [
        {"args": [{"class_name": "__keras_tensor__", "config": TENSOR}], "kwargs": {}}
    ],
}
MODEL = {
    "module": "keras.src.models.functional",
    "class_name": "Functional",
    "config": {"name": "m", "layers": [LAYER], "input_layers": [], "output_layers": []},
    "registered_name": "Functional",
}
ABOUT = {"classes": ["a", "b"], "shape": [8, 8, 1], "parameters": 27, "keras": MODEL}
READER = Reader()


def read_weights(content: bytes, folder: Path) -> None:
    """Open a file of weights, and read all its arrays; HDF5's library may crash, but elsewhere."""
    path = folder / "x.weights.h5"
    path.write_bytes(content)
    with mock.patch.object(limits, "child", READER.answer), weights.opened(path) as found:
        for layer in found.layers:
            for array in layer.arrays:
                array.read()


def read_architecture(content: bytes, folder: Path) -> None:
    """Read and examine an architecture."""
    (folder / "architecture.json").write_bytes(content)
    architecture.read(folder)


def seed_weights(folder: Path) -> None:
    """Files of today's layout, and of the older one, which lists names."""
    for name, listed in (("new", False), ("old", True)):
        content = io.BytesIO()
        with h5py.File(content, "w") as file:
            group = "logits/logits" if listed else "layers/dense/vars"
            names = ("kernel:0", "bias:0") if listed else ("0", "1")
            for array, shape in zip(names, ((2, 3), (3,)), strict=True):
                file[f"{group}/{array}"] = np.ones(shape, np.float32)
            if listed:
                file.attrs["layer_names"] = [b"logits"]
                listed_names = [f"logits/{array}".encode() for array in names]
                file["logits"].attrs["weight_names"] = listed_names
            else:
                file[group].attrs["name"] = "logits"
        (folder / name).write_bytes(content.getvalue())


def seed_architecture(folder: Path) -> None:
    """A small network."""
    (folder / "small").write_text(json.dumps(ABOUT))
    (folder / "layer").write_text(json.dumps(ABOUT | {"keras": LAYER}))


TARGETS = {
    "weights": Target(read_weights, seed_weights),
    "architecture": Target(read_architecture, seed_architecture),
}
