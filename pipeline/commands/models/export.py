"""Export a run's model as a TensorFlow SavedModel.

The export is checked to give the same probabilities as the model.

The signature `serving_default` takes float32 images in [0, 1], shape (n, height, width, channels),
`integers` takes them as they are in files, `encoded` PNG and JPEG files of any size, which it resizes
as predict does. All give `probabilities`, in the order of classes in
assets.extra/labels.txt. FOLDER is data/exports/RUN unless it is named; TensorFlow Serving wants a
number as its last part:

    python -m pipeline export demo_png
    python -m pipeline export fashion_mnist /srv/models/fashion_mnist/1
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path


def arguments(parser: ArgumentParser) -> None:
    """Add the run and the folder."""
    parser.add_argument("run_or_folder", metavar="RUN", help="a run's name, or a model's folder")
    parser.add_argument("folder", metavar="FOLDER", nargs="?", type=Path)


def run(arguments: Namespace) -> str:
    """Return what was written, and how far its probabilities differ."""
    from pipeline.core import paths
    from pipeline.core.params import Params
    from pipeline.models.saved import is_run
    from pipeline.predict import classify, export

    name = arguments.run_or_folder
    params = Params.read() if is_run(name) else None
    trained = classify.read(name, params)
    adapter = classify.setting(name, trained, params).adapter
    folder = arguments.folder or paths.export(Path(name).name)
    return export.export(trained, folder, adapter)
