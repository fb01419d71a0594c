"""What an ablation study is shown as: JSON, CSV, a Markdown table, a figure, and a page."""

import base64
import csv
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.ablation import forest_plot
from pipeline.core import files, paths
from pipeline.report import html as report_html
from pipeline.report import plots

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
"""Of ``ablation.csv``."""
CSS_DPI = 96
TEMPLATES = Path(__file__).parent / "templates"


def write(folder: str, study: Mapping[str, Any], dpi: int) -> Path:
    """Write ``ablation.json``, ``.csv``, ``.md``, ``.png``, ``.svg``, ``.html`` into ``metrics``.

    Parameters
    ----------
    folder : str
        The study's.
    study : mapping
        As ``ablation.study`` gives it.
    dpi : int
        Of the PNG.

    Returns
    -------
    Path
        The page.
    """
    place = Path(folder) / paths.METRICS / "ablation"
    order = ordered(study)
    files.write_json(place.with_suffix(".json"), study)
    with (
        files.new_file(place.with_suffix(".csv")) as work,
        work.open("w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(_rows(study, order))
    drawn = forest_plot.forest(study, order)
    with files.new_file(place.with_suffix(".png")) as work:
        plots.save(drawn, work, dpi)
    with files.new_file(place.with_suffix(".svg")) as work:
        forest_plot.save_svg(drawn, work)
    picture = _inlined(place.with_suffix(".png"), dpi)
    html = report_html.fill(
        "ablation.html.j2",
        folder=TEMPLATES,
        study=study,
        order=order,
        picture=picture,
        name=folder,
    )
    for suffix, content in ((".md", markdown(study)), (".html", html)):
        files.write_text(place.with_suffix(suffix), content)
    return place.with_suffix(".html")


def markdown(study: Mapping[str, Any]) -> str:
    """The study as a table in Markdown."""
    return report_html.fill("ablation.md.j2", folder=TEMPLATES, study=study, order=ordered(study))


def ordered(study: Mapping[str, Any]) -> list[str]:
    """The changes' names: the baseline, then the others, the best first."""
    changes = study["changes"]
    others = sorted(changes.keys() - {study["baseline"]})
    return [study["baseline"], *sorted(others, key=lambda name: -changes[name]["accuracy"])]


def _rows(study: Mapping[str, Any], order: list[str]) -> Iterator[list[Any]]:
    for name in order:
        change = study["changes"][name]
        low, high = change["interval"] or (None, None)
        row = change | {
            "change": name,
            "seeds": len(change["seeds"]),
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
    """A PNG file as a ``data:`` address."""
    content = path.read_bytes()
    width, height = struct.unpack(">II", content[16:24])  # of the chunk IHDR, always the first
    scale = CSS_DPI / dpi
    src = "data:image/png;base64," + base64.b64encode(content).decode()
    return _Picture(src, round(width * scale), round(height * scale))
