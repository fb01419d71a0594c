import json
import math

import pytest

from pipeline.compare import gate, judge
from pipeline.compare.gate import Accepted, GateParams, Rule
from pipeline.core import paths
from pipeline.core.errors import ParameterError
from pipeline.core.params import Params
from pipeline.evaluate.metrics import evaluate
from tests.support.builders import ROOT
from tests.support.reports import predictions

HIGHER = Rule(metrics="accuracy", better="higher", absolute=0.02)
LOWER = Rule(metrics="loss", better="lower", relative=0.1)
EQUAL = Rule(metrics="n", better="equal")
PAIRED = Rule(metrics="accuracy", better="higher", absolute=0, significance=0.05)


class Side:
    """The metrics of one side, and predictions."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, run="a", predicted=None, **metrics):
        path = self.folder / paths.metrics(run) / "evaluation.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(metrics))
        if predicted is not None:
            predicted.write(self.folder / paths.predictions(run))

    def find(self, path):
        return self.folder / path if (self.folder / path).exists() else None


@pytest.fixture
def sides(tmp_path):
    return Side(tmp_path / "before"), Side(tmp_path / "now")


def judged(sides, *rules, accept=(), runs=("a",), same=False, classes=()):
    before, now = sides
    both = judge.Sides(before.find, now.find, lambda _: same, lambda _: classes)
    return judge.judge(rules, accept, both, {"runs": set(runs), "datasets": set()})


@pytest.mark.parametrize(
    ("rule", "before", "now", "verdict"),
    [
        (HIGHER, {"accuracy": 0.9}, {"accuracy": 0.9}, "same"),
        (HIGHER, {"accuracy": 0.9}, {"accuracy": 0.95}, "better"),
        (HIGHER, {"accuracy": 0.9}, {"accuracy": 0.881}, "within"),
        (HIGHER, {"accuracy": 0.9}, {"accuracy": 0.87}, "worse"),
        (LOWER, {"loss": 0.5}, {"loss": 0.54}, "within"),
        (LOWER, {"loss": 0.5}, {"loss": 0.56}, "worse"),
        (LOWER, {"loss": 0.5}, {"loss": 0.1}, "better"),
        (EQUAL, {"n": 10}, {"n": 10}, "same"),
        (EQUAL, {"n": 10}, {"n": 11}, "worse"),
        (HIGHER, {"accuracy": 0.9}, {}, "gone"),
        (HIGHER, {"accuracy": 0.9}, {"accuracy": math.nan}, "worse: no finite number"),
        (LOWER, {"loss": 0.5}, {"loss": math.inf}, "worse: no finite number"),
    ],
)
def test_tolerances(sides, rule, before, now, verdict):
    sides[0].write(**before)
    sides[1].write(**now)
    (found,) = judged(sides, rule)
    assert found.verdict == verdict
    assert found.failed == (verdict.split(":")[0] in ("worse", "gone"))


def test_a_run_that_disappeared_fails_and_a_new_one_does_not(sides):
    sides[0].write("old", accuracy=0.9, loss=0.1)
    sides[1].write("new", accuracy=0.1, loss=9.9)
    found = judged(sides, HIGHER, LOWER, runs=("old", "new"))
    assert [(v.what, v.metric, v.verdict) for v in found] == [
        ("run new", "all", "new, unchecked: its predictions are not here; dvc pull them"),
        ("run old", "accuracy", "gone"),
        ("run old", "loss", "gone"),
    ]


def evaluated(side, predicted, **changes):
    """Write what a run's predictions give, but for some changes, and the predictions."""
    found = evaluate(predicted, ("cat", "dog", "emu"), 0.9, 15).model_dump()
    side.write("new", predicted, **(found | changes))


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "new"),
        (
            {"loss": 0.001},
            "not judged: loss are not those of its predictions; evaluate again",
        ),
    ],
)
def test_a_new_runs_metrics_have_to_be_its_predictions(sides, changes, verdict):
    evaluated(sides[1], predictions(0.8, 1), **changes)
    (found,) = judged(sides, HIGHER, runs=("new",))
    assert (found.verdict, found.failed) == (verdict, bool(changes))


def test_metrics_that_changed_with_their_predictions_have_to_be_theirs(sides):
    """As where another ``stages/evaluate.py`` writes the baseline's numbers again."""
    evaluated(sides[0], predictions(0.84, 1))
    evaluated(sides[1], predictions(0.6, 2), accuracy=0.84)
    found = judged(sides, HIGHER, PAIRED, runs=("new",))
    assert found[0].verdict.startswith("not judged: accuracy are not those of its predictions")
    evaluated(sides[1], predictions(0.84, 2), classes={"emu": {"recall": 1.0}})
    found = judged(sides, HIGHER, runs=("new",), classes=("cat", "dog", "emu"))
    assert "classes.emu.recall are not those" in found[0].verdict
    (found,) = judged(sides, HIGHER, runs=("new",), same=True)  # the same predictions: verify does
    assert not found.failed


def test_other_images_are_not_judged(sides):
    for side, accuracy in zip(sides, (0.8, 0.9), strict=True):
        side.write(accuracy=accuracy, n=300)
    both = judge.Sides(*(side.find for side in sides), lambda _: False, others=lambda *_: "others")
    (found,) = judge.judge([PAIRED], (), both, {"runs": {"a"}, "datasets": set()})
    assert (found.verdict, found.failed) == ("not judged: others", True)


def test_metrics_that_changed_without_their_predictions_are_not_judged(sides):
    sides[0].write(accuracy=0.84, loss=0.5)
    sides[1].write(accuracy=0.92, loss=0.5)
    (found,) = judged(sides, PAIRED, same=True)
    assert found.failed
    assert found.verdict.startswith("not judged: it changed, but its predictions did not")
    sides[1].write(accuracy=0.84, loss=0.5, more=1)  # as a later version writes it
    assert judged(sides, PAIRED, same=True)[0].verdict == "same"


def test_rules_that_changed_fail_until_that_is_accepted():
    before = GateParams(rules=(HIGHER, LOWER))
    weaker = Rule(metrics="accuracy", better="higher", absolute=0.5)
    (found,) = gate.judge_rules(before, GateParams(rules=(weaker,)))
    assert (found.what, found.baseline, found.now) == ("gate.yaml", "2 rules", "1 rules")
    assert found.failed
    accept = Accepted(name="gate.yaml", metric="rules", reason="one is enough")
    (found,) = gate.judge_rules(before, GateParams(rules=(weaker,), accept=(accept,)))
    assert (found.verdict, found.failed) == ("accepted: one is enough", False)
    old = GateParams(rules=(HIGHER, LOWER), accept=(accept,))  # said of an earlier change
    (found,) = gate.judge_rules(old, GateParams(rules=(weaker,), accept=(accept,)))
    assert found.failed
    other = Accepted(name="gate.yaml", metric="rules", reason="another")
    assert gate.accepted_now(old, GateParams(rules=(weaker,), accept=(accept, other))) == [other]
    named = before.model_copy(update={"reproduced": ("a", "b")})
    (found,) = gate.judge_rules(named, before)
    assert (found.baseline, found.now) == ("a, b", "none")
    assert found.verdict.startswith("worse: reproduced was changed")
    assert gate.judge_rules(before, before) == []
    assert gate.judge_rules(None, before) == []  # the first gate.yaml


def test_what_is_gone_can_be_accepted_by_a_pattern(sides):
    for name in ("old_1", "old_2", "other"):
        sides[0].write(name, accuracy=0.9, loss=0.1)
    accept = [Accepted(name="old_*", metric="*", worst="gone", reason="replaced")]
    found = judged(sides, HIGHER, LOWER, accept=accept, runs=("old_1", "old_2", "other"))
    assert [v.verdict for v in found] == (["accepted: replaced"] * 2 + ["gone"]) * 2
    (sides[1].folder / "metrics").mkdir(parents=True)
    sides[1].write("old_1", accuracy=0.1, loss=0.1)  # worse is not gone
    assert judged(sides, HIGHER, accept=accept, runs=("old_1",))[0].failed


def test_nested_metrics_by_pattern(sides):
    classes = {"T-shirt/top": {"recall": 0.8}, "Bag": {"recall": 0.9}}
    sides[0].write(classes=classes)
    sides[1].write(classes=classes | {"Bag": {"recall": 0.7}})
    found = judged(sides, Rule(metrics="classes.*.recall", better="higher", absolute=0.1))
    assert {(v.metric, v.verdict) for v in found} == {
        ("classes.T-shirt/top.recall", "same"),
        ("classes.Bag.recall", "worse"),
    }


def write(side, accuracy, seed, n=300):
    one = predictions(accuracy, seed, n)
    side.write(predicted=one, accuracy=float((one.predicted == one.labels).mean()), seed=seed)


def test_significantly_worse_by_the_paired_test(sides):
    write(sides[0], 0.9, 1)
    write(sides[1], 0.7, 2)
    (found,) = judged(sides, PAIRED)
    assert (found.verdict, found.failed) == ("worse", True)
    assert found.allowed.startswith("0 beyond chance (p ≥ 0.05, is ")
    (found,) = judged(sides[::-1], PAIRED)
    assert found.verdict == "better"


def test_worse_but_not_significantly(sides):
    write(sides[0], 0.84, 1)
    write(sides[1], 0.82, 2)
    (found,) = judged(sides, PAIRED)
    assert found.now < found.baseline
    assert (found.verdict, found.failed) == ("within", False)


def test_equal_metrics_need_no_predictions(sides):
    for side in sides:
        side.write(accuracy=0.9, loss=0.1)
    (found,) = judged(sides, PAIRED)
    assert found.verdict == "same"


def test_without_predictions_numbers_of_images_are_compared(sides):
    sides[0].write(accuracy=0.9, n=300)
    for accuracy, verdict in ((0.88, "within"), (0.7, "worse"), (0.95, "better")):
        sides[1].write(accuracy=accuracy, n=300)
        (found,) = judged(sides, PAIRED)
        assert found.verdict == verdict
        assert found.allowed.endswith(", unpaired)")
    sides[1].write(accuracy=0.9001, n=301)
    (found,) = judged(sides, PAIRED)
    assert found.verdict.startswith("not judged: the two are of other numbers of test images")


def test_other_test_images_are_not_judged(sides):
    write(sides[0], 0.9, 1)
    write(sides[1], 0.9, 2, n=200)
    (found,) = judged(sides, PAIRED)
    assert found.failed
    assert found.verdict.startswith("not judged: the two are of different test images")


def test_what_is_accepted_passes_as_long_as_it_is_not_worse_still(sides):
    sides[0].write(accuracy=0.9, loss=0.5)
    sides[1].write(accuracy=0.8, loss=0.9)
    accept = [Accepted(name="a", metric="accuracy", worst=0.79, reason="less data")]
    accuracy, loss = judged(sides, HIGHER, LOWER, accept=accept)
    assert (accuracy.verdict, accuracy.failed) == ("accepted: less data", False)
    shown = gate.describe([loss._replace(verdict="better"), accuracy], "main", "text").splitlines()
    assert shown[0].endswith("pass, 0 are the same, 1 is accepted")
    assert "accepted: less data" in shown[3]
    assert loss.failed
    sides[1].write(accuracy=0.78, loss=0.9)
    assert all(verdict.failed for verdict in judged(sides, HIGHER, LOWER, accept=accept))
    accept = [Accepted(name="a", metric="loss", worst=1.0, reason="x")]
    assert [v.failed for v in judged(sides, HIGHER, LOWER, accept=accept)] == [True, False]


def test_why_nobody_could_judge_stands_beside_what_is_accepted(sides):
    sides[0].write(accuracy=0.9)
    sides[1].write(accuracy=0.9001)
    accept = [Accepted(name="*", metric="*", worst=0, reason="another network")]
    both = judge.Sides(*(side.find for side in sides), lambda _: False, others=lambda *_: "others")
    (found,) = judge.judge([PAIRED], accept, both, {"runs": {"a"}, "datasets": set()})
    assert found.verdict == "accepted: another network (not judged: others)"
    assert found.accepted
    assert not found.failed


def test_what_is_accepted_is_judged_by_its_own_rule(sides):
    sides[0].write(n=1000, loss=0.5)
    sides[1].write(n=2000, loss=0.9)
    accept = [Accepted(name="a", metric=metric, worst=0.95, reason="x") for metric in ("n", "loss")]
    rules = Rule(metrics="*", better="higher"), EQUAL, LOWER
    verdicts = {(v.metric, v.verdict) for v in judged(sides, *rules, accept=accept)}
    assert ("n", "worse") in verdicts
    assert ("loss", "accepted: x") in verdicts


def test_a_rule_without_metrics_fails(sides):
    sides[0].write(accuracy=0.9)
    sides[1].write(accuracy=0.9)
    same, missed = judged(sides, HIGHER, Rule(metrics="acuracy", better="higher"))
    assert (same.failed, missed.failed, missed.metric) == (False, True, "acuracy")


def test_shown_as_text_markdown_and_json(sides):
    sides[0].write(accuracy=0.9, loss=0.5, n=3)
    sides[1].write(accuracy=0.8, loss=0.4, n=3)
    found = judged(sides, LOWER, HIGHER, EQUAL)
    text = gate.describe(found, "abc", "text").splitlines()
    assert text[0] == "1 of 3 comparisons with abc fail, 1 are the same"
    assert text[3].split() == [
        "run",
        "a",
        "accuracy",
        "0.9000",
        "0.8000",
        "-0.1000",
        "0.02",
        "worse",
    ]
    assert len(text) == 5
    assert "| run a" in gate.describe(found, "abc", "markdown")
    value = json.loads(gate.describe(found, "abc", "json"))
    assert value["passed"] is False
    assert [v["metric"] for v in value["verdicts"]] == ["accuracy", "loss", "n"]
    assert gate.describe(judged(sides, EQUAL), "abc", "text") == (
        "all 1 comparisons with abc pass, 1 are the same"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metrics": "loss", "better": "less"}, r"rules\[0\].better: must be 'higher', 'lower'"),
        ({"metrics": "n", "better": "equal", "absolut": 1}, r"absolut: unknown key; did you mean"),
        (
            {"metrics": "loss", "better": "lower", "absolute": 0.1, "relative": 0.1},
            r"rules\[0\]: needs one of absolute and relative, not both",
        ),
        (
            {"metrics": "n", "better": "lower", "significance": 0.1},
            r"significance is for metrics of runs: accuracy, classes",
        ),
        (
            {"metrics": "loss", "better": "lower", "absolute": 0.1, "significance": 0.1},
            r"with significance, loss has relative, and the others absolute",
        ),
    ],
)
def test_impossible_rules_are_refused(change, message):
    with pytest.raises(ParameterError, match=message):
        Params({"rules": [change]}, paths.GATE).section(GateParams)


def test_committed_metrics_pass_their_own_gate():
    params = Params.read(ROOT / paths.GATE).section(GateParams)
    names = {
        kind: {path.name for path in (ROOT / paths.METRICS / kind).iterdir()}
        for kind in ("runs", "datasets")
    }

    def find(path):
        return ROOT / path if (ROOT / path).exists() else None

    sides = judge.Sides(find, find, lambda _: True)
    verdicts = judge.judge(params.rules, params.accept, sides, names)
    assert {verdict.verdict for verdict in verdicts} == {"same"}
    assert {verdict.metric for verdict in verdicts} >= {"accuracy", "loss", "subsets.test.n"}
