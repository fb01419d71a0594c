import pytest

from networks import cnn
from pipeline import runs
from pipeline.core.errors import ParameterError
from pipeline.core.params import Params, Section
from pipeline.train.params import TrainParams

EMPTY = {
    "dataset": "shoes",
    "network": "cnn",
    "weights": "data/weights/none",
    "model": {},
    "train": {},
    "evaluate": {},
    "report": {},
}
DEFAULTS = {
    "model": {"filters": [4, 8], "dropout": 0.0},
    "train": {"epochs": 3, "optimizer": {"name": "adam", "epsilon": 0.5}},
    "evaluate": {},
    "report": {},
}


def params(defaults=None, **run):
    return Params(
        {
            "datasets": {"shoes": {}, "hats": {}},
            "defaults": DEFAULTS | (defaults or {}),
            "runs": {"mine": EMPTY | run},
        }
    )


def test_run_changes_only_what_it_names():
    found = params(model={"dropout": 0.5}, train={"optimizer": {"learning_rate": 0.1}})
    assert runs.section(found, "mine", "model", cnn.Params).filters == (4, 8)
    assert runs.section(found, "mine", "model", cnn.Params).dropout == 0.5
    optimizer = runs.section(found, "mine", "train", TrainParams).optimizer
    assert (optimizer.name, optimizer.learning_rate, optimizer.epsilon) == ("adam", 0.1, 0.5)


def test_another_optimizer_inherits_nothing():
    optimizer = {"name": "sgd", "learning_rate": 0.1}
    found = params(train={"optimizer": optimizer})
    assert runs.resolve(found, "mine")["train"] == {"epochs": 3, "optimizer": optimizer}


def test_resolved_run_is_complete():
    assert runs.resolve(params(model={"dropout": 0.5}), "mine") == {
        "dataset": "shoes",
        "network": "cnn",
        "weights": "data/weights/none",
        "model": {"filters": [4, 8], "dropout": 0.5},
        "train": DEFAULTS["train"],
        "evaluate": {},
        "report": {},
    }
    assert runs.dataset(params(dataset="hats"), "mine") == "hats"


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (params(model={"dropout": 2.0}), r"runs\.mine\.model\.dropout: .* got 2\.0"),
        (
            params(defaults={"model": {"dropout": 2.0}}),
            r"defaults\.model\.dropout: .* got 2\.0",
        ),
        (params(model={"dropot": 0.1}), r"runs\.mine\.model\.dropot: unknown key; did you mean"),
    ],
)
def test_fault_is_named_where_it_stands(found, message):
    with pytest.raises(ParameterError, match=message):
        runs.section(found, "mine", "model", cnn.Params)


def test_a_missing_parameter_of_another_network_is_the_runs_own():
    class Own(Section):
        units: int

    with pytest.raises(ParameterError, match=r"runs\.mine\.model\.units: is missing"):
        runs.section(params(network="mine"), "mine", "model", Own)


@pytest.mark.parametrize(
    ("found", "run", "message"),
    [
        (params(), "yours", r"runs\.yours is missing; runs has: mine"),
        (params(dataset="caps"), "mine", r"there is no dataset 'caps'; there are: shoes, hats"),
        (params(dataset=[]), "mine", r"runs\.mine\.dataset: must be a valid string"),
        (params(dataset="A/b"), "mine", r"runs\.mine\.dataset: must match"),
    ],
)
def test_unknown_names_say_what_there_is(found, run, message):
    with pytest.raises(ParameterError, match=message):
        runs.dataset(found, run)
