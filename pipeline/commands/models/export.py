"""Export a run's model as a TensorFlow SavedModel, ONNX or LiteRT.

The export is checked to give the same probabilities as the model.

A SavedModel's signature `serving_default` takes float32 images in [0, 1], shape (n, height, width,
channels), `integers` takes them as they are in files, `encoded` PNG and JPEG files of any size,
which it resizes as predict does. All give `probabilities`, in the order of classes in
assets.extra/labels.txt. The files take `images` as serving_default does. PLACE is data/exports/RUN
unless it is named, with `.onnx` or `.tflite` behind it for a file; TensorFlow Serving wants a
number as its last part:

    python -m pipeline export demo_png
    python -m pipeline export fashion_mnist /srv/models/fashion_mnist/1
    python -m pipeline export demo_png --format onnx
    python -m pipeline export demo_png shoes.tflite --format litert
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path


def arguments(parser: ArgumentParser) -> None:
    """Add the run, the folder or file, and the format."""
    parser.add_argument("run_or_folder", metavar="RUN", help="a run's name, or a model's folder")
    parser.add_argument("place", metavar="PLACE", nargs="?", type=Path, help="a folder, or a file")
    parser.add_argument(
        "--format",
        choices=("savedmodel", "onnx", "litert"),
        default="savedmodel",
        help="onnx and litert need the extra of that name (default: savedmodel)",
    )


def run(arguments: Namespace) -> str:
    """Return what was written, and how far its probabilities differ."""
    from pipeline.core import console, paths
    from pipeline.core.params import Params
    from pipeline.models.saved import is_run
    from pipeline.predict import classify, export, portable
    from pipeline.repository import outputs

    name = arguments.run_or_folder
    params = Params.read() if is_run(name) else None
    trained = classify.read(name, params)
    if params and (doubt := outputs.doubt(paths.model(name), f"train@{name}")):
        console.warning(f"pipeline export: {doubt}")
    run = Path(name).name
    if arguments.format != "savedmodel":
        path = arguments.place or portable.path_of(run, arguments.format)
        return portable.export(trained, arguments.format, path)
    adapter = classify.setting(name, trained, params).adapter
    return export.export(trained, arguments.place or paths.export(run), adapter)
