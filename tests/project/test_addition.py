"""Datasets and runs of a file are added to the parameters, as the examples are."""

from pathlib import Path

import pytest

from pipeline import schema
from pipeline.core.errors import ParameterError
from pipeline.core.params import Params, read_yaml
from pipeline.project import addition
from tests.support.builders import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


@pytest.fixture
def params(tmp_path, monkeypatch):
    """The project's parameters, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    path = Path("params.yaml")
    path.write_text((ROOT / path).read_text())
    return path


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_added_below_what_is_there(params, example):
    before, new = read_yaml(params), read_yaml(example)
    comments = [line for line in params.read_text().splitlines() if line.lstrip().startswith("#")]
    if set(new["datasets"]) & set(before["datasets"]):
        pytest.skip("it was added to the project's own parameters")
    added = addition.add(example)
    after = read_yaml(params)
    for section in addition.SECTIONS:
        assert after[section] == before[section] | new[section]
        assert list(after[section])[-1] == list(new[section])[-1]
        assert set(getattr(added, section)) == set(new[section])
    assert [one for one in params.read_text().splitlines() if one.lstrip().startswith("#")] == (
        comments
    )
    assert schema.check_params(Params.read())
    with pytest.raises(ParameterError, match=r"datasets\.\w+ is there already; change"):
        addition.add(example)


def test_cifar10_is_the_tutorials(params):
    dataset = read_yaml(ROOT / "examples/cifar10.yaml")["datasets"]["cifar10"]
    assert dataset["split"] == {"test_fraction": 0.2, "validation_fraction": 0.0, "seed": 42}
    assert dataset["decode"]["shape"] == [32, 32, 3]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("defaults: {}\n", "defaults"),
        ("runs: {mine: {dataset: nothing}}\n", r"runs\.mine"),
        ("datasets: {mine: {kind: idx}}\n", r"datasets\.mine"),
        ("- a\n", "own.yaml"),
    ],
)
def test_what_is_not_valid_is_refused_and_changes_nothing(params, text, fault):
    before = params.read_bytes()
    Path("own.yaml").write_text(text)
    with pytest.raises(ParameterError, match=fault):
        addition.add(Path("own.yaml"))
    assert params.read_bytes() == before
