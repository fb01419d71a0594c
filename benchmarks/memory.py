"""Memory: peak and time of `extract`, `decode` and `split` as the images grow tenfold.

Both archives are synthetic, and not compressed. py7zr keeps a table of an archive's members; it is
measured by opening the archive and nothing else, and taken off the growth of `extract`.
"""

from contextlib import ExitStack
from functools import partial

from benchmarks.data import DATASET
from benchmarks.measuring import Case, Finding, Measured, Quantities
from benchmarks.project import PYTHON, Project, copied
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
        tables = [found.values(name, "MB table") for name in names]
        aside = [after - before for before, after in zip(*tables, strict=True)]
        growth = tuple(
            (after - (table if stage == "extract" else 0)) / before
            for before, after, table in zip(*peaks, aside, strict=True)
        )
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
    return lines + [
        Finding(f"table of {name} members: memory", found.values(name, "MB table"), "MB")
        for name in names
    ]


def prepare(project: Project) -> Quantities:
    """Run the stages' programs, and open the archive."""
    archive = project.folder / "data" / "raw" / DATASET / "train.7z"
    found: Quantities = {}
    for stage in STAGES:
        sample = project.stage(stage, DATASET)
        found |= {f"{name} {stage}": value for name, value in sample.quantities.items()}
    opened = project.run(PYTHON, "-m", "benchmarks.baselines.member_table", archive)
    project.remove(*(f"data/{name}/{DATASET}" for name in ("extracted", "shards")))
    return found | {"MB table": opened.megabytes}
