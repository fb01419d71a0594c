"""Data path: from CIFAR-10's raw archive to shards and split, by `dvc repro`, caches cold.

Everything counts: DVC, the stages' processes, hashing, the DVC cache. Against the tutorial's way in
one process, and against nothing but the archive's decompression with Python's `lzma`.
"""

import shutil

from benchmarks.measuring import Case, Finding, Measured, Quantities
from benchmarks.project import PYTHON, Project, copied, need
from benchmarks.settings import Settings

DATASET = "cifar10"


def run(settings: Settings) -> list[Finding]:
    """Measure."""
    need("7z", "p7zip-full")
    with copied(settings, DATASET) as project:
        project.dvc("repro", "-q", f"download@{DATASET}")
        shutil.copy(project.folder / "dvc.lock", project.folder / "downloaded.lock")
        raw = project.folder / "data" / "raw" / DATASET

        def tutorial() -> Quantities:
            project.remove("loose")
            program = ("-m", "benchmarks.baselines.tutorial_data")
            return project.run(PYTHON, *program, raw, "loose").quantities

        def bare() -> Quantities:
            program = ("-m", "benchmarks.baselines.raw_lzma")
            sample = project.run(PYTHON, *program, raw / "train.7z")
            return {"s": sample.reported["seconds"], "MB": sample.megabytes}

        cases = [
            Case("pipeline", lambda: cold(project)),
            Case("tutorial", tutorial),
            Case("lzma", bare),
        ]
        found = Measured(cases, settings.repeat)
    return [
        Finding("time, over the tutorial's way", found.ratios("pipeline", "tutorial"), target=0.6),
        Finding(
            "CPU seconds, over the tutorial's way",
            found.ratios("pipeline", "tutorial", "CPU s"),
            target=0.9,
        ),
        Finding("time, over bare LZMA", found.ratios("pipeline", "lzma"), target=1.8),
        Finding("memory, over the tutorial's way", found.ratios("pipeline", "tutorial", "MB")),
        *(Finding(f"{case.name}: time", found.values(case.name), "s") for case in cases),
        *(
            Finding(f"{name}: CPU seconds", found.values(name, "CPU s"), "CPU s")
            for name in ("pipeline", "tutorial")
        ),
        *(Finding(f"{case.name}: memory", found.values(case.name, "MB"), "MB") for case in cases),
    ]


def cold(project: Project) -> Quantities:
    """Prepare the downloaded dataset with everything else of it gone, DVC's memory too."""
    made = (f"data/extracted/{DATASET}", f"data/shards/{DATASET}", f"data/splits/{DATASET}.parquet")
    project.remove(*made, f"metrics/datasets/{DATASET}", "data/checkpoints", "loose")
    project.forget()
    shutil.copy(project.folder / "downloaded.lock", project.folder / "dvc.lock")
    project.dvc("commit", "-q", "-f", f"download@{DATASET}")
    return project.dvc("repro", f"split@{DATASET}").quantities
