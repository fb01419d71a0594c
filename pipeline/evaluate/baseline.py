"""Baseline: what guesses would give on the test subset, with which a run is compared."""

from typing import NamedTuple

from pipeline.core.errors import shown
from pipeline.evaluate.evaluation import Evaluation


class Baseline(NamedTuple):
    """Accuracies of two ways to answer without looking at the image."""

    chance: float
    """Of an answer at random, in which all classes are as likely: 1 / K."""
    majority: float
    """Of always answering the class that the test subset has most of; at least ``chance``."""
    majority_class: str
    """That class; of several the first by name."""

    def describe(self) -> str:
        """Return both in words, without a stop."""
        return (
            f"chance would give {self.chance:.2%}, and always answering "
            f"{shown(self.majority_class, 40)} {self.majority:.2%}"
        )


def baseline(evaluation: Evaluation) -> Baseline:
    """Return what guesses would give on a run's test subset."""
    classes = evaluation.classes
    name = min(classes, key=lambda one: (-classes[one].support, one))
    return Baseline(1 / len(classes), classes[name].support / evaluation.n, name)


def fault(evaluation: Evaluation) -> str:
    """Return that a run is no better than a guess, in words; ``""`` where it is clearly better.

    It is clearly better where the 95% interval of its accuracy lies above the majority class's.

    Examples
    --------
    >>> from pipeline.evaluate.evaluation import ClassScores, Interval
    >>> half = ClassScores(f1=0.5, precision=0.5, recall=0.5, support=5)
    >>> found = Evaluation(accuracy=0.5, accuracy_interval=Interval(low=0.24, high=0.76),
    ...     classes={"cat": half, "dog": half}, expected_calibration_error=0.1, loss=0.7, n=10,
    ...     train_accuracy=0.5)
    >>> fault(found)
    'its accuracy 50.00% is no better than always answering cat, 50.00%'
    """
    guess, interval = baseline(evaluation), evaluation.accuracy_interval
    if len(evaluation.classes) < 2 or interval.low > guess.majority:
        return ""
    than = f"better than always answering {shown(guess.majority_class, 40)}, {guess.majority:.2%}"
    if evaluation.accuracy <= guess.majority:
        return f"its accuracy {evaluation.accuracy:.2%} is no {than}"
    return (
        f"its accuracy {evaluation.accuracy:.2%} may be no {than}: on {evaluation.n:,} test images "
        f"the 95% interval begins at {interval.low:.2%}"
    )
