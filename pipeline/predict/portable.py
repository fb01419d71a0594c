"""A model as one file for other runtimes: ONNX, and LiteRT, which was called TensorFlow Lite.

Both take ``images``, float32[n, height, width, channels] in [0, 1], and give ``probabilities``,
float32[n, K]; standardization and softmax are within. They compute in float32, whatever the model
computes in. The classes' names are in ONNX's metadata as ``classes``, a list in JSON, and in LiteRT
as ``labels.txt``, a line each, in a zip at the file's end, as LiteRT's own metadata has it.
"""

import importlib
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import files, paths, places
from pipeline.core.errors import DataError, PipelineError
from pipeline.images.quiet import libraries
from pipeline.models import architecture
from pipeline.models.saved import Model
from pipeline.predict.export import SAMPLES, check_probabilities, noise

PRODUCER = b"image-pipeline"
HEAD = 64
"""Bytes at the beginning of an ONNX file that have its producer's name."""
LABELS = "labels.txt"
OPSET = 17
"""Version of ONNX's operators: of 2022, which runtimes have."""

Images = NDArray[np.float32]


class Format(NamedTuple):
    """A format of files."""

    suffix: str
    needs: tuple[str, ...]
    """Modules that the extra of the format's name installs."""
    convert: Callable[[Model], bytes]
    read: Callable[[Path], Callable[[Images], Images]]
    """Opens a file with the runtime that users have; returns its function from images to
    probabilities."""
    is_own: Callable[[Path], bool]
    """Tells if ``export`` wrote a file."""


def export(trained: Model, form: str, path: Path) -> str:
    """Write a model as a file of one of ``FORMATS``, if its predictions are the model's.

    It is read again from disk, and given noise and smooth images, one and many.

    Returns
    -------
    str
        A line for the console: the file, its size, the greatest difference.

    Raises
    ------
    PipelineError
        If the packages of the format are not installed.
    DataError
        If there is a file that ``export`` did not write, the model has an operation that the format
        lacks, or the file's probabilities differ.
    """
    one = FORMATS[form]
    for name in one.needs:
        try:
            importlib.import_module(name)
        except ImportError:
            raise PipelineError(
                f"--format {form} needs packages that are not installed: pip install '.[{form}]'"
            ) from None
    refuse_foreign(path, form)
    difference, images = 0.0, samples(trained.shape)
    with libraries, files.new_file(path) as work:
        work.write_bytes(_converted(trained, form))
        predict = one.read(work)
        for some in (images[:1], images):
            answer = predict(some)
            differences = np.abs(answer - trained.probabilities(some))
            difference = float(np.maximum(difference, differences.max()))  # NaN, if it is NaN
        check_probabilities(path, trained, difference)
    shape = ", ".join(map(str, trained.shape))
    return (
        f"{path}: {path.stat().st_size / 1e6:.1f} MB, from images float32[n, {shape}] in [0, 1] to "
        f"{len(trained.classes)} probabilities; they differ from the model's by {difference:.2g} "
        f"at most, over {len(images)} images"
    )


def path_of(run: str, form: str) -> Path:
    """Return the file of a run's model, if no other is named."""
    folder = paths.export(run)
    return folder.with_name(folder.name + FORMATS[form].suffix)


def form_of(path: Path) -> str:
    """Return the format of a file by its suffix; empty if there is none of it."""
    return next((form for form, one in FORMATS.items() if one.suffix == path.suffix), "")


def refuse_foreign(path: Path, form: str) -> None:
    """Raise DataError if there is anything but a file of a format that ``export`` wrote."""
    if not path.exists() and not path.is_symlink():
        return
    if not places.is_plain(path) or not FORMATS[form].is_own(path):
        raise DataError(f"{path} is there, and export did not write it; name another file")


def samples(shape: tuple[int, int, int]) -> Images:
    """Return images of noise, bright to dark, and as many that are smooth, as photographs are."""
    rough = np.divide(noise(SAMPLES, shape, 8), np.float32(255), dtype=np.float32)
    height, width, channels = shape
    smooth = [
        cv2.resize(image[:5, :5], (width, height), interpolation=cv2.INTER_LINEAR)
        for image in rough
    ]
    return np.concatenate([rough, np.stack(smooth).reshape(-1, height, width, channels)])


def _converted(trained: Model, form: str) -> bytes:
    try:
        return FORMATS[form].convert(_in_float32(trained))
    except Exception as error:  # of converters, which raise whatever they like
        first = next(iter(str(error).strip().splitlines()), "")
        raise DataError(
            f"the model cannot be written as {form} ({type(error).__name__}: {first[:200]}); "
            "export it as savedmodel"
        ) from None


def _in_float32(trained: Model) -> Model:
    """Return a model that computes in float32 with the same weights."""
    import keras

    if all(layer.compute_dtype == "float32" for layer in trained.network.layers):
        return trained
    config = json.dumps(keras.saving.serialize_keras_object(trained.network))
    config = re.sub(r'"(mixed_)?b?float16"', '"float32"', config)
    network = architecture.build(json.loads(config))
    network.set_weights(trained.network.get_weights())
    return Model(network, trained.classes)


def _function(trained: Model) -> Any:
    """Return the TensorFlow function from images to probabilities, with weights as constants.

    As variables, LiteRT's converter loses them: its file would give no numbers.
    """
    import tensorflow as tf

    network = trained.network
    variables = network.trainable_variables, network.non_trainable_variables
    weights = [[np.asarray(variable) for variable in some] for some in variables]

    def probabilities(images: Any) -> Any:
        logits, _ = network.stateless_call(*weights, images, training=False)
        return {"probabilities": tf.nn.softmax(logits)}

    images = tf.TensorSpec((None, *trained.shape), tf.float32, name="images")
    return tf.function(probabilities, input_signature=[images])


def _to_onnx(trained: Model) -> bytes:
    import onnx
    import tf2onnx

    function = _function(trained)
    signature = function.input_signature
    model, _ = tf2onnx.convert.from_function(function, signature, opset=OPSET)
    # Constants outside the function, such as means, are inputs to the converter.
    captured = function.get_concrete_function().graph.captures
    values = {inner.name: outer for outer, inner in captured if outer.dtype != "resource"}
    for one in list(model.graph.input):
        if one.name in values:
            array = onnx.numpy_helper.from_array(values[one.name].numpy(), one.name)
            model.graph.initializer.append(array)
            model.graph.input.remove(one)
    for one in (*model.graph.input, *model.graph.output):
        one.type.tensor_type.shape.dim[0].dim_param = "n"
    model.producer_name = PRODUCER.decode()
    onnx.helper.set_model_props(model, {"classes": json.dumps(trained.classes)})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _read_onnx(path: Path) -> Callable[[Images], Images]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: np.asarray(session.run(["probabilities"], {"images": images})[0])


def _is_own_onnx(path: Path) -> bool:
    with path.open("rb") as file:
        return PRODUCER in file.read(HEAD)


def _to_litert(trained: Model) -> bytes:
    import io

    import tensorflow as tf

    module = tf.Module()
    module.function = _function(trained)
    concrete = module.function.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    content = io.BytesIO(converter.convert())
    with zipfile.ZipFile(content, "a") as labels:
        labels.writestr(zipfile.ZipInfo(LABELS), "".join(f"{name}\n" for name in trained.classes))
    return content.getvalue()


def _read_litert(path: Path) -> Callable[[Images], Images]:
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(str(path)).get_signature_runner("serving_default")
    return lambda images: np.asarray(run(images=images)["probabilities"])


def _is_own_litert(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as inner:
            return inner.namelist() == [LABELS]
    except zipfile.BadZipFile:
        return False


FORMATS: Mapping[str, Format] = {
    "onnx": Format(".onnx", ("onnxruntime", "tf2onnx"), _to_onnx, _read_onnx, _is_own_onnx),
    "litert": Format(".tflite", ("ai_edge_litert",), _to_litert, _read_litert, _is_own_litert),
}
"""By the format's name, which is that of the extra with its packages."""
