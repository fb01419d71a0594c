"""Memory: peak and time of `extract`, `decode` and `split` as the images grow tenfold.

Both archives are synthetic, and not compressed.
"""

from contextlib import ExitStack
from functools import partial

from benchmarks.data import DATASET
from benchmarks.measuring import Case, Finding, Measured, Quantities
from benchmarks.project import Project, copied
from benchmarks.settings import Settings

STAGES = ("extract", "decode", "split")
TIMES = 10
DATA = "synthetic archives"
LIMIT = 500
"""Megabytes."""


def run(settings: Settings) -> list[Finding]:
    """Measure."""
    small, large = settings.images, TIMES * settings.images
    with ExitStack() as stack:
        cases = []
        for images in (small, large):
            project = stack.enter_context(copied(settings, DATASET, images=images))
            project.stage("download", DATASET, env={"DATA_MIRROR": ""})  # which is asked first
            cases.append(Case(f"{images:,}", partial(prepare, project)))
        found = Measured(cases, settings.repeat)
    names = [case.name for case in cases]
    lines = []
    for stage in STAGES:
        peaks = [found.values(name, f"MB {stage}") for name in names]
        growth = found.ratios(names[1], names[0], f"MB {stage}")
        times = found.ratios(names[1], names[0], f"s {stage}")
        lines += [
            *(
                Finding(f"{stage}: memory at {name} images", peak, "MB", LIMIT)
                for name, peak in zip(names, peaks, strict=True)
            ),
            Finding(f"{stage}: memory at {names[1]}, over that at {names[0]}", growth, target=1.1),
            Finding(
                f"{stage}: time an image at {names[1]}, over that at {names[0]}",
                tuple(ratio / TIMES for ratio in times),
                target=1.1,
            ),
        ]
    return lines


def prepare(project: Project) -> Quantities:
    """Run the stages' programs."""
    found: Quantities = {}
    for stage in STAGES:
        sample = project.stage(stage, DATASET)
        found |= {f"{name} {stage}": value for name, value in sample.quantities.items()}
    project.remove(*(f"data/{name}/{DATASET}" for name in ("extracted", "shards")))
    return found
