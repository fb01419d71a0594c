"""The example of docs/networks.md, and its tables of parameters."""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import keras
import numpy as np
import pytest

import networks
from networks import application
from pipeline.core import files
from pipeline.core.params import read_yaml
from pipeline.models import families
from pipeline.shards.index import Statistics
from tests.support import repository
from tests.support.builders import ROOT
from tests.support.graph_project import DvcProject

PAGE = (ROOT / "docs/networks.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


EXAMPLE = blocks("python")[0]
RUN, RESNET, TUNED = blocks("yaml")
COMMANDS, IMPORT = blocks("sh")


def section(name):
    return re.search(rf"^## `{name}`\n(.*?)(?=^## )", PAGE, re.M | re.S).group(1)


@pytest.mark.usefixtures("tensorflow")
def test_the_example_is_a_family(tmp_path, monkeypatch):
    (tmp_path / "mine_of_page.py").write_text(EXAMPLE)
    monkeypatch.setattr(networks, "__path__", [*networks.__path__, str(tmp_path)])
    family = families.family("mine_of_page")
    params = family.params(filters=(2, 3), dropout=0.5)
    statistics = Statistics((0.25,), (0.5,))
    one, other = (
        families.build(family, params, (8, 9, 1), 3, statistics, seed=1, precision="bfloat16")
        for _ in range(2)
    )
    assert [layer.filters for layer in one.layers if hasattr(layer, "filters")] == [2, 3]
    assert np.asarray(one(np.ones((1, 8, 9, 1), np.float32))).shape == (1, 3)
    for first, second in zip(one.get_weights(), other.get_weights(), strict=True):
        assert (first == second).all()
    text = str(keras.saving.serialize_keras_object(one))
    assert text == str(keras.saving.serialize_keras_object(other))


def test_the_example_is_of_the_projects_style(tmp_path):
    (tmp_path / "mine.py").write_text(EXAMPLE)
    ruff = str(Path(sys.executable).with_name("ruff"))
    for command in (["check"], ["format", "--check"]):
        subprocess.run(
            [ruff, *command, "--config", str(ROOT / "pyproject.toml"), "--no-cache", tmp_path],
            check=True,
        )


@pytest.mark.parametrize("name", [name for name in families.known() if f"## `{name}`" in PAGE])
def test_the_tables_name_every_parameter_with_its_default(name):
    fields = families.family(name).params.model_fields
    rows = re.findall(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \| (`[^|]*`) \|", section(name), re.M)
    told = {}
    for keys, values in rows:
        keys, values = (re.findall(r"`([^`]+)`", part) for part in (keys, values))
        told |= dict(zip(keys, values * len(keys) if len(values) == 1 else values, strict=True))
    defaults = families.family(name).params().model_dump(mode="json")
    assert list(told) == list(fields)
    for key, value in told.items():
        assert value.lower() == str(defaults[key]).lower(), key


def test_every_backbone_is_named():
    table = re.findall(r"`(\w+)`", section("application").split("without a head")[1])
    assert set(get_args(application.Backbone)) <= set(table)


def test_the_papers_network_is_valid(tmp_path):
    (tmp_path / "run.yaml").write_text(RESNET)
    params = families.family("residual").params
    depths = params(**{k: tuple(v) for k, v in read_yaml(tmp_path / "run.yaml")["model"].items()})
    assert 2 * sum(depths.depths) + 2 == 56


@pytest.mark.slow
def test_from_an_empty_file_to_a_trained_run(tmp_path):
    """As written, but for the dataset, which is smaller, and the report, which takes long."""
    project = DvcProject(tmp_path)
    (tmp_path / "networks/mine.py").write_text(EXAMPLE)
    params = tmp_path / "params.yaml"
    text, run = params.read_text(), RUN.replace("demo_idx", "tiny_idx")
    assert text.rstrip().endswith("weights: data/weights/none")  # the end is of the last run
    params.write_text(text + run)
    check, repro = COMMANDS.splitlines()
    done = project.call(*check.split())
    assert done.returncode == 0, done.stdout
    done = project.call(*repro.replace("report@", "evaluate@").split())
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "data/models/mine/architecture.json").exists()
    assert "train@tiny_idx" not in done.stdout

    (tmp_path / "networks/mine.py").write_text(EXAMPLE.replace("strides=2", "strides=1"))
    done = project.call("dvc", "status", "train@mine", "train@tiny_png", "decode@tiny_idx")
    changed = re.findall(r"^(\w+@\w+):", done.stdout, re.M)
    assert "train@mine" in changed
    assert "decode@tiny_idx" not in changed


@pytest.mark.slow
def test_a_run_from_another_runs_weights_is_shared_without_the_others_data(tmp_path):
    """The other run is of other data, which a colleague's clone does not have."""
    (tmp_path / "mine").mkdir()
    project = DvcProject(tmp_path / "mine")
    (project.folder / "networks/mine.py").write_text(EXAMPLE)
    params = project.folder / "params.yaml"
    runs = RUN.replace("demo_idx", "tiny_png") + TUNED.replace("demo_idx", "tiny_idx")
    params.write_text(params.read_text() + runs)

    def call(at, *command):
        return repository.call(command, at)

    out = call(project.folder, "dvc", "repro", "evaluate@mine_tuned")
    assert re.findall(r"^Running stage '(train@\w+)'", out, re.M) == [
        "train@mine",
        "train@mine_tuned",
    ]
    assert "start from data/models/mine: " in out
    assert "epochs 1 to 2: " in out
    assert "epochs 3 to 5: " in out
    start = files.read_json(project.folder / "data/models/mine_tuned/start.json")
    assert [phase["last"] for phase in start["phases"]] == [2, 5]
    call(project.folder, "dvc", "remote", "add", "-d", "store", str(tmp_path / "store"))
    call(project.folder, "dvc", "push", "train@mine", "evaluate@mine_tuned", "split@tiny_idx")
    call(project.folder, "dvc", "push", "train@mine_tuned", "decode@tiny_idx")
    call(project.folder, "git", "add", ".")
    name = "-c", "user.name=x", "-c", "user.email=x"
    call(project.folder, "git", *name, "commit", "-qm", "All")

    clone = tmp_path / "clone"
    call(tmp_path, "git", "clone", "-q", str(project.folder), str(clone))
    call(clone, "dvc", "pull", "-q", "train@mine_tuned")
    assert [path.name for path in (clone / "data/models").iterdir()] == [".gitignore", "mine_tuned"]
    text = (clone / "params.yaml").read_text()
    (clone / "params.yaml").write_text(text.replace("epochs: 5", "epochs: 3"))
    out = call(clone, "dvc", "repro", "--pull", "--allow-missing", "evaluate@mine_tuned")
    assert re.findall(r"^Running stage '(.*)'", out, re.M) == [
        "train@mine_tuned",
        "evaluate@mine_tuned",
    ]
    assert not (clone / "data/shards/tiny_png").exists()
