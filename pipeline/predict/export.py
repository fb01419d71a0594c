"""Export: a model as a TensorFlow SavedModel, which needs neither this project nor Keras to serve.

Signatures, each with an output ``probabilities``, float32[n, K], in the order of the classes:

================  ===========================================================================
serving_default   ``images``: float32[n, height, width, channels], in [0, 1]
integers          ``images``: uint8, or uint16 for 16-bit sources, of the same shape
================  ===========================================================================

They contain standardization and softmax. ``assets.extra/labels.txt`` holds the classes' names, a
line each, as TensorFlow Serving has it.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core import files, places
from pipeline.core.errors import DataError, shown
from pipeline.models.saved import Model

MARK = "saved_model.pb"
LABELS = "assets.extra/labels.txt"
SHARD = r"variables/variables\.data-\d{5}-of-\d{5}"
FOLDERS = {"variables", "assets", "assets.extra"}
"""Names in a SavedModel."""
TOLERANCES = {"float32": 1e-5, "float16": 1e-2, "bfloat16": 1e-2}
"""Greatest difference of a probability, by the precision in which a layer computes: in a graph,
TensorFlow fuses operations, which rounds otherwise."""
SAMPLES = 64


def export(trained: Model, folder: Path, bits: int = 8) -> str:
    """Write a model as a SavedModel into ``folder``, if its predictions are the model's.

    It is read again from disk, and given noise; both signatures must agree with the model, for one
    image as for many.

    Parameters
    ----------
    trained : Model
    folder : Path
        Folder to write; it is replaced if it holds a SavedModel of this function and nothing else.
    bits : int
        Depth of the integers that the second signature takes: 8 or 16.

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
    with files.new_folder(folder, refuse=refuse_foreign) as work:
        _save(trained, work, bits)
        files.write_text(work / LABELS, "".join(f"{name}\n" for name in trained.classes))
        difference = _difference(trained, work, bits)
        tolerance = max(TOLERANCES.get(layer.compute_dtype, 0) for layer in trained.network.layers)
        if not difference <= tolerance:
            raise DataError(
                f"{folder}: not written, for its probabilities would differ by {difference:.2g} "
                f"from the model's, above {tolerance:g}"
            )
    shape = ", ".join(map(str, trained.shape))
    return (
        f"{folder}: a SavedModel of {files.megabytes(folder)}, from images float32[n, {shape}] in "
        f"[0, 1] (or uint{bits}, by the signature integers) to {len(trained.classes)} "
        f"probabilities; they differ from the model's by {difference:.2g} at most, over "
        f"{2 * SAMPLES + 2} images"
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


def _save(trained: Model, folder: Path, bits: int) -> None:
    import tensorflow as tf

    integer = tf.as_dtype(f"uint{bits}")

    def images(kind: Any) -> Any:
        return tf.TensorSpec((None, *trained.shape), kind, name="images")

    def probabilities(images: Any) -> Any:
        return {"probabilities": tf.nn.softmax(trained.network(images, training=False))}

    def integers(images: Any) -> Any:
        return probabilities(tf.cast(images, tf.float32) / integer.max)

    module = tf.Module()
    module.network = trained.network  # so that its weights are saved
    signatures = {
        "serving_default": tf.function(probabilities, input_signature=[images(tf.float32)]),
        "integers": tf.function(integers, input_signature=[images(integer)]),
    }
    tf.saved_model.save(module, str(folder), signatures=signatures)


def _difference(trained: Model, folder: Path, bits: int) -> float:
    """Return the greatest difference of a probability between the model and the SavedModel."""
    import tensorflow as tf

    saved = tf.saved_model.load(str(folder)).signatures
    kind = np.uint8 if bits == 8 else np.uint16
    top = np.iinfo(kind).max
    difference = 0.0
    for n in (1, SAMPLES):
        brightness = np.linspace(1, 0, n, endpoint=False).reshape(-1, 1, 1, 1)
        noise = np.random.default_rng(n).uniform(0, top, (n, *trained.shape))
        integers = (brightness * noise).astype(kind)
        images = np.divide(integers, np.float32(top), dtype=np.float32)
        expected = trained.probabilities(images)
        for name, given in (("serving_default", images), ("integers", integers)):
            answer = saved[name](images=tf.constant(given))["probabilities"].numpy()
            difference = max(difference, float(np.abs(answer - expected).max()))
    return difference
