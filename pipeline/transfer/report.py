"""The report of a study of fine-tuning: JSON, CSV, a Markdown table, and a figure."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.core import files, paths
from pipeline.report import plots
from pipeline.transfer import curves
from pipeline.transfer.study import Interval, Transfer

COLUMNS = (
    "dataset",
    "ancestor",
    "images_per_class",
    "seeds",
    "fresh",
    "fresh_low",
    "fresh_high",
    "tuned",
    "tuned_low",
    "tuned_high",
    "difference",
    "low",
    "high",
)
"""Columns of ``transfer.csv``."""


def write(folder: str, study: Transfer, dpi: int) -> Path:
    """Write ``transfer.json``, ``.csv``, ``.md`` and ``.png`` into a study's ``metrics``.

    Parameters
    ----------
    folder : str
        The study's.
    dpi : int
        Pixels an inch of the figure.

    Returns
    -------
    Path
        The table in Markdown.
    """
    place = Path(folder) / paths.METRICS / "transfer"
    files.write_json(place.with_suffix(".json"), study.model_dump(mode="json"))
    with files.new_table(place.with_suffix(".csv")) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(_rows(study))
    files.write_text(place.with_suffix(".md"), markdown(study))
    plots.save(curves.draw(study), place.with_suffix(".png"), dpi)
    return place.with_suffix(".md")


def markdown(study: Transfer) -> str:
    """Return the study as a table in Markdown."""
    level = f"{study.confidence_level:.0%}"
    lines = [
        f"| dataset | images of each class | from nothing | {level} interval | from weights of | "
        f"fine-tuned | {level} interval | difference | {level} interval |",
        "|---|---:|---|---|---|---|---|---|---|",
    ]
    for target in study.targets.values():
        for size in target.sizes:
            cells = (
                target.title,
                f"{size.images_per_class:,}",
                f"{size.fresh.mean:.4f}",
                _between(size.fresh.interval, ".4f"),
                target.ancestor_title,
                f"{size.tuned.mean:.4f}",
                _between(size.tuned.interval, ".4f"),
                f"{size.difference:+.4f}",
                _between(size.interval, "+.4f"),
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _between(interval: Interval | None, form: str) -> str:
    return f"{interval[0]:{form}} to {interval[1]:{form}}" if interval else ""


def _rows(study: Transfer) -> Iterator[list[Any]]:
    """Yield the values of each dataset and number of images in the order of ``COLUMNS``."""
    for dataset, target in study.targets.items():
        for size in target.sizes:
            yield [
                *(dataset, target.ancestor, size.images_per_class, len(size.seeds)),
                *(size.fresh.mean, *(size.fresh.interval or (None, None))),
                *(size.tuned.mean, *(size.tuned.interval or (None, None))),
                *(size.difference, *(size.interval or (None, None))),
            ]
