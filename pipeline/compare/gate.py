"""The gate, which stops metrics that are worse than those at another Git revision."""

import fnmatch
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from pipeline.compare import runs
from pipeline.compare.tables import Format, render
from pipeline.core import errors, files, paths
from pipeline.core.errors import DataError
from pipeline.core.params import Section
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
    """The run or dataset."""
    metric: str
    worst: float
    """The worst value that is accepted."""
    reason: Annotated[str, Field(min_length=1)]


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


def judge(
    params: GateParams, baseline: Find, now: Find, names: dict[str, set[str]]
) -> list[Verdict]:
    """Return a verdict on every metric that a rule names.

    Parameters
    ----------
    baseline, now : callable
        Find the metrics and predictions of the two sides.
    names : dict
        ``runs`` and ``datasets`` that one of the two sides has.
    """
    verdicts = []
    for rule in params.rules:
        known: set[str] = set()
        for name in sorted(names[rule.of]):
            known |= _metrics(rule, name, baseline).keys() | _metrics(rule, name, now).keys()
            judged = _judge(rule, name, baseline, now)
            verdicts += [_accepted(verdict, rule, params.accept) for verdict in judged]
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


def _judge(rule: Rule, name: str, baseline: Find, now: Find) -> Iterator[Verdict]:
    before, after = _metrics(rule, name, baseline), _metrics(rule, name, now)
    what = f"{rule.of.removesuffix('s')} {name}"
    if after and not before:
        yield Verdict(what, "all", "", "", "", "", "new")
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
        else:
            allowed, verdict = _significant(rule.significance, name, baseline, now)
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


def _significant(level: float, run: str, baseline: Find, now: Find) -> tuple[str, str]:
    """Return the level of McNemar's test with its p-value, and the verdict."""
    allowed = f"p ≥ {level:g}"
    path = paths.predictions(run)
    sides = {"baseline": baseline(path), "now": now(path)}
    missing = [side for side, version in sides.items() if version is None]
    if missing:
        return allowed, f"not judged: {path} is missing ({' and '.join(missing)}); dvc pull it"
    first, second = (Predictions.read(version) for version in sides.values() if version)
    try:
        result = runs.compare(first, second, ())
    except DataError as error:
        return allowed, f"not judged: {error}"
    allowed = f"{allowed}, is {result.p_value:.3g}"
    if result.difference >= 0:
        return allowed, "better" if result.difference else "same"
    return allowed, "worse" if result.p_value < level else "within"


def _accepted(verdict: Verdict, rule: Rule, accept: tuple[Accepted, ...]) -> Verdict:
    """Return a rule's verdict, or that ``accept`` allows it."""
    for accepted in accept:
        named = verdict.what.endswith(f" {accepted.name}") and verdict.metric == accepted.metric
        if verdict.failed and named and isinstance(verdict.now, float):
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
