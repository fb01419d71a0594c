"""The gate's rules and verdicts: metrics that are worse than those at another Git revision."""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from pipeline.compare.tables import Format, render
from pipeline.core import paths
from pipeline.core.params import NAME, Section

FAILED = ("worse", "gone", "not judged")
ACCEPTED = "accepted"
HEADER = ("what", "metric", "baseline", "now", "change", "allowed", "verdict")

TESTED = (("runs", "accuracy"), ("runs", "classes.*.recall"), ("runs", "loss"))
"""What can have ``significance``."""

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
    """The level of a test on the test images: worse is what loses more than is allowed, beyond what
    chance explains. It holds for all metrics of the rule together, of all runs."""

    @model_validator(mode="after")
    def _one_tolerance(self) -> "Rule":
        if self.absolute is not None and self.relative is not None:
            raise ValueError("needs one of absolute and relative, not both")
        if self.significance is not None and (self.of, self.metrics) not in TESTED:
            known = ", ".join(metrics for _, metrics in TESTED)
            raise ValueError(f"significance is for metrics of runs: {known}")
        if self.significance is not None and (self.relative is None) == (self.metrics == "loss"):
            raise ValueError("with significance, loss has relative, and the others absolute")
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
    reproduced: tuple[Annotated[str, Field(pattern=NAME)], ...] = ()
    """The runs that CI trains itself, at both revisions."""
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

    @property
    def accepted(self) -> bool:
        """True if it would, but for ``accept``."""
        return self.verdict.startswith(ACCEPTED)


def describe(
    verdicts: Sequence[Verdict],
    revision: str,
    form: Format,
    faults: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> str:
    """Return the verdicts as text, Markdown or JSON; only JSON lists equal ones.

    Failures come first, then what is accepted.

    JSON also has faults and notes of a review.
    """
    ordered = sorted(verdicts, key=lambda verdict: (not verdict.failed, not verdict.accepted))
    failed = [verdict for verdict in ordered if verdict.failed]
    changed = [verdict for verdict in ordered if verdict.verdict != "same"]
    if form == "json":
        listed = [verdict._asdict() for verdict in ordered]
        value = {"baseline": revision, "passed": not failed and not faults, "verdicts": listed}
        value |= {"faults": list(faults), "notes": list(notes)} if faults or notes else {}
        return render([], (), form, value)
    outcome = (
        f"{len(failed)} of {len(verdicts)} comparisons with {revision} fail"
        if failed
        else f"all {len(verdicts)} comparisons with {revision} pass"
    )
    outcome += f", {len(verdicts) - len(changed)} are the same"
    if accepted := sum(verdict.accepted for verdict in verdicts):
        outcome += f", {accepted} {'is' if accepted == 1 else 'are'} accepted"
    return f"{outcome}\n\n{render(changed, HEADER, form)}" if changed else outcome


def accepted_now(before: GateParams | None, now: GateParams) -> list[Accepted]:
    """Return what a change accepts: what the baseline had accepted already was for that one."""
    known = before.accept if before else ()
    return [accepted for accepted in now.accept if accepted not in known]


def judge_rules(before: GateParams | None, now: GateParams) -> list[Verdict]:
    """Return a verdict on the rules themselves: a change of them has to be accepted as such."""
    if before is None or _strictness(before) == _strictness(now):
        return []
    for accepted in accepted_now(before, now):
        if (accepted.name, accepted.metric) == (paths.GATE.name, "rules"):
            verdict = f"accepted: {accepted.reason}"
            break
    else:
        verdict = "worse: rules were changed; the baseline's hold until that is accepted"
    old, new = (f"{len(side.rules)} rules" for side in (before, now))
    if before.rules == now.rules:
        old, new = (", ".join(side.reproduced) or "none" for side in (before, now))
        verdict = verdict.replace("worse: rules were", "worse: reproduced was")
    return [Verdict(paths.GATE.name, "rules", old, new, "", "", verdict)]


def _strictness(params: GateParams) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    return params.rules, params.reproduced
