"""A project with a dataset and a run of its user's own, whose checks and tests are as before."""

import re
import sys

import pytest

from pipeline.core.params import read_yaml
from tests.support import builders
from tests.support.builders import CLASSES, ROOT
from tests.support.repository import Copy, run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("own project")]

PIPELINE = sys.executable, "-m", "pipeline"
LIVE = re.compile(r'ROOT / "(params|dvc)\.yaml"')
"""Text of a test that reads the repository's own parameters or graph."""
OTHERS = "test_graph.py", "test_params.py", "test_propose.py"
"""Tests that read them by other words."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Return a copy, and the faults that ``verify`` found in it before a dataset was added."""
    copy = Copy(tmp_path_factory.mktemp("own project"))
    before = verified(copy)
    for label, name in enumerate(CLASSES):
        folder = copy.folder / "mine/pets" / name
        folder.mkdir(parents=True)
        for number, image in enumerate(builders.pixels([label] * 12, (8, 8, 3), seed=label)):
            (folder / f"{number}.png").write_bytes(builders.encode(image))
    files = {path: path.read_bytes() for path in copy.folder.iterdir() if path.is_file()}
    copy.call(*PIPELINE, "new-dataset", "pets", "mine/pets", "--yes")
    changed = [path.name for path, content in files.items() if path.read_bytes() != content]
    assert changed == ["params.yaml"]
    return copy, before


def verified(copy):
    done = run([*PIPELINE, "verify"], copy.folder)
    return done.stdout + done.stderr


def test_the_dataset_and_its_run_are_valid(copy):
    live = read_yaml(ROOT / "params.yaml")
    counts = f"{len(live['datasets']) + 1} datasets and {len(live['runs']) + 1} runs are valid"
    assert counts in copy[0].call(*PIPELINE, "check")


def test_verify_finds_what_it_found_before(copy):
    assert verified(copy[0]) == copy[1]


def test_dvc_has_the_stages_of_both(copy):
    stages = copy[0].call("dvc", "stage", "list", "--name-only").split()
    assert {"download@pets", "split@pets", "train@pets", "report@pets"} <= set(stages)


def test_tests_that_read_the_parameters_or_the_graph_pass(copy):
    folder = copy[0].folder
    tests = [
        str(path.relative_to(folder))
        for path in sorted((folder / "tests").rglob("test_*.py"))
        if path.name in OTHERS or LIVE.search(path.read_text(encoding="utf-8"))
    ]
    assert len(tests) > 5
    pytest_ = sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"
    done = run([*pytest_, *tests], folder)
    assert done.returncode == 0, done.stdout[-5000:]
