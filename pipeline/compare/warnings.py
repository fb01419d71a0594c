"""Warnings of a run that is no better than a guess, from its files as far as they are there."""

from pathlib import Path

from pipeline.evaluate import advice, baseline
from pipeline.evaluate.evaluation import Evaluation
from pipeline.models import history
from pipeline.subsets.data_card import DataCard


def read(evaluation: Evaluation, curves: Path | None, card: Path | None) -> list[str]:
    """Return lines that warn of a run; none for one that is better than a guess.

    Parameters
    ----------
    curves : Path or None
        Its ``history.csv``; without it nothing is said of what to try.
    card : Path or None
        ``data.json`` of its dataset, with the numbers of training images.

    Raises
    ------
    DataError
        If a file is damaged.
    """
    if curves is None or not curves.exists():
        return [fault] if (fault := baseline.fault(evaluation)) else []
    known = card is not None and card.exists()
    images = DataCard.read(card).subsets["train"].classes if card and known else None
    return advice.warnings(history.read(curves), evaluation, images)
