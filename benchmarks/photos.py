"""Photos: from class folders of JPEGs of 500x375 to shards of 224x224, by `dvc repro`, caches cold.

Against a loop of `imread`, `resize` and `savez_compressed`, and against Hugging Face Datasets where
that is installed (`pip install datasets`; it is none of the project's own). Then an epoch of a
small network on these images, read from the shards, against one that has them in memory.
"""

from functools import partial
from importlib.util import find_spec

from benchmarks import training
from benchmarks.input import BUDGET
from benchmarks.measuring import Case, Finding, Measured, Quantities
from benchmarks.project import PYTHON, Project, copied, synthetic
from benchmarks.settings import FULL, Settings

DATASET = "photos"
RUN = "float32"
SIDE = 224
SHARE = 10
"""A tenth of the archive's images are as many photographs as are measured."""
DATA = "synthetic photographs"
NETWORK = {"filters": [8, 16, 32, 32], "features": "global_average", "dense": []}


def run(settings: Settings) -> list[Finding]:
    """Measure."""
    number = min(settings.images, FULL) // SHARE
    folder = synthetic(settings, DATASET, number)
    with copied(settings) as project:
        project.run(PYTHON, "-m", "pipeline", "new-dataset", DATASET, folder, "--yes", "--quiet")
        edit(project)

        def loop() -> Quantities:
            project.remove("loop.npz")
            program = ("-m", "benchmarks.baselines.photos_loop")
            sample = project.run(PYTHON, *program, folder, "loop.npz", str(SIDE))
            return {**sample.quantities, "disk": size(project, "loop.npz")}

        def peer() -> Quantities:
            project.remove("peer", "peer-cache")
            program = ("-m", "benchmarks.baselines.photos_datasets")
            sample = project.run(PYTHON, *program, folder, "peer", str(SIDE))
            return {**sample.quantities, "disk": size(project, "peer")}

        cases = [Case("pipeline", lambda: cold(project)), Case("loop", loop)]
        cases += [Case("datasets", peer)] * (find_spec("datasets") is not None)
        found = Measured(cases, settings.repeat)
        budgets = {"memory": str(1 << 40), "shards": "1"}
        epochs = Measured(
            [
                Case(name, partial(epoch, project, number, {BUDGET: budget}))
                for name, budget in budgets.items()
            ],
            settings.repeat,
        )
    share = tuple(1 - 1 / ratio for ratio in epochs.ratios("shards", "memory"))
    names = [case.name for case in cases]
    return [
        Finding("time, over the loop's", found.ratios("pipeline", "loop"), target=0.7),
        Finding("CPU seconds, over the loop's", found.ratios("pipeline", "loop", "CPU s")),
        Finding("pipeline: memory", found.values("pipeline", "MB"), "MB", 600),
        Finding("an epoch: share of the time that reading shards adds", share, "share", 0.1),
        *(Finding(f"{name}: time", found.values(name), "s") for name in names),
        *(Finding(f"{name}: images a second", rates(found, name, number), "1/s") for name in names),
        *(Finding(f"{name}: CPU seconds", found.values(name, "CPU s"), "CPU s") for name in names),
        *(Finding(f"{name}: memory", found.values(name, "MB"), "MB") for name in names),
        *(Finding(f"{name}: on disk", found.values(name, "disk"), "MB") for name in names),
        *[Finding("datasets", note="is not installed")] * ("datasets" not in names),
    ]


def rates(found: Measured, name: str, images: int) -> tuple[float, ...]:
    """Return how many images a second each repetition of a case took."""
    return tuple(images / seconds for seconds in found.values(name))


def edit(project: Project) -> None:
    """Have the photographs resized as the others do it, and a small network trained on them."""
    project.edit(
        {
            f"datasets.{DATASET}.decode.shape": [SIDE, SIDE, 3],
            f"runs.{RUN}": {
                "dataset": DATASET,
                "network": "cnn",
                "weights": "data/weights/none",
                "model": NETWORK,
                "train": {"epochs": 2, "precision": RUN, "batch_size": 32, "drop_remainder": False},
                "evaluate": {},
                "report": {},
            },
        }
    )


def cold(project: Project) -> Quantities:
    """Make the shards and the split with everything of the dataset gone, DVC's memory too."""
    made = [f"data/{name}/{DATASET}" for name in ("raw", "extracted", "shards")]
    project.remove(*made, f"data/splits/{DATASET}.parquet", f"metrics/datasets/{DATASET}")
    project.forget()
    sample = project.dvc("repro", f"split@{DATASET}")
    return {**sample.quantities, "disk": size(project, f"data/shards/{DATASET}")}


def epoch(project: Project, number: int, env: dict[str, str]) -> Quantities:
    """Train; the seconds are for as many images as there are, at the second epoch's speed."""
    sample = project.stage("train", RUN, env=env)
    return {"s": number / training.speed(sample.output), "MB": sample.megabytes}


def size(project: Project, path: str) -> float:
    """Return the length of a file, or of a folder's files, in MB."""
    whole = project.folder / path
    files = [whole] if whole.is_file() else [one for one in whole.rglob("*") if one.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6
