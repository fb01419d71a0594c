"""Training: an epoch of the tutorial's network on Fashion-MNIST, in batches of 128.

By the stage `train` (the second of two epochs, as it prints it), against the tutorial's own graph
code (an epoch after ten steps), and beside PyTorch's where that is installed (`pip install torch`;
it is none of the project's own). Starting up and the validation subset are in none.
"""

import json
import re
import struct
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from benchmarks import machine
from benchmarks.measuring import BenchmarkError, Case, Finding, Measured, Quantities
from benchmarks.project import PYTHON, Project, copied
from benchmarks.settings import Settings
from pipeline.core.params import read_yaml

DATASET = "fashion_mnist"
FAST = "fashion_mnist_fast"
"""The run whose recipe is to be there in an eighth of the tutorial's time."""
TUTORIAL = 0.9013
"""Test accuracy after the tutorial's ten epochs."""
EPOCHS = 10
TARGETS = {"float32": 0.70, "bfloat16": 0.40}
AUGMENTED = "augmented"
"""The run, in float32, whose images are changed."""
AUGMENTATION = {"flip_horizontal": True, "shift": 2, "rotation": 10, "zoom": 0.1}


def run(settings: Settings) -> list[Finding]:
    """Measure."""
    precisions = ["float32"] + ["bfloat16"] * machine.has_bfloat16()
    with copied(settings, DATASET) as project:
        prepare(project, settings, precisions)
        fast = FAST in read_yaml(project.folder / "params.yaml")["runs"]
        fast = fast and settings.mirrored and settings.steps is None
        cases = [
            Case("tutorial", lambda: tutorial(project, settings)),
            *(
                Case(name, partial(epoch, project, settings, name))
                for name in [*precisions, AUGMENTED]
            ),
            *[Case(FAST, lambda: whole(project, FAST))] * fast,
            *(
                Case(f"PyTorch {name}", partial(torch, project, settings, name))
                for name in precisions
                if find_spec("torch") is not None
            ),
        ]
        found = Measured(cases, settings.repeat)
    lines = [
        Finding(
            f"{name}: an epoch, over the tutorial's", found.ratios(name, "tutorial"), target=target
        )
        if name in precisions
        else Finding(f"{name}: an epoch, over the tutorial's", note="left out on this processor")
        for name, target in TARGETS.items()
    ]
    if fast:
        over = tuple(ratio / EPOCHS for ratio in found.ratios(FAST, "tutorial"))
        lines += [
            Finding(f"{FAST}: whole, over {EPOCHS} of the tutorial's epochs", over, target=0.12),
            Finding(
                f"{FAST}: short of accuracy {TUTORIAL} (at most 0: reached)",
                tuple(TUTORIAL - accuracy for accuracy in found.values(FAST, "accuracy")),
                "accuracy",
                0,
            ),
        ]
    else:
        lines.append(Finding(f"{FAST}: to accuracy {TUTORIAL}", note="only on the real images"))
    lines.append(
        Finding(f"{AUGMENTED}: an epoch, over one without", found.ratios(AUGMENTED, "float32"))
    )
    lines += [
        Finding(f"{name}: an epoch, over PyTorch's", found.ratios(name, f"PyTorch {name}"))
        for name in precisions
        if f"PyTorch {name}" in (case.name for case in cases)
    ] or [Finding("PyTorch", note="is not installed")]
    lines += [Finding(f"{case.name}: time", found.values(case.name), "s") for case in cases]
    return lines + [Finding(f"{c.name}: memory", found.values(c.name, "MB"), "MB") for c in cases]


def prepare(project: Project, settings: Settings, precisions: list[str]) -> None:
    """Make shards of the images that an epoch is taken of, and the runs that take it."""
    threads = machine.cores()  # the tutorial's code takes them all, too
    empty: dict[str, object] = {}
    options: dict[str, dict[str, object]] = {name: {"precision": name} for name in precisions}
    options[AUGMENTED] = {"precision": "float32", "augmentation": AUGMENTATION}
    for name, option in options.items():
        train = {"epochs": 2, "threads": threads} | option
        start = {"network": "cnn", "weights": "data/weights/none"}
        run = {
            "dataset": DATASET,
            **start,
            "model": empty,
            "train": train,
            "evaluate": {},
            "report": {},
        }
        project.edit({f"runs.{name}": run})
    for stage in ("download", "extract"):
        project.stage(stage, DATASET)
    folder = project.folder / "data" / "extracted" / DATASET
    for what in ("images", "labels"):
        cut(folder / f"train-{what}.idx", settings.validation + settings.train)
    for stage in ("decode", "split"):
        project.stage(stage, DATASET)


def cut(path: Path, count: int) -> None:
    """Keep the first ``count`` elements of an IDX file of bytes."""
    content = path.read_bytes()
    header = 4 + 4 * content[3]
    each = (len(content) - header) // struct.unpack(">I", content[4:8])[0]
    shape = struct.pack(">I", count) + content[8:header]
    path.write_bytes(content[:4] + shape + content[header : header + count * each])


def epoch(
    project: Project, settings: Settings, run: str, env: Mapping[str, str] | None = None
) -> Quantities:
    """Train; the seconds are the second epoch's."""
    sample = project.stage("train", run, env=env)
    return {"s": settings.train / speed(sample.output), "MB": sample.megabytes}


def speed(output: str) -> int:
    """Images a second in the second and last epoch, as the stage says them, start-up aside."""
    found = re.findall(r"^epoch \d/2: .*; [\d.,]+ s, ([\d,]+) images/s$", output, re.M)
    if len(found) != 2:
        raise BenchmarkError(f"the stage train does not say how fast it was:\n{output}")
    return int(found[1].replace(",", ""))


def tutorial(project: Project, settings: Settings) -> Quantities:
    """An epoch of the tutorial's code."""
    program = (PYTHON, "-m", "benchmarks.baselines.tutorial_network")
    numbers = (str(settings.validation), str(settings.train))
    sample = project.run(*program, f"data/extracted/{DATASET}", *numbers)
    return {"s": sample.reported["seconds"], "MB": sample.megabytes}


def torch(project: Project, settings: Settings, precision: str) -> Quantities:
    """An epoch of the same network in PyTorch."""
    program = (PYTHON, "-m", "benchmarks.baselines.torch_network")
    numbers = (str(settings.validation), str(settings.train))
    sample = project.run(*program, f"data/extracted/{DATASET}", *numbers, precision)
    return {"s": sample.reported["seconds"], "MB": sample.megabytes}


def whole(project: Project, run: str) -> Quantities:
    """Train a run, its start included, and evaluate it, which is not measured."""
    sample = project.stage("train", run)
    project.stage("evaluate", run)
    path = project.folder / "metrics" / "runs" / run / "evaluation.json"
    return {**sample.quantities, "accuracy": json.loads(path.read_text())["accuracy"]}
