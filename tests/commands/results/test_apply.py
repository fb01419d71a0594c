"""An experiment is applied where data of other runs are not here."""

import shutil

import pytest

from tests.support.builders import ROOT
from tests.support.dvc_project import build
from tests.support.repository import call, run

GRAPH = """
stages:
  mine:
    cmd: grep depth params.yaml > model
    params: [depth]
    outs: [model]
  other:
    cmd: echo 1 > away
    outs: [away]
"""
NEVER = """
  never:
    cmd: echo 2 > never
    outs: [never]
"""
"""A stage that was not run; DVC has a warning for it, of another of its loggers."""
PARAMS = "datasets: {}\nruns: {}\ndepth: 3\n"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC
def test_an_experiment_is_taken_with_its_data(tmp_path):
    folder = build(tmp_path, GRAPH, **{"params.yaml": PARAMS}) / "project"
    for key, value in (("user.name", "Ann"), ("user.email", "ann@example.org")):
        call(["git", "config", key, value], folder)
    with (folder / "dvc.yaml").open("a") as file:
        file.write(NEVER)
    call(["git", "commit", "-qam", "never run"], folder)
    call(["dvc", "exp", "run", "-q", "-n", "deep", "-S", "depth=4", "mine"], folder)
    call(["git", "restore", "."], folder)
    call(["dvc", "checkout", "-q", "--force", "mine"], folder)
    (folder / "away").unlink()
    for inner in (folder / ".dvc/cache/files/md5").iterdir():
        if any(path.read_text() == "1\n" for path in inner.iterdir()):
            shutil.rmtree(inner)
    said = run(["dvc", "exp", "apply", "deep"], folder).stderr
    assert "No file hash info found" in said
    assert "Checkout failed" in said  # the fault of DVC
    call(["git", "restore", "."], folder)
    call(["dvc", "checkout", "-q", "--force", "mine"], folder)
    assert (folder / "model").read_text() == "depth: 3\n"
    command, where = ["python", "-m", "pipeline", "apply"], {"PYTHONPATH": str(ROOT)}
    done = run([*command, "deep"], folder, where)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "model").read_text() == "depth: 4\n"
    assert (folder / "params.yaml").read_text() == PARAMS.replace("3", "4")
    refused = run([*command, "no-experiment"], folder, where)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
