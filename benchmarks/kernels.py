"""Kernels: in which operations an epoch of the tutorial's network spends its time, by a profile.

By TensorFlow's profiler, over all training steps of the stage `train`. Operations that run at the
same time each count, so that shares are of their sum.
"""

from functools import partial

from benchmarks import machine, training
from benchmarks.measuring import Case, Finding, Measured, Quantities
from benchmarks.project import PYTHON, Project, copied
from benchmarks.settings import Settings

KINDS = {
    "convolutions, forward": ("Conv2D",),
    "convolutions, gradient of the filters": ("Conv2DBackpropFilter",),
    "convolutions, gradient of the input": ("Conv2DBackpropInput",),
    "pooling": ("MaxPool", "MaxPoolGrad"),
    "dense layers": ("MatMul",),
}
"""Types of operations; oneDNN's have more before and behind, such as what is fused into them."""
OTHER = "all else"


def run(settings: Settings) -> list[Finding]:
    """Measure."""
    precisions = ["float32"] + ["bfloat16"] * machine.has_bfloat16()
    with copied(settings, training.DATASET) as project:
        training.prepare(project, settings, precisions)
        cases = [Case(name, partial(profile, project, name)) for name in precisions]
        found = Measured(cases, settings.repeat)
    return [
        Finding(f"{name}: {kind}", found.values(name, kind), "share")
        for name in precisions
        for kind in (*KINDS, OTHER)
    ]


def profile(project: Project, run: str) -> Quantities:
    """Train; return the share of each kind of operation."""
    project.remove("trace")
    sample = project.run(PYTHON, "-m", "benchmarks.profiled", run, "trace")
    kinds = dict.fromkeys((*KINDS, OTHER), 0.0)
    for name, seconds in sample.reported.items():
        kinds[kind_of(name)] += seconds
    whole = sum(kinds.values())
    return {kind: seconds / whole for kind, seconds in kinds.items()}


def kind_of(operation: str) -> str:
    """Return the kind of an operation's type.

    Examples
    --------
    >>> kind_of("_MklNativeFusedConv2D"), kind_of("Sqrt")
    ('convolutions, forward', 'all else')
    """
    plain = operation.removeprefix("_Mkl").removeprefix("Native").removeprefix("Fused")
    plain = plain.removesuffix("WithBias")
    return next((kind for kind, names in KINDS.items() if plain in names), OTHER)
