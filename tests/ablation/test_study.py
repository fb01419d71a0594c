"""The study: its statistics against references, its files, and the graph in ablation/."""

import base64
import copy
import csv
import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api
from ruamel.yaml import YAML
from scipy import stats
from statsmodels.formula.api import ols

from pipeline import schema
from pipeline.ablation import report
from pipeline.ablation import study as ablation_study
from pipeline.core import files, paths
from pipeline.core.errors import DataError, ParameterError
from pipeline.core.params import Params, read_yaml
from pipeline.evaluate.predictions import Predictions
from tests.integration import test_graph
from tests.support.builders import ROOT

N = 40
GRAPH = read_yaml(ROOT / "ablation/dvc.yaml")
PARAMS = read_yaml(ROOT / "ablation/params.yaml")
RUN = {"dataset": "shoes", "model": {}, "train": {}, "evaluate": {}}
STUDY = {
    "datasets": {"shoes": {}},
    "defaults": {"model": {}, "train": {"seed": 0}, "evaluate": {}},
    "ablation": {"baseline": "plain", "dpi": 50},
    "runs": {
        "plain_0": RUN,
        "plain_1": RUN | {"train": {"seed": 1}},
        "more_dropout_0": RUN | {"model": {"dropout": 0.5}},
        "more_dropout_1": RUN | {"model": {"dropout": 0.5}, "train": {"seed": 1}},
        "late_0": RUN | {"train": {"epochs": 3}},
    },
}
ARCHITECTURE = {
    "parameters": 1234,
    "keras": {
        "config": {
            "layers": [
                {
                    "class_name": "Dense",
                    "config": {"units": 10},
                    "build_config": {"input_shape": [None, 64]},
                }
            ]
        }
    },
}


def gains(seeds=3, images=50, seed=0, of_seeds=0.1, of_images=0.3):
    """Differences in which seeds, images and chance have a part."""
    rng = np.random.default_rng(seed)
    return (
        0.02
        + of_seeds * rng.normal(size=(seeds, 1))
        + of_images * rng.normal(size=(1, images))
        + 0.2 * rng.normal(size=(seeds, images))
    )


@pytest.mark.parametrize("seed", range(3))
def test_interval_is_that_of_statsmodels_mean_squares(seed):
    found = gains(seed=seed)
    rows = [{"seed": s, "image": i, "gain": value} for (s, i), value in np.ndenumerate(found)]
    table = statsmodels.api.stats.anova_lm(
        ols("gain ~ C(seed) + C(image)", pd.DataFrame(rows)).fit()
    )
    of_seeds, of_images, residual = table["sum_sq"] / table["df"]
    total = of_seeds + max(of_images - residual, 0)
    freedom = total**2 / (of_seeds**2 / 2)
    low, high = stats.t.interval(0.95, freedom, found.mean(), np.sqrt(total / found.size))
    assert ablation_study.difference(found) == pytest.approx((found.mean(), low, high))


def test_interval_holds_the_truth_as_often_as_it_says():
    inside = [
        low <= 0.02 <= high
        for _, low, high in (ablation_study.difference(gains(seed=seed)) for seed in range(400))
    ]
    assert 0.92 <= np.mean(inside) <= 0.99


def test_where_images_do_not_matter_it_is_students_paired_interval():
    found = np.repeat([[0.0], [0.1], [0.5]], 1000, axis=1)
    expected = stats.ttest_1samp([0.0, 0.1, 0.5], 0).confidence_interval(0.95)
    assert ablation_study.difference(found)[1:] == pytest.approx(tuple(expected))


def test_no_difference_and_a_single_seed():
    assert ablation_study.difference(np.zeros((3, 5))) == (0, 0, 0)
    assert ablation_study.difference(np.ones((1, 5))) == (1, None, None)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A study in ``study/``, all of whose runs are evaluated but late_0."""
    monkeypatch.chdir(tmp_path)
    Path("study").mkdir()
    write(STUDY)
    for number, run in enumerate(list(STUDY["runs"])[:4]):
        evaluate(f"study/{run}", number)
    return "study"


def write(values):
    plain = json.loads(json.dumps(values))  # without YAML's aliases
    YAML(typ="safe", pure=True).dump(plain, Path("study/params.yaml"))


def evaluate(run, seed, n=N):
    rng = np.random.default_rng(seed)
    labels = np.zeros(n, np.int32)
    predicted = (rng.random(n) < 0.3).astype(np.int32)
    Predictions(
        [str(i) for i in range(n)], labels, predicted, np.eye(2, dtype=np.float32)[predicted]
    ).write(paths.predictions(run))
    files.write_json(paths.metrics(run) / "evaluation.json", {"train_accuracy": 0.9 + seed / 100})
    files.write_json(paths.model(run) / "architecture.json", ARCHITECTURE)
    return predicted == labels


def test_study(folder):
    found = ablation_study.study(folder)
    right = np.array(
        [
            Predictions.read(paths.predictions(f"study/{run}"))[1:3]
            for run in STUDY["runs"]
            if run != "late_0"
        ]
    )
    right = (right[:, 0] == right[:, 1]).reshape(2, 2, N)
    assert found["missing"] == ["late_0"]
    assert (found["n"], found["dataset"], found["baseline"]) == (N, "shoes", "plain")
    plain, dropout = found["changes"]["plain"], found["changes"]["more_dropout"]
    for change, mine, train in ((plain, right[0], 0.905), (dropout, right[1], 0.925)):
        assert change["seeds"] == [0, 1]
        assert change["accuracies"] == pytest.approx(mine.mean(axis=1))
        assert change["deviation"] == pytest.approx(mine.mean(axis=1).std(ddof=1))
        assert change["train_accuracy"] == pytest.approx(train)
        assert change["gap"] == pytest.approx(train - mine.mean())
        assert (change["parameters"], change["multiply_adds"]) == (1234, 640)
    assert plain["difference"] is plain["interval"] is None
    expected = ablation_study.difference(right[1].astype(float) - right[0])
    assert [dropout["difference"], *dropout["interval"]] == pytest.approx(list(expected))
    assert dropout["values"] == {"model.dropout": 0.5}
    assert plain["values"] == {}


def test_a_change_with_one_seed_has_no_interval(folder):
    evaluate("study/late_0", 7)
    late = ablation_study.study(folder)["changes"]["late"]
    assert late["interval"] is late["deviation"] is None
    assert late["difference"] is not None
    assert "| late |" in shown(folder)["ablation.md"]


def test_runs_of_other_images_or_none_are_refused(folder):
    evaluate("study/more_dropout_1", 1, n=N + 1)
    with pytest.raises(DataError, match="other test images than the other seeds"):
        ablation_study.study(folder)
    evaluate("study/more_dropout_0", 1, n=N + 1)
    with pytest.raises(DataError, match="of different test images"):
        ablation_study.study(folder)
    for run in ("plain_0", "plain_1"):
        paths.predictions(f"study/{run}").unlink()
    with pytest.raises(DataError, match=r"no run of plain has been evaluated.*dvc repro study"):
        ablation_study.study(folder)


@pytest.mark.parametrize(
    ("run", "values", "message"),
    [
        ("plain", RUN, r"runs\.plain: its train\.seed is 0, so its name must be .* _0"),
        ("plain_2", RUN, r"runs\.plain_2: its train\.seed is 0"),
        (
            "plain_2",
            RUN | {"train": {"seed": 2, "epochs": 3}},
            r"runs\.plain_2 differs from the other runs of plain in more than train\.seed",
        ),
    ],
)
def test_runs_are_what_their_names_say(run, values, message):
    study = STUDY | {"runs": STUDY["runs"] | {run: values}}
    with pytest.raises(ParameterError, match=message):
        ablation_study.by_change(Params(study))


def shown(folder):
    report.write(folder, ablation_study.study(folder), 50)
    return {
        path.name: path.read_bytes() if path.suffix == ".png" else path.read_text()
        for path in sorted(Path(folder, "metrics").glob("ablation.*"))
    }


def test_report_shows_the_study(folder):
    found = shown(folder)
    assert list(found) == [
        f"ablation.{kind}" for kind in ("csv", "html", "json", "md", "png", "svg")
    ]
    study = ablation_study.study(folder)
    assert json.loads(found["ablation.json"]) == study
    rows = list(csv.DictReader(found["ablation.csv"].splitlines()))
    assert [row["change"] for row in rows] == ["plain", "more_dropout"]
    dropout = study["changes"]["more_dropout"]
    assert [float(rows[1][name]) for name in ("accuracy", "low", "gap")] == [
        dropout["accuracy"],
        dropout["interval"][0],
        dropout["gap"],
    ]
    assert rows[0]["low"] == ""
    assert found["ablation.md"] == report.markdown(study)
    table = found["ablation.md"].splitlines()
    assert len(table) == 4
    assert f"`model.dropout: 0.5` | {dropout['accuracy']:.4f} |" in table[3]
    assert len({line.count("|") for line in table}) == 1
    page = found["ablation.html"]
    assert '<th scope="row">more_dropout</th>' in page
    assert "Not evaluated yet: late_0." in page
    assert f"{dropout['difference']:+.4f}" in page
    assert "<script" not in page
    style = re.search("<style>(.*)</style>", page, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'" in page
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_report_is_the_same_each_time(folder):
    assert shown(folder) == shown(folder)


def test_best_comes_first_after_the_baseline(folder):
    study = ablation_study.study(folder)
    study["changes"]["a"] = study["changes"]["more_dropout"] | {"accuracy": 0.1}
    study["changes"]["b"] = study["changes"]["more_dropout"] | {"accuracy": 0.99}
    assert report.ordered(study) == ["plain", "b", "more_dropout", "a"]


# The study of ablation/


def test_its_defaults_are_the_main_graphs():
    defaults = read_yaml(ROOT / "params.yaml")["defaults"]
    assert PARAMS["defaults"] == {name: defaults[name] for name in ablation_study.PARTS}
    assert not any(PARAMS["runs"]["baseline_0"][part] for part in ("model", "evaluate"))


STEPS = {"decay_smoothing", "best_small", "best_ten_epochs"}
"""Towards the strong run, and with one seed."""


def test_every_change_but_the_steps_has_three_seeds():
    changes = ablation_study.by_change(Params(PARAMS))
    assert changes.keys() >= STEPS
    for change, seeds in changes.items():
        assert tuple(seeds) == ((0,) if change in STEPS else (0, 1, 2)), change
    assert next(iter(changes)) == PARAMS["ablation"]["baseline"]


def test_its_best_is_the_main_graphs():
    best = read_yaml(ROOT / "params.yaml")["runs"]["fashion_mnist_best"]
    mine = copy.deepcopy(PARAMS["runs"]["best_0"])
    assert mine["train"].pop("seed") == 0
    assert mine == {name: value for name, value in best.items() if name != "report"}


def test_dropout_at_least_halves_the_gap():
    study = files.read_json(ROOT / "ablation/metrics/ablation.json")["changes"]
    assert study["dropout"]["gap"] <= study["baseline"]["gap"] / 2


def test_results_md_has_the_table_of_what_is_committed():
    page = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    path = ROOT / "ablation/metrics/ablation.json"
    not_run = "**The study has not been run yet.**" in page
    assert not_run != path.exists()
    if path.exists():
        assert report.markdown(files.read_json(path)) in page


@pytest.mark.parametrize("stage", ["train", "evaluate"])
def test_its_stages_are_the_main_graphs(stage):
    mine, main = (graph["stages"][stage]["do"] for graph in (GRAPH, test_graph.GRAPH))
    assert mine["cmd"] == main["cmd"].replace("${key}", "ablation/${key}")

    def own(entry):
        """As the main graph has it."""
        return json.loads(json.dumps(entry).replace("ablation/", "")) if entry else entry

    data = [dep for dep in main["deps"] if not dep.startswith(("pipeline/", "stages/"))]
    assert own(mine["deps"]) == [f"data/code/{stage}", *data]
    assert own(mine["outs"]) == main["outs"]
    assert own(mine.get("metrics")) == main.get("metrics")
    params, libraries = mine["params"]
    assert params == {"ablation/params.yaml": main["params"][:-1]}
    assert libraries == main["params"][-1]


def test_its_runs_depend_on_the_code_of_the_main_graphs_stages(tmp_path, monkeypatch):
    for stage in ("train", "evaluate"):
        own = {"stages/code.py", *test_graph.closure(ROOT / "stages/code.py")}
        deps = GRAPH["stages"][f"{stage}_code"]["deps"]
        assert set(deps) == test_graph.code(stage) | own
        assert len(deps) == len(set(deps))
    for folder in ("pipeline", "stages"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
    monkeypatch.chdir(tmp_path)
    from stages import code

    def lists():
        for stage in ("train", "evaluate"):
            code.work(f"ablation/{stage}")
        return [Path("ablation/data/code", stage).read_text() for stage in ("train", "evaluate")]

    for name, listed in zip(("train", "evaluate"), lists(), strict=True):
        assert {line.split("  ")[1] for line in listed.splitlines()} == test_graph.code(name)
    for module, changed in (
        ("gate", (False, False)),
        ("loop", (True, False)),
        ("evaluation", (False, True)),
        ("views", (True, True)),
    ):
        before = lists()
        with Path(f"pipeline/{module}.py").open("a") as file:
            file.write("# a remark\n")
        assert tuple(one != two for one, two in zip(before, lists(), strict=True)) == changed
    with pytest.raises(
        ParameterError, match=r"no stage 'ablation/trian': stages/trian\.py is missing"
    ):
        code.work("ablation/trian")


def test_its_report_depends_on_what_it_is_made_from():
    stage = GRAPH["stages"]["ablation"]
    code = {dep for dep in stage["deps"] if dep.startswith(("pipeline/", "stages/"))}
    templates = {
        "pipeline/ablation/templates/ablation.html.j2",
        "pipeline/ablation/templates/ablation.md.j2",
    }
    assert code == test_graph.closure(ROOT / "stages/ablation.py") | templates
    from stages.ablation import USES

    assert tuple(stage["params"][1]["libraries.yaml"]) == USES


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("runs", {"a_0": RUN}, "runs.a_0.dataset: there is no dataset 'shoes'"),
        ("runs.dropout_0.model", {"dropout": 1.0}, "runs.dropout_1 differs from the other runs"),
        ("datasets", {"nothing": {}, "fashion_mnist": {}}, "datasets.nothing: there is no such"),
        ("ablation.dpi", 0, "ablation.dpi: must be greater than or equal to 20, got 0"),
        ("defaults.train.optimizer", {"name": "adamant"}, "unknown name 'adamant'"),
    ],
)
def test_check_finds_faults(key, value, message):
    values = copy.deepcopy(PARAMS)
    *parents, last = key.split(".")
    section = values
    for name in parents:
        section = section[name]
    section[last] = value
    with pytest.raises(ParameterError, match=message):
        schema.check_study(Params(values), Params(read_yaml(ROOT / "params.yaml")))
