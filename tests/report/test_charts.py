"""Every chart is valid Vega-Lite, compiles to Vega, and says nothing that Altair numbered."""

import json

import altair as alt
import pytest
import vl_convert

from pipeline.report import charts
from pipeline.report.sections.measured import precision_recall

NAMES = ["cat", "dog 'x' \"y\"", "</script>"]
SPECS = {
    "curves": lambda: charts.curves("loss", ["train", "test"], 3),
    "many epochs": lambda: charts.curves("loss", ["train"], 300),
    "one epoch": lambda: charts.curves("accuracy", ["train", "validation", "test"], 1),
    "confusion": lambda: charts.confusion(NAMES),
    "many classes": lambda: charts.confusion([str(n) for n in range(50)]),
    "scores": lambda: charts.scores(NAMES),
    "precision-recall": lambda: precision_recall.chart(NAMES[1]),
    "calibration": charts.calibration,
    "confidences": charts.confidences,
    "counts": lambda: charts.counts(3, ["train", "test"]),
}


@pytest.fixture(params=SPECS, scope="module")
def spec(request):
    return SPECS[request.param]


def walk(value):
    yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from walk(inner)


def test_a_chart_is_the_same_each_time(spec):
    first = json.dumps(spec())
    alt.Chart(alt.NamedData("other")).mark_point().add_params(alt.selection_point()).to_dict()
    assert json.dumps(spec()) == first
    assert "view_" not in first
    assert "param_" not in first


def test_a_chart_compiles_as_the_version_that_pages_run(spec):
    made = spec()
    version = made["$schema"].split("/")[-1].removeprefix("v").removesuffix(".json")
    assert version.startswith(vl_convert.get_vegalite_versions()[-1])
    compiled = vl_convert.vegalite_to_vega(made)
    assert compiled["$schema"].startswith("https://vega.github.io/schema/vega/v6")
    named = {entry["name"] for entry in compiled["data"]}
    assert charts.ROWS in named
    signals = {signal["name"] for signal in compiled["signals"]}
    assert {param["name"] for param in made.get("params", [])} <= signals


def test_colours_are_the_pages(spec):
    """None is spelled out, for the page has others in the dark."""
    for part in walk(spec()):
        for key in ("color", "fill", "stroke", "labelColor", "gridColor"):
            found = part.get(key) if isinstance(part, dict) else None
            assert not isinstance(found, str) or found.startswith("var(--")


def test_a_matrix_of_few_classes_is_not_as_wide_as_the_page():
    assert charts.confusion(["cat", "dog"])["width"] == 2 * charts.WIDE_CELL
    assert charts.confusion(list("abcde"))["width"] == "container"


def test_a_matrix_of_many_classes_has_no_counts():
    def marks(classes):
        return [layer["mark"]["type"] for layer in charts.confusion(classes)["layer"]]

    assert "text" in marks([str(n) for n in range(charts.COUNTED_CLASSES)])
    assert "text" not in marks([str(n) for n in range(charts.COUNTED_CLASSES + 1)])
