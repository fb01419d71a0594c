"""The runs' page: one page that compares all runs, the ablation study's among them."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import altair as alt

from pipeline.core import files, paths
from pipeline.core.errors import DataError
from pipeline.core.params import read_yaml
from pipeline.evaluate.evaluation import Evaluation
from pipeline.models import history
from pipeline.report import charts, html

PAGE = paths.METRICS / "index.html"
TEMPLATE = Path(__file__).parent / "templates/index.html.j2"
STUDIES = {"main": Path(), "ablation": Path("ablation")}
"""Folders that have ``metrics/runs/`` and, beside it, ``params.yaml``."""
CHANGED = ("model", "train", "evaluate")
"""Sections of a run's parameters that may change a number."""
SUBSETS = ("validation", "train", "test")
MEASURES = ("accuracy", "loss")
SERIES = 8
"""Colours that pages have for runs, and runs whose curves are drawn at first."""


def write(path: Path = PAGE) -> str:
    """Write the page; return what was done, for the console.

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
    page = html.page(
        TEMPLATE,
        {
            "charts": {"runs": chart()},
            "rows": {"runs": []},
            "histories": {run["key"]: run.pop("history") for run in runs},
        },
        runs=runs,
        studies=sorted({run["study"] for run in runs}, key=list(STUDIES).index),
        datasets=sorted({run["dataset"] for run in runs}),
        series=SERIES,
        measures=MEASURES,
        curves=SUBSETS,
    )
    files.write_text(path, page)
    return f"{len(runs)} runs; see {path}"


def chart() -> charts.Spec:
    """Return the curves of several runs, laid over each other.

    Rows: ``run``, ``series`` (the number of its colour), ``epoch`` and ``value``. ``marked`` names
    the run that is emphasized.
    """
    marked = alt.param(name="marked", value="")
    colours = [f"var(--series-{number})" for number in range(SERIES)]
    scale = alt.Scale(domain=list(range(SERIES)), range=colours)
    base = alt.Chart(**charts.sized(340, "Curves of the runs in the table")).encode(
        x=charts.epochs_axis(2),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
        detail="run:N",
        color=alt.Color("series:N", legend=None, scale=scale),
        opacity=charts.either("marked === '' || marked === datum.run", 1, 0.15),
        tooltip=["run:N", "epoch:Q", alt.Tooltip("value:Q", format=".4f")],
    )
    lines = base.mark_line(strokeWidth=2, aria=False)
    return charts.finished((lines + base.mark_point(filled=True, size=40)).add_params(marked))


def _runs(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the values of each evaluated run that the page shows; the page lies in ``folder``."""
    for study, root in STUDIES.items():
        params = _params(root / paths.PARAMS)
        for path in sorted((root / paths.METRICS / "runs").glob("*/evaluation.json")):
            name = path.parent.name
            evaluation = Evaluation.read(path)
            curves = history.read(path.with_name("history.csv"))
            own = params.get(name, {})
            sections = {key: own[key] for key in CHANGED if own.get(key)}
            report = path.with_name("report.html")
            yield {
                "key": name if study == "main" else f"{study}/{name}",
                "study": study,
                "name": name,
                "dataset": own.get("dataset", "unknown"),
                "accuracy": evaluation.accuracy,
                "interval": evaluation.accuracy_interval,
                "loss": evaluation.loss,
                "train_accuracy": evaluation.train_accuracy,
                "calibration": evaluation.expected_calibration_error,
                "n": evaluation.n,
                "epochs": len(curves["epoch"]),
                "own": html.flatten(sections) if sections else [],
                "report": _relative(report, folder) if report.exists() else None,
                "history": {key: values.tolist() for key, values in curves.items()},
            }


def _params(path: Path) -> Mapping[str, Any]:
    """Return the runs of a parameters file, as they stand there."""
    if not path.exists():
        return {}
    runs: Mapping[str, Any] = read_yaml(path).get("runs", {})
    return runs


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
