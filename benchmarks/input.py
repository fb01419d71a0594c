"""Input: an epoch that reads its images from shards, against one that has them in memory."""

from functools import partial

from benchmarks import training
from benchmarks.measuring import Case, Finding, Measured
from benchmarks.project import copied
from benchmarks.settings import Settings

BUDGET = "PIPELINE_MEMORY"
"""The variable that says how many bytes of images may be held in memory."""


def run(settings: Settings) -> list[Finding]:
    """Measure."""
    with copied(settings, training.DATASET) as project:
        training.prepare(project, settings, ["float32"])
        budgets = {"memory": str(1 << 40), "shards": "1"}
        cases = [
            Case(
                name,
                partial(training.epoch, project, settings, "float32", {BUDGET: value}),
            )
            for name, value in budgets.items()
        ]
        found = Measured(cases, settings.repeat)
    return [
        Finding(
            "an epoch from shards, over one from memory",
            found.ratios("shards", "memory"),
            target=1.05,
        ),
        *(Finding(f"{case.name}: time", found.values(case.name), "s") for case in cases),
        *(Finding(f"{case.name}: memory", found.values(case.name, "MB"), "MB") for case in cases),
    ]
