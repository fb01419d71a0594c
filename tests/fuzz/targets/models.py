"""Files of weights, and architectures up to the point where Keras would build them."""

import io
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import IO
from unittest import mock

import h5py
import numpy as np

from pipeline.core import limits
from pipeline.models import architecture, hdf5, weights
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


CRASHES = signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT


def read_weights(content: bytes, folder: Path) -> None:
    """Open a file of weights, and read all its arrays; HDF5 may hang, so a fork asks it."""
    path = folder / "x.weights.h5"
    path.write_bytes(content)
    with mock.patch.object(limits, "child", _forked), weights.opened(path) as found:
        for layer in found.layers:
            for array in layer.arrays:
                array.read()


def _forked(_: str, stdin: IO[bytes], seconds: int) -> bytes:
    """Do what ``limits.child`` does, without the second that a new interpreter takes."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        for number in CRASHES:  # which the fuzzer would take for its own
            signal.signal(number, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds // 5, seconds // 5))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.dup2(stdin.fileno(), 0)
        os.dup2(writing, 1)
        try:
            with limits.memory("HDF5"):
                hdf5._answer()
            sys.stdout.flush()
        except BaseException:
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        answer = stream.read()
    if os.waitpid(process, 0)[1]:
        raise limits.ChildError("ended otherwise than with status 0")
    return answer


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
