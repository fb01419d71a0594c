"""Orphans: what is left of datasets and runs that were removed by hand."""

from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.utils.serialize import dump_yaml

from pipeline.core.errors import ParameterError
from pipeline.core.params import Params, read_yaml
from pipeline.project import removal
from pipeline.project.entries import orphans
from tests.support.dvc_project import git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC


@pytest.fixture
def here(project):
    """Enter a repository with records of runs that there are, and of others."""
    git("init", "-q", ".")
    Repo.init(".").close()
    stages = ("train@tiny_png", "train@old", "evaluate@old", "split@old", "study")
    dump_yaml("dvc.lock", {"schema": "2.0", "stages": {name: {"cmd": "true"} for name in stages}})
    for name in "tiny_png", "older", "empty":
        Path("metrics/runs", name).mkdir(parents=True)
    Path("metrics/runs/older/history.csv").write_text("")
    return project


def test_orphans_are_found_and_removed(here):
    assert list(orphans.faults(Params.read())) == [
        "params.yaml has no dataset old, but there are split@old; run python -m pipeline "
        "remove-dataset old",
        "params.yaml has no run old, but there are train@old, evaluate@old; run python -m pipeline "
        "remove-run old",
        "params.yaml has no run older, but there are metrics/runs/older/; run python -m pipeline "
        "remove-run older",
    ]
    before = Path("params.yaml").read_text()
    removal.of_dataset("old").remove()
    for name in "old", "older":
        removal.of_run(name).remove()
    assert list(orphans.faults(Params.read())) == []
    assert sorted(read_yaml(Path("dvc.lock"))["stages"]) == ["study", "train@tiny_png"]
    assert Path("params.yaml").read_text() == before


@pytest.mark.parametrize("name", ["oldest", "../runs/older", "."])
def test_a_name_of_which_nothing_is_left_is_refused(here, name):
    with pytest.raises(ParameterError, match="is missing"):
        removal.of_run(name)
