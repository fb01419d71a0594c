"""The runs' page, made from real files and read in a real browser."""

import json
import shutil

import numpy as np
import pytest
import vl_convert

from pipeline.compare import runs_page
from pipeline.core import files, paths
from pipeline.core.errors import DataError, ParameterError
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
        changed = {
            "accuracy": number / 4,
            "accuracy_interval": {"low": 0.2, "high": 1.0},
            "balanced_accuracy": number / 4,
        }
        files.write_json(name / "evaluation.json", found | changed)
    defaults = json.dumps(read_yaml(ROOT / "params.yaml")["defaults"])
    (folder / "ablation" / ".dvc").mkdir(parents=True)
    (folder / "ablation" / "params.yaml").write_text(
        f"defaults: {defaults}\n"
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
    assert f"fashion_ mnist {found['validation']['accuracy']:.2%}" in words
    assert f"{found['accuracy']:.2%}" in words
    assert "2 changes model.dense: [64] model.dropout: 0.5 " + HOSTILE in words
    assert "in the main graph and in the study ablation." in words
    assert "25.00%" in words


def test_a_run_that_is_no_better_than_a_guess_is_warned_of(made):
    runs_page.write()
    assert "No better than a guess" not in runs_page.PAGE.read_text(encoding="utf-8")
    path = paths.metrics("demo_png") / "evaluation.json"
    found = files.read_json(path)
    for scores in found["classes"].values():
        scores["recall"] = scores["f1"] = 0.0
    zero = {"accuracy": 0.0, "accuracy_interval": {"low": 0.0, "high": 0.01}}
    files.write_json(path, found | zero | {"macro_f1": 0.0, "balanced_accuracy": 0.0})
    runs_page.write()
    words = " ".join(Parsed(runs_page.PAGE.read_text(encoding="utf-8")).words)
    assert "its accuracy 0.00% is no better than always answering Pullover, 11.25%" in words


def test_the_best_on_the_validation_subset_is_named_among_several_of_a_dataset(made):
    copy("fashion_mnist_best", made / paths.metrics("fashion_mnist_best"))
    runs_page.write()
    words = " ".join(Parsed(runs_page.PAGE.read_text(encoding="utf-8")).words)
    assert "fashion_ mnist_ best best 95.24%" in words
    assert words.count(" best 9") == 1


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


def test_a_run_that_is_being_trained_is_left_out_and_named(made, caplog):
    (paths.metrics("demo_png") / "history.csv").unlink()
    assert runs_page.write().startswith("4 runs")
    assert "demo_png/history.csv is missing, so that demo_png is left out" in caplog.text


def add_seeds(folder):
    """Three runs more of the ablation, which differ in their seed alone."""
    blocks = []
    for seed in range(3):
        name = folder / "ablation" / paths.metrics(f"decay_{seed}")
        copy("demo_png", name)
        found = files.read_json(name / "evaluation.json")
        found["validation"]["accuracy"] = (120 + seed) / 160
        files.write_json(name / "evaluation.json", found)
        train = f"{{schedule: {{name: cosine}}, seed: {seed}}}"
        blocks.append(f"  decay_{seed}: {{dataset: demo_png, train: {train}}}\n")
    with (folder / "ablation" / "params.yaml").open("a") as file:
        file.write("".join(blocks))


def test_runs_that_differ_in_their_seed_alone_are_a_line_with_mean_and_spread(made):
    add_seeds(made)
    runs_page.write()
    html = Parsed(runs_page.PAGE.read_text(encoding="utf-8"))
    lines = [row["data-line"] for row in html.all("tr") if "data-line" in row]
    assert lines == ["ablation/decay, 3 seeds"]
    words = " ".join(html.words)
    mean, deviation = np.mean([120, 121, 122]) / 160, np.std([120, 121, 122], ddof=1) / 160
    assert f"decay 3 seeds {mean:.2%} ± {100 * deviation:.2f}" in words
    assert "1 change train.schedule.name: cosine demo_png" in words


@pytest.fixture(scope="module")
def browser():
    with chromium() as one:
        yield one


@pytest.fixture
def opened(made, browser):
    add_seeds(made)
    runs_page.write()
    return Opened(browser, runs_page.PAGE, viewport={"width": 1280, "height": 800})


SHOWN = "tbody tr:not([hidden])"


def names(page):
    """Return the names in the table's first column, from top to bottom."""
    shown = page.locator(f"{SHOWN} th").all_inner_texts()
    return [text.split("\n")[0].removesuffix(" best").split(" 3 ")[0] for text in shown]


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
def test_in_a_browser_runs_sort_filter_and_are_laid_over_each_other(opened):
    page, lines = opened.page, opened.marks("runs", "line")
    assert lines.count() == 8
    assert "decay" in names(page)
    page.get_by_role("button", name="Test", exact=True).click()  # the best first
    assert names(page)[0] == "fashion_mnist"
    page.get_by_role("button", name="Test", exact=True).click()
    assert names(page)[:2] == ["other_1", "other_2"]
    page.get_by_role("button", name="Test loss", exact=True).click()
    assert names(page)[0] == "fashion_mnist"
    page.locator("#filter").fill("ablation DROPOUT: 0.25")
    assert names(page) == ["other_1"]
    assert opened.text("#found") == "1 of 8 runs"
    page.wait_for_function("views.runs.data('rows').length === 10")
    assert lines.count() == 1
    assert opened.text("#legend") == "ablation/other_1"
    page.locator("#filter").fill("")
    page.locator("#study").select_option("main")
    assert len(names(page)) == 3
    page.get_by_label("Curve of demo_png").uncheck()
    page.wait_for_function("views.runs.data('rows').length === 20")
    page.locator('[name="measure"][value="loss"]').check()
    page.wait_for_function("views.runs.data('rows')[0].value > 0.9")
    assert opened.text("#curves .chart-title") == "Validation loss by epoch"
    page.locator("tr[data-run=demo_idx]").hover()
    page.wait_for_function("views.runs.signal('marked') === 'demo_idx'")
    page.locator("#all").check()
    page.wait_for_function("views.runs.data('rows').length === 30")
    opened.quiet()


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
def test_in_a_browser_seeds_open_and_part(opened):
    page = opened.page
    assert "decay_0" not in names(page)
    page.get_by_role("button", name="decay").click()
    place = names(page).index("decay")
    assert names(page)[place : place + 4] == ["decay", "decay_0", "decay_1", "decay_2"]
    page.get_by_role("button", name="Validation", exact=True).click()
    place = names(page).index("decay")
    assert names(page)[place : place + 4] == ["decay", "decay_2", "decay_1", "decay_0"]
    series = "new Set(views.runs.data('rows').map((row) => `${row.series} ${row.dash}`)).size"
    assert page.evaluate(series) == 6  # seeds share a colour
    page.get_by_label("Curves of ablation/decay, 3 seeds").uncheck()
    page.wait_for_function("views.runs.data('rows').length === 50")
    page.get_by_label("Seeds together").uncheck()
    assert "decay" not in names(page)
    assert not page.get_by_label("Curve of decay_1").is_checked()
    opened.quiet()


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
def test_in_a_browser_parameters_that_differ_become_columns(opened):
    page = opened.page
    page.get_by_text("Columns", exact=True).click()
    offered = page.locator("#parameters label")
    assert "train.schedule.name" in offered.all_inner_texts()
    assert "train.epochs" not in offered.all_inner_texts()  # the same in all
    page.get_by_label("train.schedule.name", exact=True).check()
    page.get_by_label("train.seed", exact=True).check()
    values = page.locator("tr.group td[data-parameter]").all_inner_texts()
    assert values == ["cosine", "several"]
    page.get_by_role("button", name="train.schedule.name").click()
    assert page.locator('th[data-parameter="train.schedule.name"]').get_attribute("aria-sort") == (
        "ascending"
    )
    page.locator("#filter").fill("decay")  # of these it is the same
    assert offered.all_inner_texts() == ["train.seed"]
    assert page.locator('[data-parameter="train.schedule.name"]').count() == 0
    assert page.get_by_role("columnheader", name="Macro-F1").count() == 0
    page.get_by_label("Macro-F1", exact=True).check()
    assert page.get_by_role("columnheader", name="Macro-F1").is_visible()
    opened.quiet()


@pytest.mark.slow
@pytest.mark.xdist_group("browser")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_in_a_browser_the_table_scrolls_within_itself(opened, width, scheme):
    page = opened.page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    assert opened.faults() == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    name = page.locator("tr[data-run=demo_idx] th")
    before = name.bounding_box()["x"]
    page.locator(".table").evaluate("table => table.scrollTo(400, 0)")
    assert page.locator(".table").evaluate("table => table.scrollLeft") > 100
    assert name.bounding_box()["x"] == before
    chart, table = (page.locator(one).bounding_box() for one in ("#curves", ".table"))
    if width == 1280:  # beside the table, and in view
        assert chart["x"] > table["x"] + table["width"]
        assert chart["y"] < 400
    ticks = page.locator('[data-chart="runs"] .role-axis-label text').all_text_contents()
    assert "10" in ticks  # the curves' epochs, whatever their number
    opened.quiet()


def test_parameters_of_another_form_are_one_line(made):
    (made / "params.yaml").write_text("runs: [1]")
    with pytest.raises(
        ParameterError, match=r"params.yaml is damaged .*; run python -m pipeline c"
    ):
        list(runs_page._runs(made))
