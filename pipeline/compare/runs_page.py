"""The index: one page that compares all runs, the ablation's among them."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import altair as alt

from pipeline.compare import runs_page
from pipeline.core import files, paths
from pipeline.core.errors import DataError
from pipeline.core.params import read_yaml
from pipeline.report import charts
from pipeline.report import html as report_html
from pipeline.train import history as history_file

PAGE = paths.METRICS / "index.html"


TEMPLATES = Path(__file__).parent / "templates"


STUDIES = {"main": Path(), "ablation": Path("ablation")}
"""Folders that have ``metrics/runs/`` and, beside it, ``params.yaml``."""


SUBSETS = ("validation", "train", "test")


MEASURES = ("accuracy", "loss")


DRAWN = runs_page.SERIES
"""Runs whose curves are drawn at first."""


def write(path: Path = PAGE) -> str:
    """Write the page; returns what was done, for the console.

    Raises
    ------
    DataError
        If no run has been evaluated, or a file is damaged.
    """
    runs = list(_runs(path.parent))
    if not runs:
        raise DataError(
            "no run has been evaluated yet; run one, such as: dvc repro report@demo_idx"
        )
    html = report_html.render(
        "index",
        {
            "charts": {"runs": runs_page.chart()},
            "rows": {"runs": []},
            "histories": {run["key"]: run.pop("history") for run in runs},
        },
        folder=TEMPLATES,
        runs=runs,
        studies=sorted({run["study"] for run in runs}, key=list(STUDIES).index),
        datasets=sorted({run["dataset"] for run in runs}),
        series=runs_page.SERIES,
        drawn=DRAWN,
        measures=MEASURES,
        curves=SUBSETS,
    )
    files.write_text(path, html)
    return f"{len(runs)} runs; see {path}"


def _runs(folder: Path) -> Iterator[dict[str, Any]]:
    """What the page says of each run that has been evaluated; ``folder`` is the page's."""
    for study, root in STUDIES.items():
        params = _params(root / paths.PARAMS)
        for path in sorted((root / paths.METRICS / "runs").glob("*/evaluation.json")):
            name = path.parent.name
            found = files.read_json(path)
            history = history_file.read(path.with_name("history.csv"))
            own = params.get(name, {})
            report = path.with_name("report.html")
            yield {
                "key": name if study == "main" else f"{study}/{name}",
                "study": study,
                "name": name,
                "dataset": own.get("dataset", "unknown"),
                "accuracy": found["accuracy"],
                "interval": found["accuracy_interval"],
                "loss": found["loss"],
                "train_accuracy": found["train_accuracy"],
                "calibration": found["expected_calibration_error"],
                "n": found["n"],
                "epochs": len(history["epoch"]),
                "own": _own(own),
                "report": _relative(report, folder) if report.exists() else None,
                "history": {key: values.tolist() for key, values in history.items()},
            }


def _params(path: Path) -> Mapping[str, Any]:
    """The runs of a ``params.yaml``, as they stand there."""
    if not path.exists():
        return {}
    runs: Mapping[str, Any] = read_yaml(path).get("runs", {})
    return runs


def _own(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a run sets itself, that may change a number."""
    sections = {key: run[key] for key in ("model", "train", "evaluate") if run.get(key)}
    return report_html.flatten(sections) if sections else []


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


SERIES = 8
"""Colours that the pages have for runs; more runs share them."""


def chart() -> charts.Spec:
    """Curves of several runs laid over each other; rows: ``run``, ``series``, ``epoch``, ``value``.

    ``series`` is the number of the run's colour; ``marked`` names the run that is emphasized.
    """
    marked = alt.param(name="marked", value="")
    colours = [f"var(--series-{number})" for number in range(SERIES)]
    base = alt.Chart(alt.NamedData(charts.ROWS), width="container", height=340).encode(
        x=charts.epochs_axis(2),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
        detail="run:N",
        color=alt.Color(
            "series:N", legend=None, scale=alt.Scale(domain=list(range(SERIES)), range=colours)
        ),
        opacity=alt.condition(
            "marked === '' || marked === datum.run", alt.value(1), alt.value(0.15)
        ),
        tooltip=["run:N", "epoch:Q", alt.Tooltip("value:Q", format=".4f")],
    )
    layers = alt.layer(
        base.mark_line(strokeWidth=2, aria=False),
        base.mark_point(filled=True, size=40),
        description="Curves of the runs in the table",
    ).add_params(marked)
    return charts.finished(layers)
