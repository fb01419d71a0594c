"""Export: a model as a TensorFlow SavedModel, which needs neither this project nor Keras to serve.

Signatures, each with an output ``probabilities``, float32[n, K], in the order of the classes:

================  ===========================================================================
serving_default   ``images``: float32[n, height, width, channels], in [0, 1]
integers          ``images``: uint8, or uint16 for 16-bit sources, of the same shape
encoded           ``images``: strings, each a PNG or a JPEG of any size
================  ===========================================================================

They contain standardization and softmax, ``encoded`` resizing too. ``assets.extra/labels.txt``
holds the classes' names, a line each, as TensorFlow Serving has it.
"""

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import files, places
from pipeline.core.errors import DataError, shown
from pipeline.models.saved import Model
from pipeline.predict import encoded
from pipeline.predict.adapt import Adapter

MARK = "saved_model.pb"
LABELS = "assets.extra/labels.txt"
SHARD = r"variables/variables\.data-\d{5}-of-\d{5}"
FOLDERS = {"variables", "assets", "assets.extra"}
"""Names in a SavedModel."""
TOLERANCES = {"float32": 1e-5, "float16": 1e-2, "bfloat16": 1e-2}
"""Greatest difference of a probability, by the precision in which a layer computes: in a graph,
TensorFlow fuses operations, which rounds otherwise."""
RESIZED = 2.01 / 255
"""Greatest difference of a pixel that TensorFlow resized from one that OpenCV did."""
SAMPLES = 64


def export(trained: Model, folder: Path, adapter: Adapter | None = None) -> str:
    """Write a model as a SavedModel into ``folder``, if its predictions are the model's.

    It is read again from disk, and given noise; all signatures must agree with the model, for one
    image as for many.

    Parameters
    ----------
    trained : Model
    folder : Path
        Folder to write; it is replaced if it holds a SavedModel of this function and nothing else.
    adapter : Adapter, optional
        The way in which images are adapted: the depth of ``integers``, and what ``encoded`` does.
        Without it images have 8 bits and are stretched.

    Returns
    -------
    str
        A line for the console: the folder, its size, the signatures, the greatest difference.

    Raises
    ------
    DataError
        If the folder holds anything else, or the SavedModel's probabilities differ.
    """
    folder = folder.absolute() if folder.name in ("", "..") else folder
    if folder.exists():
        refuse_foreign(folder)
    adapter = adapter or Adapter(trained.shape)
    with files.new_folder(folder, refuse=refuse_foreign) as work:
        _save(trained, work, adapter)
        files.write_text(work / LABELS, "".join(f"{name}\n" for name in trained.classes))
        difference = _difference(trained, work, adapter)
        check_probabilities(folder, trained, difference)
        if not (resized := _resizing(adapter)) <= RESIZED:
            raise DataError(
                f"{folder}: not written, for images that TensorFlow resizes would differ by "
                f"{resized:.2g} from those that predict does, above {RESIZED:.2g}"
            )
    shape = ", ".join(map(str, trained.shape))
    return (
        f"{folder}: a SavedModel of {files.megabytes(folder)}, from images float32[n, {shape}] in "
        f"[0, 1] (or uint{adapter.bits}, by the signature integers; or PNG and JPEG, by encoded) "
        f"to {len(trained.classes)} probabilities; they differ from the model's by "
        f"{difference:.2g} at most, over {3 * SAMPLES + 3} images"
    )


def check_probabilities(path: Path, trained: Model, difference: float) -> None:
    """Raise DataError if an export's probabilities differ by more than its precision explains."""
    tolerance = max(TOLERANCES.get(layer.compute_dtype, 0) for layer in trained.network.layers)
    if not difference <= tolerance:  # NaN is not either
        raise DataError(
            f"{path}: not written, for its probabilities would differ by {difference:.2g} from the "
            f"model's, above {tolerance:g}"
        )


def refuse_foreign(folder: Path) -> None:
    """Raise DataError if a folder holds anything but a SavedModel that ``export`` wrote."""
    if not folder.is_dir():
        raise DataError(f"{folder} is there and is no folder; name another one")
    there = {path.relative_to(folder): path for path in folder.rglob("*")}
    if there and Path(MARK) not in there:
        raise DataError(f"{folder} is there and holds no SavedModel; name another folder")
    own = {MARK, "fingerprint.pb", "variables/variables.index", LABELS}
    for name, path in sorted(there.items()):
        is_ours = name.as_posix() in own or re.fullmatch(SHARD, name.as_posix())
        is_inner = path.is_dir() and not path.is_symlink() and name.as_posix() in FOLDERS
        if not is_inner and not (is_ours and places.is_plain(path)):
            raise DataError(
                f"{folder} is there and holds {shown(str(name))}, which export did not write; name "
                "another folder"
            )
    if there and Path(LABELS) not in there:
        raise DataError(
            f"{folder} is there and holds another program's SavedModel; name another folder"
        )


def _save(trained: Model, folder: Path, adapter: Adapter) -> None:
    import tensorflow as tf

    integer = tf.as_dtype(f"uint{adapter.bits}")

    def images(kind: Any) -> Any:
        return tf.TensorSpec((None, *trained.shape), kind, name="images")

    def probabilities(images: Any) -> Any:
        return {"probabilities": tf.nn.softmax(trained.network(images, training=False))}

    def integers(images: Any) -> Any:
        return probabilities(tf.cast(images, tf.float32) / integer.max)

    def decoded(images: Any) -> Any:
        return probabilities(encoded.adapted(images, adapter))

    module = tf.Module()
    module.network = trained.network  # so that its weights are saved
    strings = tf.TensorSpec((None,), tf.string, name="images")
    signatures = {
        "serving_default": tf.function(probabilities, input_signature=[images(tf.float32)]),
        "integers": tf.function(integers, input_signature=[images(integer)]),
        "encoded": tf.function(decoded, input_signature=[strings]),
    }
    tf.saved_model.save(module, str(folder), signatures=signatures)


def _difference(trained: Model, folder: Path, adapter: Adapter) -> float:
    """Return the greatest difference of a probability between the model and the SavedModel."""
    import tensorflow as tf

    saved = tf.saved_model.load(str(folder)).signatures
    top = 2**adapter.bits - 1
    difference = 0.0
    for n in (1, SAMPLES):
        integers = noise(n, trained.shape, adapter.bits)
        images = np.divide(integers, np.float32(top), dtype=np.float32)
        files = [_png(image) for image in integers]
        expected = trained.probabilities(images)
        for name, given in (
            ("serving_default", images),
            ("integers", integers),
            ("encoded", files),
        ):
            answer = saved[name](images=tf.constant(given))["probabilities"].numpy()
            # NaN, if an answer is NaN.
            difference = float(np.maximum(difference, np.abs(answer - expected).max()))
    return difference


def _resizing(adapter: Adapter) -> float:
    """Return the greatest difference of a pixel, resized in a graph, from that of ``predict``."""
    import tensorflow as tf

    height, width, _ = adapter.shape
    difference = 0.0
    for size in ((2 * height + 1, 3 * width), (-(-height // 2), -(-width // 2))):
        for channels in (1, 3):
            content = _png(noise(1, (*size, channels), adapter.bits)[0])
            found = encoded.adapted(tf.constant([content]), adapter)[0].numpy()
            differences = np.abs(found - adapter(content).pixels)
            difference = float(np.maximum(difference, differences.max()))
    return difference


def noise(n: int, shape: tuple[int, int, int], bits: int) -> NDArray[Any]:
    """Return n images of noise, uint8 or uint16, the first bright and the last dark."""
    brightness = np.linspace(1, 0, n, endpoint=False).reshape(-1, 1, 1, 1)
    values = np.random.default_rng(n).uniform(0, 2**bits - 1, (n, *shape))
    return (brightness * values).astype(np.uint8 if bits == 8 else np.uint16)


def _png(image: NDArray[Any]) -> bytes:
    """Encode an image, grey or RGB."""
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()
