import copy
import functools
import json
import re

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


def test_parameters_that_cannot_be_are_refused_with_their_key(values):
    impossible = {
        "datasets.demo_png.decode.shape": ([3000, 3000, 3], "must have at most 1,048,576 pixels"),
        "datasets.demo_png.decode.max_pixels": (2**63, "must be less than or equal to"),
        "datasets.demo_png.decode.classes": (
            [f"{n}" for n in range(100_001)],
            "must have at most 100000",
        ),
        "datasets.demo_png.decode.classes_at": (
            "*a" * 1000 + "{class}",
            "must have at most 1000 characters",
        ),
        "datasets.demo_png.extract.members": (
            ["*"] * 1001,
            "must be a valid string, got 1,001 values",
        ),
        "datasets.demo_png.extract.part_rows": (2**63, "must be less than or equal to"),
        "datasets.demo_png.extract.max_bytes": (10**40, "must be less than or equal to"),
        "datasets.demo_idx.decode.shard_rows": (2**63, "must be less than or equal to"),
        "datasets.demo_idx.split.validation_count": (2**31, "must be less than"),
        "defaults.train.batch_size": (2**63, "must be less than or equal to 65536"),
        "defaults.train.epochs": (2**63, "must be less than or equal to 100000"),
        "defaults.evaluate.batch_size": (2**63, "must be less than or equal to 65536"),
        "defaults.evaluate.views": ({"shift": 10**9}, "must be less than or equal to 256"),
        "defaults.model.filters": ([5000], "must be less than or equal to 4096"),
        "defaults.model.convolutions": (10**9, "must be less than or equal to 500"),
        "defaults.model.kernel": (10**6, "must be less than or equal to 64"),
        "defaults.model.dense": ([10**9], "must be less than or equal to 65536"),
    }
    for key, (value, fault) in impossible.items():
        *path, last = key.split(".")
        changed = copy.deepcopy(values)
        functools.reduce(lambda part, name: part[name], path, changed)[last] = value
        with pytest.raises(ParameterError, match=rf"{re.escape(key)}\S*: {fault}"):
            schema.check_params(Params(changed))


def test_a_run_that_needs_more_memory_than_there_is_is_refused(values):
    decode, run = values["datasets"]["demo_png"]["decode"], values["runs"]["demo_png"]
    decode["shape"] = [1024, 1024, 3]
    run["train"] = {"batch_size": 8192}
    run["model"] = {"pool": 1, "dense": [1000]}
    with pytest.raises(ParameterError) as caught:
        schema.check_params(Params(values))
    text = str(caught.value)
    assert "runs.demo_png.train.batch_size: the images of a batch would take 103 GB" in text
    assert re.search(r"runs.demo_png.model: the network would have 134,[\d,]+ weights, above", text)


def test_a_thousand_runs_are_checked_in_a_moment(values):
    values["runs"] = {f"r{n}": values["runs"]["demo_idx"] for n in range(990)}
    assert "990 runs are valid" in schema.check_params(Params(values))
    values["runs"] = {f"r{n}": values["runs"]["r0"] for n in range(1001)}
    with pytest.raises(ParameterError, match="runs: must have at most 1000"):
        schema.check_params(Params(values))


@pytest.mark.parametrize("key", ["datasets", "runs"])
@pytest.mark.parametrize("name", [None, 2024, True])
def test_a_name_that_yaml_takes_for_no_text_is_told(values, key, name):
    values[key] = {name: next(iter(values[key].values()))}
    assert f"{key}: {json.dumps(name)} must be text; write it in quotes" in fault(values)
