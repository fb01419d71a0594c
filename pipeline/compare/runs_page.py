"""The runs' page: one page that compares all runs, those of the studies among them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import altair as alt

from pipeline.compare import groups
from pipeline.compare.groups import Parameters, Spread
from pipeline.compare.summary import chosen
from pipeline.core import console, files, paths
from pipeline.core.errors import DataError, ParameterError, one_line
from pipeline.core.params import read_yaml
from pipeline.evaluate import advice, baseline
from pipeline.evaluate.evaluation import Evaluation
from pipeline.execution import machine
from pipeline.execution.machine import Machine
from pipeline.models import history
from pipeline.report import charts, html
from pipeline.subsets.data_card import DataCard

PAGE = paths.METRICS / "index.html"
TEMPLATE = Path(__file__).parent / "templates/index.html.j2"
SUBSETS = ("validation", "train", "test")
MEASURES = ("accuracy", "loss")
SERIES = 8
"""Colours that pages have for runs, and lines of the table whose curves are drawn at first."""
DASHES = ([1, 0], [7, 3], [2, 2])
"""Lines of curves beyond as many: dashes and gaps in pixels."""


class Column(NamedTuple):
    """A column of what was measured."""

    key: str
    """Its value is that of the run's ``measured``."""
    title: str
    form: Literal["percent", "decimals", "count"]
    best: Literal["descending", "ascending"] = "descending"
    """The order that has the best first."""
    test: bool = False
    """Of the test subset, which stands apart."""
    shown: bool = True
    """At first; otherwise the reader may choose it."""
    interval: str = ""
    """Key of the interval that the next column has, if any."""


COLUMNS = (
    Column("validation", "Validation", "percent", interval="validation_interval"),
    Column("validation_loss", "Validation loss", "decimals", "ascending"),
    Column("train", "Training", "percent"),
    Column("epochs", "Epochs", "count", "ascending"),
    Column("test", "Test", "percent", test=True, interval="test_interval"),
    Column("test_loss", "Test loss", "decimals", "ascending", test=True),
    Column("majority", "Majority class", "percent", test=True),
    Column("chance", "Chance", "percent", test=True, shown=False),
    Column("macro_f1", "Macro-F1", "percent", test=True, shown=False),
    Column("balanced", "Balanced accuracy", "percent", test=True, shown=False),
    Column("top_5", "Among the first five", "percent", test=True, shown=False),
    Column("calibration", "Calibration error", "percent", "ascending", test=True, shown=False),
    Column("images", "Test images", "count", test=True, shown=False),
)


@dataclass(frozen=True)
class Run:
    """A run as the page shows it."""

    study: str
    name: str
    dataset: str
    evaluation: Evaluation
    curves: history.Columns
    parameters: Parameters
    report: str | None
    """Its report's address, if that has been drawn here."""
    warnings: list[str]
    """What is said of one that is no better than a guess."""

    @property
    def key(self) -> str:
        """Return what names it on the page."""
        return self.name if self.study == "main" else f"{self.study}/{self.name}"

    @property
    def measured(self) -> dict[str, float | None]:
        """Return the values of ``COLUMNS``."""
        one, validation = self.evaluation, self.evaluation.validation
        guess = baseline.baseline(one)
        return {
            "validation": validation.accuracy if validation else None,
            "validation_loss": validation.loss if validation else None,
            "train": one.train_accuracy,
            "epochs": len(self.curves["epoch"]),
            "test": one.accuracy,
            "test_loss": one.loss,
            "majority": guess.majority,
            "chance": guess.chance,
            "macro_f1": one.macro_f1,
            "balanced": one.balanced_accuracy,
            "top_5": one.top_5_accuracy,
            "calibration": one.expected_calibration_error,
            "images": one.n,
        }

    @property
    def intervals(self) -> dict[str, Any]:
        """Return the intervals of accuracies, by key."""
        validation = self.evaluation.validation
        return {
            "test_interval": self.evaluation.accuracy_interval,
            "validation_interval": validation.accuracy_interval if validation else None,
        }


@dataclass(frozen=True)
class Line:
    """A line of the table with those under it: a run, or runs that differ in their seed alone."""

    runs: list[Run]

    @property
    def name(self) -> str:
        """Return the run's name, or what the runs' names begin with."""
        return groups.name([run.name for run in self.runs])

    @property
    def key(self) -> str:
        """Return what names it on the page."""
        first = self.runs[0]
        return f"{first.key.removesuffix(first.name)}{self.name}, {len(self.runs)} seeds"

    @property
    def spreads(self) -> dict[str, Spread | None]:
        """Return means and deviations of ``COLUMNS``."""
        measured = [run.measured for run in self.runs]
        return {
            column.key: groups.spread([one[column.key] for one in measured]) for column in COLUMNS
        }


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
    differing = groups.differing([run.parameters for run in runs])
    page = html.page(
        TEMPLATE,
        {
            "charts": {"runs": chart()},
            "rows": {"runs": []},
            "histories": {
                run.key: {name: values.tolist() for name, values in run.curves.items()}
                for run in runs
            },
            "parameters": {
                run.key: {key: run.parameters.effective.get(key, "") for key in differing}
                for run in runs
            },
            "series": SERIES,
            "dashes": len(DASHES),
        },
        lines=_lines(runs),
        runs=runs,
        best=_best(runs),
        studies=list(dict.fromkeys(run.study for run in runs)),
        datasets=sorted({run.dataset for run in runs}),
        series=SERIES,
        measures=MEASURES,
        curves=SUBSETS,
        columns=[one for one in COLUMNS if any(run.measured[one.key] is not None for run in runs)],
    )
    files.write_text(path, page)
    return f"{len(runs)} run{'s' * (len(runs) != 1)}; see {path}"


def chart() -> charts.Spec:
    """Return the curves of several runs, laid over each other.

    Rows: ``run``, ``line`` (of the table), ``series`` and ``dash`` (numbers of its colour and its
    dashes), ``epoch`` and ``value``. ``marked`` names the run or the line that is emphasized.
    """
    marked = alt.param(name="marked", value="")
    colours = [f"var(--series-{number})" for number in range(SERIES)]
    scale = alt.Scale(domain=list(range(SERIES)), range=colours)
    dashes = alt.Scale(domain=list(range(len(DASHES))), range=list(DASHES))
    emphasized = "marked === '' || marked === datum.run || marked === datum.line"
    base = alt.Chart(**charts.sized(340, "Curves of the runs in the table")).encode(
        x=alt.X(
            "epoch:Q",
            title="epoch",
            axis=alt.Axis(format="d", tickMinStep=1, grid=False),
            scale=alt.Scale(nice=False, padding=8),
        ),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
        detail="run:N",
        color=alt.Color("series:N", legend=None, scale=scale),
        opacity=charts.either(emphasized, 1, 0.15),
        tooltip=["run:N", "epoch:Q", alt.Tooltip("value:Q", format=".4f")],
    )
    dashed = alt.StrokeDash("dash:N", legend=None, scale=dashes)
    lines = base.mark_line(strokeWidth=2, aria=False).encode(strokeDash=dashed)
    return charts.finished((lines + base.mark_point(filled=True, size=25)).add_params(marked))


def _lines(runs: Sequence[Run]) -> list[Line]:
    """Return the lines of the table."""
    changes = {run.key: (run.study, run.dataset, run.parameters.change or run.key) for run in runs}
    by_key = {run.key: run for run in runs}
    return [Line([by_key[key] for key in keys]) for keys in groups.by_change(changes)]


def _best(runs: Sequence[Run]) -> set[str]:
    """Return the run of each dataset that is best on the validation subset."""
    datasets = {run.key: run.dataset for run in runs}
    return set(chosen({run.key: run.evaluation for run in runs}, datasets))


def _runs(folder: Path) -> Iterator[Run]:
    """Yield each evaluated run; the page lies in ``folder``."""
    for study, root in {"main": Path(), **{one.name: one for one in paths.studies()}}.items():
        params = read_yaml(root / paths.PARAMS) if (root / paths.PARAMS).exists() else {}
        for path in sorted((root / paths.METRICS / "runs").glob("*/evaluation.json")):
            name, trained = path.parent.name, path.with_name("history.csv")
            if not trained.exists():  # DVC removes it before the run is trained again
                console.warning(f"{trained} is missing, so that {name} is left out: train it again")
                continue
            evaluation = Evaluation.read(path)
            curves = history.read(trained)
            with one_line(root / paths.PARAMS, "run python -m pipeline check", ParameterError):
                dataset = str(params.get("runs", {}).get(name, {}).get("dataset", "unknown"))
                parameters = groups.parameters(params, name)
            report = path.with_name("report.html")
            yield Run(
                study=study,
                name=name,
                dataset=dataset,
                evaluation=evaluation,
                curves=curves,
                parameters=parameters.on(_machine(path.parent)),
                report=_relative(report, folder) if report.exists() else None,
                warnings=advice.warnings(curves, evaluation, _images(dataset)),
            )


def _machine(folder: Path) -> Machine | None:
    path = folder / machine.NAME
    return Machine.read(path) if path.exists() else None


def _images(dataset: str) -> Mapping[str, int] | None:
    """Return the training images of each class, if the data card is here."""
    card = paths.data_card(dataset)
    return DataCard.read(card).subsets["train"].classes if card.exists() else None


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
