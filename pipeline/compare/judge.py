"""Judgement of metrics by the gate's rules."""

import fnmatch
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.compare import chance, runs
from pipeline.compare.gate import Accepted, Rule, Verdict
from pipeline.core import errors, files, paths
from pipeline.core.errors import DataError, first_few
from pipeline.evaluate.metrics import SMALLEST
from pipeline.evaluate.predictions import Predictions
from pipeline.report.html import leaves

UNPAIRED = "unpaired"
"""Said of a test without the predictions of a side."""


Find = Callable[[Path], Path | None]
"""A function that finds one side's version of a file; it returns None if there is none."""


class Sides(NamedTuple):
    """The metrics and predictions of the two sides."""

    baseline: Find
    now: Find
    is_same: Callable[[Path], bool]
    """Tells of a file of DVC's if both sides record the same, whether it is here or not."""
    classes: Callable[[str], Sequence[str]] = lambda _: ()
    """Returns the names of a run's classes, in the order of the labels; none if nobody knows."""
    others: Callable[[str, bool], str] = lambda *_: ""
    """Returns why a run's test images may be others at the two sides, else nothing; the second
    argument says whether both sides' predictions are here, which tell the images' names."""


class _Tested(NamedTuple):
    """A verdict that waits for the p-values of the others."""

    verdict: Verdict
    p_value: float
    how: str
    """Of the test: ``UNPAIRED``, or empty."""


def judge(
    rules: Sequence[Rule], accept: Sequence[Accepted], sides: Sides, names: dict[str, set[str]]
) -> list[Verdict]:
    """Return a verdict on every metric that a rule names.

    Parameters
    ----------
    rules : sequence of Rule
        The baseline's: a change cannot choose by which it is judged.
    accept : sequence of Accepted
        What the change says of itself.
    names : dict
        ``runs`` and ``datasets`` that one of the two sides has.
    """
    verdicts = []
    for rule in rules:
        known: set[str] = set()
        judged: list[Verdict | _Tested] = []
        for name in sorted(names[rule.of]):
            for side in (sides.baseline, sides.now):
                known |= _metrics(rule, name, side).keys()
            judged += _judge(rule, name, sides)
        verdicts += [_accepted(verdict, rule, accept) for verdict in _settled(rule, judged)]
        if known and not fnmatch.filter(known, rule.metrics):
            reason = f"not judged: no metric of {rule.of} has such a name"
            verdicts.append(Verdict(f"all {rule.of}", rule.metrics, "", "", "", "", reason))
    return list(dict.fromkeys(verdicts))  # every rule says that a run is new


def _judge(rule: Rule, name: str, sides: Sides) -> Iterator[Verdict | _Tested]:
    before, after = _metrics(rule, name, sides.baseline), _metrics(rule, name, sides.now)
    what = f"{rule.of.removesuffix('s')} {name}"
    if after and not before:
        yield Verdict(what, "all", "", "", "", "", _new(rule, name, sides))
    elif after and rule.of == "runs" and (unlike := _changed_unlike(name, after, sides)):
        yield Verdict(what, "all", "", "", "", "", unlike)
    for metric in fnmatch.filter(before, rule.metrics):
        old, new = before[metric], after.get(metric)
        if new is None:
            yield Verdict(what, metric, old, "", "", "", "gone")
            continue
        verdict = Verdict(what, metric, old, new, f"{new - old:+.4f}", "", "same")
        if rule.significance is None:
            yield verdict._replace(**_tolerated(rule, old, new))
        elif new == old:
            yield verdict
        elif not math.isfinite(new - old):
            yield verdict._replace(verdict="worse: no finite number")
        elif sides.is_same(paths.predictions(name)):
            changed = "not judged: it changed, but its predictions did not; evaluate again"
            yield verdict._replace(verdict=changed)
        else:
            yield _test(rule, name, verdict, sides)


def _settled(rule: Rule, judged: Sequence[Verdict | _Tested]) -> Iterator[Verdict]:
    """Yield the verdicts of a rule, of which tests share one level."""
    tested = [one for one in judged if isinstance(one, _Tested)]
    p_values = iter(chance.holm([one.p_value for one in tested]))
    for one in judged:
        if isinstance(one, Verdict):
            yield one
            continue
        p_value, level = next(p_values), rule.significance or 0.0
        how = f", {one.how}" if one.how else ""
        old, new = float(one.verdict.baseline), float(one.verdict.now)
        better = new > old if rule.better == "higher" else new < old
        found = "better" if better else "worse" if p_value < level else "within"
        allowed = f"{_margin(rule)} beyond chance (p ≥ {level:g}, is {p_value:.2g}{how})"
        yield one.verdict._replace(allowed=allowed, verdict=found)


def _margin(rule: Rule) -> str:
    return f"{rule.relative:.0%}" if rule.relative is not None else f"{rule.absolute or 0:g}"


def _test(rule: Rule, run: str, verdict: Verdict, sides: Sides) -> Verdict | _Tested:
    """Test whether a run lost more than a rule allows, with its predictions where they are here."""
    path = paths.predictions(run)
    versions = [sides.baseline(path), sides.now(path)]
    if others := sides.others(run, None not in versions):
        return verdict._replace(verdict=f"not judged: {others}")
    try:
        if None in versions:
            return _unpaired(rule, run, verdict, sides)
        first, second = (Predictions.read(version) for version in versions if version)
        order = runs.same_images(first, second)
    except DataError as error:
        return verdict._replace(verdict=f"not judged: {error}")
    if rule.metrics == "loss":
        old, new = _losses(first), _losses(second)[order]
        return _Tested(verdict, chance.p_of_losses(old, new, rule.relative or 0.0), "")
    right = np.stack([first.correct, second.correct[order]])
    if rule.metrics != "accuracy":
        classes = list(sides.classes(run))
        label = verdict.metric.removeprefix("classes.").removesuffix(".recall")
        if label not in classes:
            return _unpaired(rule, run, verdict, sides)
        right = right[:, first.labels == classes.index(label)]
    first_only, second_only = (right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum()
    margin, n = rule.absolute or 0.0, right.shape[1]
    p_value = chance.p_of_counts(float(first_only), float(second_only), n, margin)
    return _Tested(verdict, p_value, "")


def _unpaired(rule: Rule, run: str, verdict: Verdict, sides: Sides) -> Verdict | _Tested:
    """Test a share of correct images by numbers of images alone."""
    if rule.metrics == "loss":
        found = _tolerated(rule, float(verdict.baseline), float(verdict.now))
        return verdict._replace(**found)
    count = verdict.metric.removesuffix("recall") + "support" if rule.metrics != "accuracy" else "n"
    path = paths.metrics(run) / "evaluation.json"
    numbers = [_numbers(side(path)).get(count) for side in (sides.baseline, sides.now)]
    if None in numbers or numbers[0] != numbers[1]:
        raise DataError("the two are of other numbers of test images, and predictions are missing")
    old, new, n = float(verdict.baseline), float(verdict.now), numbers[0] or 0.0
    return _Tested(verdict, chance.p_unpaired(old, new, n, rule.absolute or 0.0), UNPAIRED)


def _losses(predictions: Predictions) -> np.ndarray[Any, Any]:
    """Return the loss of each image, whose mean is ``loss``."""
    rows = np.arange(len(predictions.labels))
    true = predictions.probabilities[rows, predictions.labels].astype(np.float64)
    losses: np.ndarray[Any, Any] = -np.log(np.maximum(true, SMALLEST))
    return losses


def _tolerated(rule: Rule, old: float, new: float) -> dict[str, str]:
    """Return how much worse a metric may be, as ``allowed``, and the ``verdict``."""
    most = rule.relative * abs(old) if rule.relative is not None else rule.absolute or 0.0
    worse = {"higher": old - new, "lower": new - old, "equal": abs(new - old)}[rule.better]
    if not math.isfinite(worse):
        verdict = "worse: no finite number"
    elif new == old:
        verdict = "same"
    elif worse <= most:
        verdict = "better" if worse < 0 else "within"
    else:
        verdict = "worse"
    return {"allowed": f"{most:.4g}", "verdict": verdict}


def _new(rule: Rule, name: str, sides: Sides) -> str:
    """Return the verdict on what the baseline lacks: whether its metrics are its predictions'."""
    if rule.of == "datasets":
        return "new"
    if sides.now(paths.predictions(name)) is None:
        return "new, unchecked: its predictions are not here; dvc pull them"
    return _unlike(name, _metrics(rule, name, sides.now), sides) or "new"


def _changed_unlike(run: str, metrics: Mapping[str, float], sides: Sides) -> str:
    """Return the same as ``_unlike`` for a run whose predictions changed, else nothing."""
    return "" if sides.is_same(paths.predictions(run)) else _unlike(run, metrics, sides)


def _unlike(run: str, metrics: Mapping[str, float], sides: Sides) -> str:
    """Return the verdict on metrics that are not those of predictions which are here, else nothing.

    They are computed here, apart from the code that is judged.
    """
    path = sides.now(paths.predictions(run))
    if path is None:
        return ""
    found = Predictions.read(path)
    right = found.correct
    expected = {"accuracy": right.mean(), "loss": _losses(found).mean(), "n": len(right)}
    for label, name in enumerate(sides.classes(run)):
        if (of_class := right[found.labels == label]).size:
            expected[f"classes.{name}.recall"] = of_class.mean()
    unlike = [
        metric
        for metric, value in expected.items()
        if metric in metrics and not math.isclose(value, metrics[metric], rel_tol=1e-6)
    ]
    if not unlike:
        return ""
    return f"not judged: {first_few(unlike)} are not those of its predictions; evaluate again"


def _accepted(verdict: Verdict, rule: Rule, accept: Sequence[Accepted]) -> Verdict:
    """Return a rule's verdict, or that ``accept`` allows it."""
    name = verdict.what.partition(" ")[2]
    for accepted in accept:
        named = fnmatch.fnmatchcase(name, accepted.name) and fnmatch.fnmatchcase(
            verdict.metric, accepted.metric
        )
        if not (verdict.failed and named):
            continue
        if accepted.worst == "gone":
            if verdict.verdict == "gone":
                return _with_reason(verdict, accepted)
        elif isinstance(verdict.now, float) and accepted.worst is not None:
            bounds = {
                "higher": (accepted.worst, math.inf),
                "lower": (-math.inf, accepted.worst),
                "equal": sorted((float(verdict.baseline), accepted.worst)),
            }
            low, high = bounds[rule.better]
            if low <= verdict.now <= high:
                return _with_reason(verdict, accepted)
    return verdict


def _with_reason(verdict: Verdict, accepted: Accepted) -> Verdict:
    """Return a verdict as accepted; numbers tell what is worse, but not why nobody could judge."""
    why = f" ({verdict.verdict})" if verdict.verdict.startswith("not judged") else ""
    return verdict._replace(verdict=f"accepted: {accepted.reason}{why}")


def _metrics(rule: Rule, name: str, side: Find) -> dict[str, float]:
    """Return one side's metrics of a run or dataset."""
    path = paths.metrics(name) / "evaluation.json" if rule.of == "runs" else paths.data_card(name)
    return _numbers(side(path))


def _numbers(path: Path | None) -> dict[str, float]:
    """Return all numbers of a JSON file by their names, nested ones joined by dots."""
    if path is None:
        return {}
    found = files.read_json(path)
    if not isinstance(found, dict):
        raise DataError(f"{path} holds no metrics; run dvc repro")
    with errors.one_line(path, "run dvc repro"):  # other versions wrote other metrics
        return {
            name: float(value)
            for name, value in leaves(found)
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
