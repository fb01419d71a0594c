"""What is committed of a run against what this machine made of it, on two types of machines."""

import pytest
from dvc.utils.serialize import dump_yaml

from pipeline.core import paths
from pipeline.evaluate.metrics import evaluate
from pipeline.execution.machine import Machine, path
from pipeline.verify import reproduce
from tests.support.reports import predictions

HERE = Machine(gpu="none", kernels="Eigen", processor="x86_64 avx2")
ELSEWHERE = Machine(gpu="none", kernels="oneDNN", processor="x86_64 avx2 avx512f")
HISTORY = "epoch,train_accuracy\n1,0.5\n2,0.8\n"
STAGES = ("download@d", "extract@d", "decode@d", "split@d", "train@a", "evaluate@a", "report@a")


def write(
    folder, accuracy=0.84, machine=HERE, changed=(), left_out=(), seed=0, history=HISTORY, n=1000
):
    """Write what is recorded of a run; outputs of the stages in ``changed`` have other hashes."""
    metrics = folder / paths.metrics("a")
    metrics.mkdir(parents=True)
    dump_yaml(folder / "params.yaml", {"datasets": {"d": {}}, "runs": {"a": {"dataset": "d"}}})
    stages = {
        name: {
            "cmd": "python",
            "deps": [{"path": "code", "md5": "0" * 32}],
            "params": {"params.yaml": {"seed": seed}},
            "outs": [{"path": f"out_{name}", "md5": f"{int(name in changed)}" * 32}],
        }
        for name in STAGES
        if name not in left_out
    }
    dump_yaml(folder / "dvc.lock", {"schema": "2.0", "stages": stages})
    found = evaluate(predictions(accuracy, 1, n), ("cat", "dog", "emu"), 0.9, 15)
    found.write(metrics / "evaluation.json")
    (metrics / "history.csv").write_text(history)
    machine.write(folder / path("a"))
    return folder


@pytest.fixture
def made(tmp_path):
    """Return the folder of what this machine made."""
    return write(tmp_path / "made")


def found(folder, made):
    return list(reproduce.faults(folder, made, ["a"]))


def test_the_same_has_no_faults(tmp_path, made):
    assert found(write(tmp_path / "one"), made) == []
    # Reports are drawn again when their code changes.
    assert found(write(tmp_path / "two", left_out=["report@a"]), made) == []


@pytest.mark.parametrize("name", STAGES)
def test_on_the_same_type_of_machine_all_has_to_be_the_same(tmp_path, made, name):
    (fault,) = found(write(tmp_path / "one", changed=[name]), made)
    assert fault == (
        f"{name}: out_{name}: committed is not what x86_64 avx2, Eigen makes; run dvc repro {name}"
    )


@pytest.mark.parametrize("name", STAGES)
def test_on_another_type_of_machine_data_have_to_be_the_same(tmp_path, made, name):
    faults = found(write(tmp_path / "one", changed=[name], machine=ELSEWHERE), made)
    assert len(faults) == name.endswith("@d")


@pytest.mark.parametrize(("accuracy", "is_far"), [(0.85, False), (0.82, False), (0.98, True)])
def test_on_another_type_of_machine_results_are_compared(tmp_path, made, accuracy, is_far):
    faults = found(write(tmp_path / "one", accuracy, ELSEWHERE), made)
    assert len(faults) == is_far
    assert all("more than another type of machine changes" in fault for fault in faults)


def test_on_another_type_of_machine_histories_are_compared(tmp_path, made):
    history = HISTORY.replace("0.5", "0.9")
    (fault,) = found(write(tmp_path / "one", machine=ELSEWHERE, history=history), made)
    assert "train_accuracy differs by 0.40 from what is made here" in fault


def test_other_parameters_and_stages_without_a_record_are_faults(tmp_path, made):
    faults = found(write(tmp_path / "one", seed=1, left_out=["train@a"]), made)
    assert len(faults) == len(STAGES)
    assert "train@a: dvc.lock has no record of it; run dvc repro train@a" in faults


def test_inputs_are_those_of_all_stages_but_reports(tmp_path, made):
    assert reproduce.inputs(write(tmp_path / "one", changed=["report@a"]), ["a"]) == (
        reproduce.inputs(made, ["a"])
    )
    other = write(tmp_path / "two", seed=1)
    assert reproduce.inputs(other, ["a"]) != reproduce.inputs(made, ["a"])


def test_a_run_that_one_side_lacks_is_no_error(tmp_path, made):
    assert reproduce.inputs(made, ["gone"]) != reproduce.inputs(made, ["a"])
    reproduce.make(tmp_path, [])  # DVC would run all of a project


def test_weights_that_are_not_compared_are_told(tmp_path, made):
    assert list(reproduce.tolerated(write(tmp_path / "one"), made, ["a"])) == []
    (note,) = reproduce.tolerated(write(tmp_path / "two", machine=ELSEWHERE), made, ["a"])
    assert "a: committed as of x86_64 avx2 avx512f, oneDNN, made here by x86_64 avx2, Eigen" in note
