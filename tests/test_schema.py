import copy

import pytest

from pipeline import schema
from pipeline.core.errors import ParameterError
from pipeline.core.params import Params, read_yaml
from tests.support.builders import ROOT

PARAMS = read_yaml(ROOT / "params.yaml")


@pytest.fixture
def values():
    """Parameters of the demos' runs alone."""
    found = copy.deepcopy(PARAMS)
    found["runs"] = {name: found["runs"][name] for name in ("demo_idx", "demo_png")}
    return found


def fault(values):
    with pytest.raises(ParameterError) as error:
        schema.check_params(Params(values))
    return str(error.value)


def test_the_projects_own_parameters_are_valid():
    assert schema.check_params(Params(PARAMS)).endswith("runs are valid")


def test_a_run_is_validated_by_its_network(values):
    run = values["runs"]["demo_idx"]
    run["network"], run["model"] = "residual", {"widths": [8, 16], "depths": [1, 1]}
    schema.check_params(Params(values))
    run["model"] = {"filters": [8]}
    assert "runs.demo_idx.model.filters: unknown key" in fault(values)
    run["network"] = "residuals"
    assert "there is no network 'residuals'" in fault(values)


def test_a_fault_in_the_defaults_is_named_there(values):
    values["defaults"]["model"]["dropout"] = 2.0
    assert fault(values).count("defaults.model.dropout") == 1


def test_a_run_can_start_from_another(values):
    values["runs"]["demo_idx"]["weights"] = "data/models/demo_png"
    schema.check_params(Params(values))


def test_runs_that_start_from_each_other_are_refused(values):
    values["runs"]["demo_idx"]["weights"] = "data/models/demo_png"
    values["runs"]["demo_png"]["weights"] = "data/models/demo_idx"
    assert "runs start from each other's weights: demo_" in fault(values)
    values["runs"]["demo_png"]["weights"] = "data/weights/none"
    values["runs"]["demo_idx"]["weights"] = "data/models/demo_idx"
    assert "demo_idx from demo_idx; let one of them start from data/weights/none" in fault(values)


def test_a_start_from_no_run_is_refused_with_those_that_there_are(values):
    values["runs"]["demo_idx"]["weights"] = "data/models/demos"
    assert fault(values).endswith(
        "runs.demo_idx.weights: there is no run 'demos'; there are: demo_idx, demo_png"
    )


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../other", "data/../../x", "a b", "x;touch y"]
)
def test_weights_lie_within_the_project(values, path):
    values["runs"]["demo_idx"]["weights"] = path
    assert "runs.demo_idx.weights: " in fault(values)


def test_fine_tuning_needs_weights(values):
    values["runs"]["demo_idx"]["train"] = {"fine_tuning": {"frozen_epochs": 1}}
    assert "runs.demo_idx: train.fine_tuning is for layers with trained weights" in fault(values)
    values["runs"]["demo_idx"]["weights"] = "data/weights/published.h5"
    schema.check_params(Params(values))
    values["runs"]["demo_idx"]["train"]["fine_tuning"]["frozen_epochs"] = 100
    assert "fine_tuning.frozen_epochs must be at most epochs" in fault(values)
