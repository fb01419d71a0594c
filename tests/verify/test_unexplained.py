"""Other outputs of the same inputs, at two revisions."""

import copy

import pytest

from pipeline.execution.machine import Machine
from pipeline.verify.unexplained import changes

HERE = Machine(gpu="none", kernels="Eigen", processor="x86_64 avx2")
ELSEWHERE = Machine(gpu="none", kernels="oneDNN", processor="x86_64 avx2 avx512f")
OUTPUTS = {
    "download@d": ("data/raw/d",),
    "decode@d": ("data/shards/d",),
    "train@a": ("data/models/a", "metrics/runs/a/history.csv"),
    "evaluate@a": ("data/predictions/a.parquet", "metrics/runs/a/evaluation.json"),
    "report@a": ("metrics/runs/a/report.html",),
}


def records():
    return {
        name: {
            "cmd": "python",
            "deps": [{"path": "code", "md5": "0" * 32}],
            "outs": [{"path": path, "md5": "0" * 32} for path in outputs],
        }
        for name, outputs in OUTPUTS.items()
    }


def found(*paths, machines=(HERE, HERE), made=(), code="0"):
    """Return the stages of outputs that changed, and whether another machine may be why."""
    now = copy.deepcopy(records())
    for entry in now.values():
        entry["deps"][0]["md5"] = code * 32
        for out in entry["outs"]:
            out["md5"] = ("1" if out["path"] in paths else "0") * 32
    listed = changes(records(), now, lambda _: machines, made)
    return {one.stage: one.is_possible for one in listed}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("data/raw/d", {}),  # which need not be pinned
        ("data/shards/d", {"decode@d": False}),
        ("data/models/a", {"train@a": False}),
        ("metrics/runs/a/history.csv", {"train@a": False}),
        ("metrics/runs/a/evaluation.json", {"evaluate@a": False}),
        ("data/predictions/a.parquet", {}),  # which are predicted again
        ("metrics/runs/a/report.html", {}),
    ],
)
def test_other_outputs_of_the_same_inputs(path, expected):
    assert found(path) == expected
    assert found(path, code="1") == {}  # what it depends on has changed


@pytest.mark.parametrize("machines", [(HERE, ELSEWHERE), (None, HERE), (HERE, None)])
def test_another_type_of_machine_explains_weights_and_no_history_alone(machines):
    assert found("data/models/a", machines=machines) == {"train@a": True}
    assert found("metrics/runs/a/history.csv", machines=machines) == {"train@a": False}


def test_what_is_made_again_is_compared_with_that():
    assert found("data/models/a", made=["a"]) == {}
    assert found("data/shards/d", made=["a"]) == {"decode@d": False}


def test_said_in_words():
    now = records()
    now["train@a"]["outs"][0]["md5"] = "1" * 32
    for machines, words in (
        ((HERE, HERE), "not what the same inputs gave at main"),
        ((HERE, ELSEWHERE), "unchecked: train@a: data/models/a: made again"),
    ):
        (change,) = changes(records(), now, lambda _, both=machines: both)
        assert words in change.describe("main")
