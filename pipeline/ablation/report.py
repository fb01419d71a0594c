"""The report of an ablation study: JSON, CSV, a Markdown table, a figure, and a page."""

import base64
import csv
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.ablation import forest_plot
from pipeline.ablation.study import Study
from pipeline.core import files, paths
from pipeline.report import html, plots

COLUMNS = (
    "change",
    "seeds",
    "accuracy",
    "deviation",
    "difference",
    "low",
    "high",
    "train_accuracy",
    "gap",
    "parameters",
    "multiply_adds",
)
"""Columns of ``ablation.csv``."""
CSS_DPI = 96
TEMPLATES = Path(__file__).parent / "templates"


def write(folder: str, study: Study, dpi: int) -> Path:
    """Write ``ablation.json``, ``.csv``, ``.md``, ``.png``, ``.svg``, ``.html`` into ``metrics``.

    Parameters
    ----------
    folder : str
        The study's.
    dpi : int
        Pixels an inch of the PNG.

    Returns
    -------
    Path
        The page.
    """
    place = Path(folder) / paths.METRICS / "ablation"
    order = ordered(study)
    files.write_json(place.with_suffix(".json"), study.model_dump())
    with files.new_table(place.with_suffix(".csv")) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(_rows(study, order))
    drawn = forest_plot.forest(study, order)
    plots.save(drawn, place.with_suffix(".png"), dpi)
    forest_plot.save_svg(drawn, place.with_suffix(".svg"))
    picture = _inlined(place.with_suffix(".png"), dpi)
    page = html.fill(
        TEMPLATES / "ablation.html.j2", study=study, order=order, picture=picture, name=folder
    )
    files.write_text(place.with_suffix(".md"), markdown(study))
    files.write_text(place.with_suffix(".html"), page)
    return place.with_suffix(".html")


def markdown(study: Study) -> str:
    """Return the study as a table in Markdown."""
    return html.fill(TEMPLATES / "ablation.md.j2", study=study, order=ordered(study))


def ordered(study: Study) -> list[str]:
    """Return the changes' names: the baseline, then the others, the best first."""
    others = sorted(study.changes.keys() - {study.baseline})
    return [study.baseline, *sorted(others, key=lambda name: -study.changes[name].accuracy)]


def _rows(study: Study, order: list[str]) -> Iterator[list[Any]]:
    """Yield the values of each change in the order of ``COLUMNS``."""
    for name in order:
        change = study.changes[name]
        low, high = change.interval or (None, None)
        row = change.model_dump() | {
            "change": name,
            "seeds": len(change.seeds),
            "low": low,
            "high": high,
        }
        yield [row[column] for column in COLUMNS]


class _Picture(NamedTuple):
    """A picture as part of a page, with its size in CSS pixels."""

    src: str
    width: int
    height: int


def _inlined(path: Path, dpi: int) -> _Picture:
    """Return a PNG file as a ``data:`` address."""
    content = path.read_bytes()
    width, height = struct.unpack(">II", content[16:24])  # of the chunk IHDR, always the first
    scale = CSS_DPI / dpi
    src = "data:image/png;base64," + base64.b64encode(content).decode()
    return _Picture(src, round(width * scale), round(height * scale))
