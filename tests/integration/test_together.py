"""Commands that run at the same time in one project, as processes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.core import process_lock
from pipeline.core.errors import ParameterError
from pipeline.core.params import Params
from pipeline.project import new_run, removal
from tests.support import builders
from tests.support.builders import CLASSES, ROOT


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Enter a folder with the repository's parameters, and three folders of images."""
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "dvc.yaml", "libraries.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for label, name in enumerate(CLASSES):
        for number, image in enumerate(builders.pixels([label] * 10, (8, 8, 1), seed=label)):
            path = tmp_path / "images" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(builders.encode(image))
    return tmp_path


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(processes):
    """Return the output of each process that succeeded, and of each that did not."""
    done = [(process.communicate()[0], process.returncode) for process in processes]
    return [out for out, code in done if not code], [out for out, code in done if code]


@pytest.mark.slow
def test_datasets_and_runs_that_are_added_at_once_are_all_there(here):
    commands = [("new-dataset", f"pets_{n}", "images", "--yes") for n in range(3)]
    commands += [("new-run", f"run_{n}", "--like", "demo_idx") for n in range(3)]
    good, bad = ended([start(*command) for command in commands])
    assert not bad
    assert len(good) == 6
    params = Params.read()
    assert {f"pets_{n}" for n in range(3)} <= set(params.value("datasets"))
    assert {f"pets_{n}" for n in range(3)} | {f"run_{n}" for n in range(3)} <= set(
        params.value("runs")
    )
    assert sorted(path.name for path in Path("data/raw").iterdir()) == [
        f"pets_{n}.incomplete" for n in range(3)
    ]


@pytest.mark.slow
def test_of_two_of_one_name_one_is_told(here):
    good, bad = ended([start("new-dataset", "pets", "images", "--yes") for _ in range(2)])
    assert (len(good), len(bad)) == (1, 1)
    assert "params.yaml: datasets.pets is there already; choose another name" in bad[0]


def test_a_command_waits_for_the_project_s_lock(here):
    with process_lock.project():
        process = start("new-run", "of_the_command", "--like", "demo_idx")
        line = process.stdout.readline()
        assert line == f"project: waiting for process {os.getpid()}, which is still at it\n"
        new_run.add("of_another", "demo_idx")
    with process:
        assert process.stdout.read().startswith("Added to params.yaml:")
    assert {"of_the_command", "of_another"} <= set(Params.read().value("runs"))


def test_what_changed_while_the_user_thought_is_not_removed(project, monkeypatch):
    monkeypatch.setattr(removal.lock_edit, "recorded", lambda _: [])
    found = removal.of_run("tiny_idx")
    (project.folder / "metrics/runs/tiny_idx").mkdir(parents=True)
    with pytest.raises(ParameterError, match="the run tiny_idx has changed meanwhile"):
        found.remove()
    assert "tiny_idx" in Params.read().value("runs")
    found = removal.of_run("tiny_idx")
    new_run.add("of_another", "tiny_idx")
    found.remove()
    assert "tiny_idx" not in Params.read().value("runs")
    assert "of_another" in Params.read().value("runs")


@pytest.mark.slow
@pytest.mark.usefixtures("tensorflow")
def test_exports_to_one_folder_at_once_both_end_in_it(tmp_path, monkeypatch):
    from networks import cnn
    from pipeline.models import saved
    from pipeline.shards.index import Statistics

    monkeypatch.chdir(tmp_path)
    params = cnn.Params(
        filters=(2,), dense=(3,), batch_normalization=False, dropout=0, standardize=False
    )
    built = cnn.build(params, (8, 8, 1), 3, Statistics((0.5,), (0.25,)), precision="float32")
    saved.save(saved.Model(built, CLASSES), tmp_path / "model")
    script = (
        "import sys; from pathlib import Path\n"
        "from pipeline.models import saved; from pipeline.predict import export\n"
        "export.export(saved.load_model(Path('model')), Path('served/1'))\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    good, bad = ended(processes)
    assert (len(good), bad) == (2, [])
    assert [path.name for path in Path("served").iterdir()] == ["1"]
    assert Path("served/1/assets.extra/labels.txt").read_text().split() == list(CLASSES)
