"""The runs' page, made from real files and read in a real browser."""

import shutil

import pytest
import vl_convert

from pipeline.compare import runs_page
from pipeline.core import files, paths
from pipeline.core.errors import DataError
from pipeline.core.params import read_yaml
from tests.support.browser import Opened, chromium
from tests.support.builders import ROOT
from tests.support.reports import Parsed

HOSTILE = "<script>alert(1)</script>"


def copy(run, folder):
    folder.mkdir(parents=True)
    for name in ("evaluation.json", "history.csv"):
        shutil.copy(ROOT / paths.metrics(run) / name, folder)


def make(folder, runs=("demo_idx", "demo_png", "fashion_mnist")):
    """The committed metrics and parameters of some runs, and an ablation of two runs more."""
    for run in runs:
        copy(run, folder / paths.metrics(run))
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / paths.metrics("demo_idx") / "report.html").touch()
    for number in (1, 2):
        name = folder / "ablation" / paths.metrics(f"other_{number}")
        copy("demo_idx", name)
        found = files.read_json(name / "evaluation.json")
        for scores in found["classes"].values():
            scores["recall"] = number / 4
        changed = {"accuracy": number / 4, "accuracy_interval": {"low": 0.0, "high": 1.0}}
        files.write_json(name / "evaluation.json", found | changed)
    (folder / "ablation" / "params.yaml").write_text(
        "runs:\n"
        "  other_1: {dataset: demo_idx, model: {dropout: 0.25}, train: {}}\n"
        f'  other_2: {{dataset: "{HOSTILE}", model: {{dropout: 0.5, dense: [64]}}}}\n'
    )


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path)
    return tmp_path


def test_all_runs_are_there_with_what_was_measured(made):
    assert runs_page.write() == "5 runs; see metrics/index.html"
    html = Parsed(runs_page.PAGE.read_text(encoding="utf-8"))
    rows = [row["data-run"] for row in html.all("tr") if "data-run" in row]
    assert rows == ["demo_idx", "demo_png", "fashion_mnist", "ablation/other_1", "ablation/other_2"]
    assert [link["href"] for link in html.all("a")] == ["runs/demo_idx/report.html"]
    words = " ".join(html.words)
    found = files.read_json(paths.metrics("fashion_mnist") / "evaluation.json")
    assert f"fashion_mnist {found['accuracy']:.2%}" in words
    assert "model.dense: [64] model.dropout: 0.5 " + HOSTILE in words
    assert "25.00%" in words


def test_the_chart_compiles_in_the_pages_colours():
    spec = runs_page.chart()
    assert {one["name"] for one in spec["params"]} == {"marked"}
    assert "var(--series-7)" in str(vl_convert.vegalite_to_vega(spec))


@pytest.mark.slow
def test_an_ablations_report_is_linked(made):
    (made / "ablation" / paths.metrics("other_1") / "report.html").touch()
    runs_page.write()
    html = Parsed(runs_page.PAGE.read_text(encoding="utf-8"))
    assert "../ablation/metrics/runs/other_1/report.html" in [a["href"] for a in html.all("a")]


def test_it_is_the_same_each_time(made):
    runs_page.write()
    first = runs_page.PAGE.read_bytes()
    runs_page.write()
    assert runs_page.PAGE.read_bytes() == first


def test_without_runs_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no run has been evaluated yet; run one"):
        runs_page.write()


def test_a_run_that_params_no_longer_names(made):
    params = read_yaml(made / "params.yaml")
    assert "demo_png" in params["runs"]
    (made / "params.yaml").unlink()
    assert runs_page.write().startswith("5 runs")
    assert "unknown" in Parsed(runs_page.PAGE.read_text(encoding="utf-8")).words


def test_a_missing_history_is_named(made):
    (paths.metrics("demo_png") / "history.csv").unlink()
    with pytest.raises(DataError, match=r"demo_png/history\.csv is missing"):
        runs_page.write()


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
def test_in_a_browser_runs_sort_filter_and_are_laid_over_each_other(made):
    runs_page.write()
    with chromium() as browser:
        opened = Opened(browser, runs_page.PAGE)
        page, lines = opened.page, opened.marks("runs", "line")
        names = page.locator("tr[data-run]:not([hidden]) th")
        assert lines.count() == 5
        page.get_by_role("button", name="Accuracy", exact=True).click()
        assert names.all_inner_texts()[:2] == ["other_1", "other_2"]
        page.locator("#filter").fill("ablation DROPOUT: 0.25")
        assert names.all_inner_texts() == ["other_1"]
        assert opened.text("#found") == "1 of 5 runs"
        page.wait_for_function("views.runs.data('rows').length === 10")
        assert lines.count() == 1
        page.locator("#filter").fill("")
        page.locator("#study").select_option("main")
        assert len(names.all_inner_texts()) == 3
        page.get_by_label("Curve of demo_png").uncheck()
        page.wait_for_function("views.runs.data('rows').length === 20")
        page.locator('[name="measure"][value="loss"]').check()
        page.wait_for_function("views.runs.data('rows')[0].value > 0.9")
        assert opened.text("#curves .chart-title") == "Validation loss by epoch"
        page.locator("tr[data-run=demo_idx]").hover()
        page.wait_for_function("views.runs.signal('marked') === 'demo_idx'")
        page.locator("#all").check()
        page.wait_for_function("views.runs.data('rows').length === 30")
        for scheme, width in (("light", 1200), ("dark", 360)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            assert opened.faults() == []
            assert page.evaluate("document.documentElement.scrollWidth") == width
        opened.quiet()
