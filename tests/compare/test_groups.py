import pytest

from pipeline.compare import groups
from pipeline.compare.groups import Parameters
from pipeline.execution.machine import Machine

PARAMS = {
    "defaults": {
        "model": {"dropout": 0.0},
        "train": {"seed": 0, "optimizer": {"name": "adam", "epsilon": 1e-8}},
    },
    "runs": {
        "plain": {"dataset": "a", "network": "cnn", "model": {}, "train": {}},
        "other": {"dataset": "a", "network": "mlp", "model": {"width": 8}, "train": {"seed": 1}},
        "sgd": {"dataset": "a", "train": {"optimizer": {"name": "sgd"}}, "report": {"dpi": 9}},
    },
}


def test_a_runs_own_parameters_and_all_of_them():
    assert groups.parameters(PARAMS, "plain") == (
        {},
        {
            "network": "cnn",
            "model.dropout": "0.0",
            "train.seed": "0",
            "train.optimizer.name": "adam",
            "train.optimizer.epsilon": "1e-08",
        },
    )
    assert groups.parameters(PARAMS, "sgd").own == {"train.optimizer.name": "sgd"}
    assert "train.optimizer.epsilon" not in groups.parameters(PARAMS, "sgd").effective


def test_another_network_does_not_have_the_defaults_of_cnn():
    found = groups.parameters(PARAMS, "other").effective
    assert found["model.width"] == "8"
    assert "model.dropout" not in found


def test_a_run_that_no_file_names_has_none():
    assert groups.parameters({}, "gone") == ({}, {})


def test_the_change_is_all_but_the_seed():
    one, other = Parameters({}, {"a": "1", "train.seed": "0"}), Parameters({}, {"a": "1"})
    assert one.change == other.change == (("a", "1"),)
    elsewhere = one.on(Machine(gpu="none", kernels="Eigen", processor="x86_64"))
    assert elsewhere.change == one.on(None).change == one.change
    assert groups.differing([one, elsewhere]) == ["machine"]


def test_parameters_that_differ():
    runs = [groups.parameters(PARAMS, run) for run in ("plain", "sgd")]
    assert groups.differing(runs) == ["network", "train.optimizer.epsilon", "train.optimizer.name"]
    assert groups.differing(runs[:1]) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1, 2, 3], (2, 1)), ([1.0, None], None), ([1.0], None), ([None, None], None)],
)
def test_mean_and_deviation(values, expected):
    assert groups.spread(values) == expected
