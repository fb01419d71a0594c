"""The gate, which stops metrics that are worse than those at another Git revision."""

import fnmatch
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from pipeline.compare import runs
from pipeline.compare.tables import Format, render
from pipeline.core import errors, files, paths
from pipeline.core.errors import DataError
from pipeline.core.params import Section
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.metrics import evaluate
from pipeline.evaluate.predictions import Predictions
from pipeline.report.html import leaves

FAILED = ("worse", "gone", "not judged")
HEADER = ("what", "metric", "baseline", "now", "change", "allowed", "verdict")

Tolerance = Annotated[float, Field(ge=0)]


class Rule(Section):
    """One of ``rules`` in ``gate.yaml``: by how much some metrics may be worse."""

    of: Literal["runs", "datasets"] = "runs"
    """The file: ``evaluation.json`` of each run, or ``data.json`` of each dataset."""
    metrics: str
    """Shell-style pattern of their names; those of nested ones are joined by dots."""
    better: Literal["higher", "lower", "equal"]
    """The better direction; with ``equal`` any change is worse."""
    absolute: Tolerance | None = None
    """How much worse a metric may be."""
    relative: Tolerance | None = None
    """The same, as a share of the baseline's value."""
    significance: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The level of McNemar's exact test on the two runs' predictions; for ``accuracy`` alone."""

    @model_validator(mode="after")
    def _one_tolerance(self) -> "Rule":
        given = [self.absolute, self.relative, self.significance]
        if sum(value is not None for value in given) > 1:
            raise ValueError("needs one of absolute, relative and significance, not several")
        if self.significance is not None and (self.of, self.metrics) != ("runs", "accuracy"):
            raise ValueError("significance is for metrics: accuracy of runs")
        return self


class Accepted(Section):
    """One of ``accept`` in ``gate.yaml``: a metric that is worse on purpose."""

    name: str
    """The run or dataset, or a shell-style pattern of several; ``gate.yaml`` for its rules."""
    metric: str
    """Its name, or a pattern; ``rules`` of ``gate.yaml``."""
    worst: float | Literal["gone"] | None = None
    """The worst value that is accepted; ``gone`` for what is not here any more."""
    reason: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _bounded(self) -> "Accepted":
        if self.worst is None and self.name != paths.GATE.name:
            raise ValueError("needs worst: the worst value that is accepted, or gone")
        return self


class GateParams(Section):
    """``gate.yaml``."""

    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    accept: tuple[Accepted, ...] = ()


class Verdict(NamedTuple):
    """A comparison of a metric with its baseline, by a rule."""

    what: str
    metric: str
    baseline: float | str
    now: float | str
    change: str
    allowed: str
    verdict: str

    @property
    def failed(self) -> bool:
        """True if it stops the gate."""
        return self.verdict.startswith(FAILED)


Find = Callable[[Path], Path | None]
"""A function that finds one side's version of a file; it returns None if there is none."""


class Sides(NamedTuple):
    """The metrics and predictions of the two sides."""

    baseline: Find
    now: Find
    is_same: Callable[[Path], bool]
    """Tells of a file of DVC's if both sides record the same, whether it is here or not."""


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
        for name in sorted(names[rule.of]):
            for side in (sides.baseline, sides.now):
                known |= _metrics(rule, name, side).keys()
            judged = _judge(rule, name, sides)
            verdicts += [_accepted(verdict, rule, accept) for verdict in judged]
        if known and not fnmatch.filter(known, rule.metrics):
            reason = f"not judged: no metric of {rule.of} has such a name"
            verdicts.append(Verdict(f"all {rule.of}", rule.metrics, "", "", "", "", reason))
    return list(dict.fromkeys(verdicts))  # every rule says that a run is new


def describe(verdicts: list[Verdict], revision: str, form: Format) -> str:
    """Return the verdicts as text, Markdown or JSON, failures first; only JSON lists equal ones."""
    ordered = sorted(verdicts, key=lambda verdict: not verdict.failed)
    failed = [verdict for verdict in ordered if verdict.failed]
    changed = [verdict for verdict in ordered if verdict.verdict != "same"]
    if form == "json":
        listed = [verdict._asdict() for verdict in ordered]
        value = {"baseline": revision, "passed": not failed, "verdicts": listed}
        return render([], (), form, value)
    outcome = (
        f"{len(failed)} of {len(verdicts)} comparisons with {revision} fail"
        if failed
        else f"all {len(verdicts)} comparisons with {revision} pass"
    )
    outcome += f", {len(verdicts) - len(changed)} are the same"
    return f"{outcome}\n\n{render(changed, HEADER, form)}" if changed else outcome


def judge_rules(before: GateParams | None, now: GateParams) -> list[Verdict]:
    """Return a verdict on the rules themselves: a change of them has to be accepted as such."""
    if before is None or before.rules == now.rules:
        return []
    for accepted in now.accept:
        if (accepted.name, accepted.metric) == (paths.GATE.name, "rules"):
            verdict = f"accepted: {accepted.reason}"
            break
    else:
        verdict = "worse: rules were changed; the baseline's hold until that is accepted"
    old, new = (f"{len(side.rules)} rules" for side in (before, now))
    return [Verdict(paths.GATE.name, "rules", old, new, "", "", verdict)]


def _judge(rule: Rule, name: str, sides: Sides) -> Iterator[Verdict]:
    before, after = _metrics(rule, name, sides.baseline), _metrics(rule, name, sides.now)
    what = f"{rule.of.removesuffix('s')} {name}"
    if after and not before:
        yield Verdict(what, "all", "", "", "", "", _new(rule, name, sides.now))
    for metric in fnmatch.filter(before, rule.metrics):
        old, new = before[metric], after.get(metric)
        if new is None:
            yield Verdict(what, metric, old, "", "", "", "gone")
            continue
        change = f"{new - old:+.4f}"
        if rule.significance is None:
            allowed, verdict = _tolerated(rule, old, new)
        elif before == after:  # the predictions need not be here
            allowed, verdict = f"p ≥ {rule.significance:g}", "same"
        elif sides.is_same(paths.predictions(name)):
            changed = "not judged: it changed, but its predictions did not; evaluate again"
            allowed, verdict = f"p ≥ {rule.significance:g}", "same" if new == old else changed
        else:
            allowed, verdict = _significant(rule.significance, name, sides)
        yield Verdict(what, metric, old, new, change, allowed, verdict)


def _tolerated(rule: Rule, old: float, new: float) -> tuple[str, str]:
    """Return how much worse a metric may be, and the verdict."""
    most = rule.relative * abs(old) if rule.relative is not None else rule.absolute or 0.0
    worse = {"higher": old - new, "lower": new - old, "equal": abs(new - old)}[rule.better]
    if not math.isfinite(worse):
        return f"{most:.4g}", "worse: no finite number"
    if new == old:
        return f"{most:.4g}", "same"
    if worse <= most:
        return f"{most:.4g}", "better" if worse < 0 else "within"
    return f"{most:.4g}", "worse"


def _new(rule: Rule, name: str, now: Find) -> str:
    """Return the verdict on what the baseline lacks: whether its metrics are its predictions'."""
    if rule.of == "datasets":
        return "new"
    metrics = now(paths.metrics(name) / "evaluation.json")
    path = now(paths.predictions(name))
    if metrics is None or path is None:
        return "new, unchecked: its predictions are not here; dvc pull them"
    recorded, predictions = Evaluation.read(metrics), Predictions.read(path)
    found = evaluate(predictions, list(recorded.classes), recorded.train_accuracy, 1)
    unlike = [
        metric
        for metric in ("accuracy", "loss", "n")
        if not math.isclose(getattr(found, metric), getattr(recorded, metric), rel_tol=1e-6)
    ]
    if unlike:
        return f"not judged: {', '.join(unlike)} are not those of its predictions; evaluate again"
    return "new"


def _significant(level: float, run: str, sides: Sides) -> tuple[str, str]:
    """Return the level of McNemar's test with its p-value, and the verdict."""
    allowed = f"p ≥ {level:g}"
    path = paths.predictions(run)
    found = {"baseline": sides.baseline(path), "now": sides.now(path)}
    missing = [side for side, version in found.items() if version is None]
    if missing:
        return allowed, f"not judged: {path} is missing ({' and '.join(missing)}); dvc pull it"
    first, second = (Predictions.read(version) for version in found.values() if version)
    try:
        result = runs.compare(first, second, ())
    except DataError as error:
        return allowed, f"not judged: {error}"
    allowed = f"{allowed}, is {result.p_value:.3g}"
    if result.difference >= 0:
        return allowed, "better" if result.difference else "same"
    return allowed, "worse" if result.p_value < level else "within"


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
                return verdict._replace(verdict=f"accepted: {accepted.reason}")
        elif isinstance(verdict.now, float) and accepted.worst is not None:
            bounds = {
                "higher": (accepted.worst, math.inf),
                "lower": (-math.inf, accepted.worst),
                "equal": sorted((float(verdict.baseline), accepted.worst)),
            }
            low, high = bounds[rule.better]
            if low <= verdict.now <= high:
                return verdict._replace(verdict=f"accepted: {accepted.reason}")
    return verdict


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
