"""The study: its statistics against references, and what is committed in ablation/."""

import copy

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline import schema
from pipeline.ablation import study
from pipeline.core import files, paths
from pipeline.core.errors import DataError, ParameterError
from pipeline.core.params import Params, read_yaml
from pipeline.evaluate.predictions import Predictions
from tests.support.builders import ROOT
from tests.support.study import RUN, STUDY, N, evaluate

PARAMS = read_yaml(ROOT / "ablation/params.yaml")


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
    import statsmodels.api  # seconds, which only these tests wait for
    from statsmodels.formula.api import ols

    found = gains(seed=seed)
    rows = [{"seed": s, "image": i, "gain": value} for (s, i), value in np.ndenumerate(found)]
    table = statsmodels.api.stats.anova_lm(
        ols("gain ~ C(seed) + C(image)", pd.DataFrame(rows)).fit()
    )
    of_seeds, of_images, residual = table["sum_sq"] / table["df"]
    total = of_seeds + max(of_images - residual, 0)
    freedom = total**2 / (of_seeds**2 / 2)
    low, high = stats.t.interval(0.95, freedom, found.mean(), np.sqrt(total / found.size))
    assert study.difference(found) == pytest.approx((found.mean(), low, high))


def test_interval_holds_the_truth_as_often_as_it_says():
    inside = [
        low <= 0.02 <= high
        for _, low, high in (study.difference(gains(seed=seed)) for seed in range(400))
    ]
    assert 0.92 <= np.mean(inside) <= 0.99


def test_where_images_do_not_matter_it_is_students_paired_interval():
    found = np.repeat([[0.0], [0.1], [0.5]], 1000, axis=1)
    expected = stats.ttest_1samp([0.0, 0.1, 0.5], 0).confidence_interval(0.95)
    assert study.difference(found)[1:] == pytest.approx(tuple(expected))


def test_no_difference_and_a_single_seed():
    assert study.difference(np.zeros((3, 5))) == (0, 0, 0)
    assert study.difference(np.ones((1, 5))) == (1, None, None)


def test_study(folder):
    found = study.study(folder)
    right = np.array(
        [
            Predictions.read(paths.predictions(f"study/{run}"))[1:3]
            for run in STUDY["runs"]
            if run != "late_0"
        ]
    )
    right = (right[:, 0] == right[:, 1]).reshape(2, 2, N)
    assert found.missing == ["late_0"]
    assert (found.n, found.dataset, found.baseline) == (N, "shoes", "plain")
    plain, dropout = found.changes["plain"], found.changes["more_dropout"]
    for change, mine, train in ((plain, right[0], 0.905), (dropout, right[1], 0.925)):
        assert change.seeds == [0, 1]
        assert change.accuracies == pytest.approx(mine.mean(axis=1))
        assert change.deviation == pytest.approx(mine.mean(axis=1).std(ddof=1))
        assert change.train_accuracy == pytest.approx(train)
        assert change.gap == pytest.approx(train - mine.mean())
        assert (change.parameters, change.multiply_adds) == (1234, 640)
    assert plain.difference is plain.interval is None
    expected = study.difference(right[1].astype(float) - right[0])
    assert [dropout.difference, *dropout.interval] == pytest.approx(list(expected))
    assert dropout.model_dump()["values"] == {"model.dropout": 0.5}
    assert plain.model_dump()["values"] == {}


def test_a_change_with_one_seed_has_no_interval(folder):
    evaluate("study/late_0", 7)
    late = study.study(folder).changes["late"]
    assert late.interval is late.deviation is None
    assert late.difference is not None


def test_runs_of_other_images_or_none_are_refused(folder):
    evaluate("study/more_dropout_1", 1, n=N + 1)
    with pytest.raises(DataError, match="other test images than the other seeds"):
        study.study(folder)
    evaluate("study/more_dropout_0", 1, n=N + 1)
    with pytest.raises(DataError, match="of different test images"):
        study.study(folder)
    for run in ("plain_0", "plain_1"):
        paths.predictions(f"study/{run}").unlink()
    with pytest.raises(DataError, match=r"no run of plain has been evaluated.*--cd study repro"):
        study.study(folder)


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
    params = Params(STUDY | {"runs": STUDY["runs"] | {run: values}})
    with pytest.raises(ParameterError, match=message):
        study.by_change(params)


# The study of ablation/


def test_its_defaults_are_the_main_graphs():
    defaults = read_yaml(ROOT / "params.yaml")["defaults"]
    assert PARAMS["defaults"] == {name: defaults[name] for name in study.PARTS}
    assert not any(PARAMS["runs"]["baseline_0"][part] for part in ("model", "evaluate"))


STEPS = {"decay_smoothing", "best_small", "best_ten_epochs"}
"""Steps towards the strong run, with one seed each."""


def test_every_change_but_the_steps_has_three_seeds():
    changes = study.by_change(Params(PARAMS))
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
    changes = files.read_json(ROOT / "ablation/metrics/ablation.json")["changes"]
    assert changes["dropout"]["gap"] <= changes["baseline"]["gap"] / 2


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
