"""Advice: what to try next, by what a run's curves show."""

import math
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import numpy as np

from pipeline.evaluate import baseline
from pipeline.evaluate.evaluation import Evaluation
from pipeline.models.history import Columns

Kind = Literal["learning rate", "few images", "overfitting", "underfitting", "labels"]

GAP = 0.1
"""Training less held-out accuracy, from which on a run overfits."""
WORSENED = 1.1
"""Held-out loss, as a multiple of its least, from which on a run overfits if it has a gap too."""
SMALL_GAP = 0.03
FITTED = 0.9
"""Training accuracy from which on a run does not underfit."""
RISING = 0.01
"""Gain of training accuracy in the last two epochs, above which a run was not done."""
JUMP = 1.05
"""Training loss, as a multiple of that of the epoch before, from which on it jumped."""
RISEN = 1.25
"""Last training loss, as a multiple of the least, from which on it rose."""
NOISE = 0.05
"""Nats by which a training loss may rise for no reason."""
ABOVE, BELOW = 1.1, 0.95
"""Training losses, as multiples of that of equal shares for all classes, above and below it."""
FEW = 100
"""Training images of the smallest class, below which there are few."""
WIDE = 0.2
"""Width of the test accuracy's interval, above which there are few test images."""


class Advice(NamedTuple):
    """What a run's curves show, and what to try."""

    kind: Kind
    sign: str
    """What they show, without a stop."""
    remedy: str
    """What to try, without a stop; it names parameters of ``params.yaml``."""

    def __str__(self) -> str:
        """Return both on one line."""
        return f"{self.sign}: {self.remedy}"


def advice(
    history: Columns, evaluation: Evaluation, images: Mapping[str, int] | None = None
) -> list[Advice]:
    """Return what a run's curves show that can be bettered, the most urgent first.

    Parameters
    ----------
    history : mapping
        Columns of ``history.csv``.
    evaluation : Evaluation
        Of the same run.
    images : mapping, optional
        Training images of each class, by name, as in the data card; without it nothing is said
        about too few of them.

    Returns
    -------
    list of Advice
        Empty for a run that learned, and holds on images that it has not seen. At least one where
        ``baseline.fault`` finds one.
    """
    found = (
        list(_learning_rate(history, len(evaluation.classes)))
        or list(_overfitting(history, evaluation, images))
        or list(_underfitting(history, evaluation))
    )
    found += _few_test_images(evaluation)
    if not found and baseline.fault(evaluation):
        found = [_labels()]
    return found


def warnings(
    history: Columns, evaluation: Evaluation, images: Mapping[str, int] | None = None
) -> list[str]:
    """Return lines that warn of a run that is no better than a guess; none for a better one.

    The first says so, each other one what to try; see ``advice`` for the parameters.
    """
    fault = baseline.fault(evaluation)
    return [fault, *map(str, advice(history, evaluation, images))] if fault else []


def _learning_rate(history: Columns, classes: int) -> Iterator[Advice]:
    """Yield advice where the training loss stays above that of a guess, rises, or jumps."""
    losses, guess = history["train_loss"], math.log(classes)
    jumps = int((losses[1:] > JUMP * losses[:-1] + NOISE).sum())
    remedy = "lower train.optimizer.learning_rate, to a tenth at first"
    if len(losses) < 2:  # the first epoch's mean begins with fresh weights
        return
    if losses[0] > ABOVE * guess and losses.min() > BELOW * guess:
        sign = f"its training loss began at {losses[0]:,.2f} and came no further than "
        sign += f"{losses.min():.2f}, where a guess has {guess:.2f}"
        yield Advice("learning rate", sign, remedy)
    elif losses[-1] > RISEN * losses.min() + NOISE:
        sign = f"its training loss rose from {losses.min():.2f} to {losses[-1]:.2f}"
        yield Advice("learning rate", sign, remedy)
    elif jumps > 1 and jumps >= (len(losses) - 1) / 3:
        sign = f"its training loss jumped up in {jumps} of {len(losses)} epochs"
        yield Advice("learning rate", sign, f"{remedy}, or set train.schedule")


def _overfitting(
    history: Columns, evaluation: Evaluation, images: Mapping[str, int] | None
) -> Iterator[Advice]:
    """Yield advice where training images are recognized far better than others."""
    validation = evaluation.validation
    held = validation.accuracy if validation else evaluation.accuracy
    name = "validation" if validation else "test"
    gap = evaluation.train_accuracy - held
    losses = history.get(f"{name}_loss", np.zeros(1))
    loss = validation.loss if validation else losses[-1]
    if gap < GAP and (gap < SMALL_GAP or loss <= WORSENED * losses.min()):
        return
    sign = f"it recognizes {evaluation.train_accuracy:.0%} of its training images, {held:.0%} of "
    sign += f"the {name} images"
    least = min(images.values()) if images else FEW
    if least < FEW:
        yield Advice(
            "few images",
            f"{sign}, and has {least:,} training images of its smallest class",
            "add images, more train.augmentation (trivial: true needs no tuning), or start from "
            "weights that learned others (weights)",
        )
        return
    stop = ", train.early_stopping" if validation else ""
    yield Advice(
        "overfitting",
        sign,
        f"more train.augmentation, model.dropout or train.optimizer.weight_decay{stop}",
    )


def _underfitting(history: Columns, evaluation: Evaluation) -> Iterator[Advice]:
    """Yield advice where not even the training images are recognized."""
    fitted, accuracies = evaluation.train_accuracy, history["train_accuracy"]
    if fitted >= FITTED:
        return
    epochs, validation = len(accuracies), evaluation.validation
    stopped = validation is not None and validation.loss != history["validation_loss"][-1]
    if not stopped and (epochs < 3 or accuracies[-1] - accuracies[-3] > RISING):
        sign = f"it was still learning after {epochs} epochs, {fitted:.0%} of its training images"
        yield Advice("underfitting", sign, "raise train.epochs")
        return
    yield Advice(
        "underfitting",
        f"it recognizes {fitted:.0%} of its training images and does not get better",
        "use a larger network (model), another train.optimizer.learning_rate, or less of "
        "train.augmentation, dropout and weight decay",
    )


def _few_test_images(evaluation: Evaluation) -> Iterator[Advice]:
    """Yield advice where the accuracy is too uncertain to choose by."""
    width = evaluation.accuracy_interval.high - evaluation.accuracy_interval.low
    if width > WIDE:
        yield Advice(
            "few images",
            f"its accuracy is of {evaluation.n:,} test images, so the 95% interval is "
            f"{width * 100:.0f} points wide",
            "keep more images for the test (split)",
        )


def _labels() -> Advice:
    return Advice(
        "labels",
        "its curves do not say why",
        "look at the training images in its report: do they belong to their labels?",
    )
