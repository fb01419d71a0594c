"""Draw training images as a run's augmentation changes them, epoch by epoch.

Each column is an image of the training subset, as it is and then as the run sees it in its first
epochs: drawn by the run's own seed, in its own batches. It trains nothing, and writes a PNG:

    python -m pipeline preview-augmentation demo_idx
    python -m pipeline preview-augmentation demo_idx --images 4 --epochs 12 --out changed.png
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.subsets.images import Dataset
    from pipeline.train.params import TrainParams

DPI = 120
MOST = 40
"""Images or epochs: more make a picture that no program opens."""


def arguments(parser: ArgumentParser) -> None:
    """Add the run, and how much is drawn."""
    parser.add_argument("name", metavar="RUN")
    parser.add_argument(
        "--images", type=int, default=6, metavar="N", help="the first of each class in turn"
    )
    parser.add_argument("--epochs", type=int, default=6, metavar="N", help="the first ones")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="default: data/exports/RUN-augmentation.png"
    )


def run(parsed: Namespace) -> str:
    """Return what was drawn.

    Raises
    ------
    ParameterError
        If the run changes no image, or too many or none are asked for.
    """
    from pipeline import runs
    from pipeline.core import paths
    from pipeline.core.errors import ParameterError
    from pipeline.core.params import Params
    from pipeline.models import runtime
    from pipeline.report import image_plots, plots
    from pipeline.subsets.images import Dataset
    from pipeline.subsets.trained_on import TrainedOn
    from pipeline.train.params import TrainParams

    name = parsed.name
    if not (1 <= parsed.images <= MOST and 1 <= parsed.epochs <= MOST):
        raise ParameterError(f"--images and --epochs are from 1 to {MOST}")
    params = Params.read(paths.params(name))
    train = runs.section(params, name, "train", TrainParams)
    if train.augmentation.changes_nothing:
        raise ParameterError(
            f"{name} changes no training image; set train.augmentation, as in trivial: true"
        )
    trained_on = TrainedOn.model_validate(train.model_dump())
    dataset = trained_on.of(Dataset.read(runs.dataset(params, name)))
    runtime.configure(train.seed, train.threads)
    columns = list(_columns(dataset, train, parsed.images, parsed.epochs))
    path = parsed.out or Path("data/exports") / f"{name}-augmentation.png"
    plots.save(image_plots.samples(columns), path, DPI)
    return f"{path} has {len(columns)} images in {parsed.epochs} epochs of {name}"


def _columns(
    dataset: "Dataset", params: "TrainParams", wanted: int, epochs: int
) -> Iterator[list[Any]]:
    """Yield, for each image, samples of it: as it is, then in each epoch that shows it."""
    import numpy as np

    from pipeline.report.image_plots import Sample

    (images,) = dataset.images("train")
    divisor, names = dataset.index.divisor, dataset.index.classes
    turns = np.zeros(len(images.labels), np.int64)  # an image's place within its class
    for label in np.unique(images.labels):
        mine = images.labels == label
        turns[mine] = np.arange(mine.sum())
    shown = np.argsort(turns, kind="stable")[:wanted].tolist()
    changed = {
        (row, epoch): image
        for epoch in range(1, epochs + 1)
        for row, image in _changed(dataset, params, images, shown, epoch)
    }
    for row in shown:
        ((pixels, _),) = images.batches(np.array([row]), 1)
        name = names[images.labels[row]]
        column = [Sample(pixels[0] / np.float32(divisor), images.ids[row], name)]
        for epoch in range(1, epochs + 1):
            if (row, epoch) in changed:
                image = np.clip(changed[row, epoch] / np.float32(divisor), 0, 1)
                column.append(Sample(image, f"epoch {epoch}", name))
        yield column


def _changed(
    dataset: "Dataset", params: "TrainParams", images: Any, shown: list[int], epoch: int
) -> Iterator[tuple[int, Any]]:
    """Yield some of the training images, by their rows, as they are in an epoch's batches."""
    import numpy as np

    from pipeline.train import order
    from pipeline.train.augmentation.augmenter import Augmenter

    augmenter = Augmenter(params.augmentation, len(dataset.index.classes), params.seed)
    rows = order.order(images, params, epoch, order.steps(len(images.labels), params))
    places = {row: at for at, row in enumerate(rows.tolist())}  # an incomplete batch is left out
    steps = sorted({places[row] // params.batch_size for row in shown if row in places})
    for step in steps:
        start = step * params.batch_size
        batch = rows[start : start + params.batch_size]
        ((pixels, labels),) = images.batches(batch, len(batch))
        pixels = augmenter(epoch, np.int64(step), pixels, labels)[0].numpy()
        yield from (
            (row, pixels[batch.tolist().index(row)])
            for row in shown
            if row in places and places[row] // params.batch_size == step
        )
