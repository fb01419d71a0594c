"""Links, hard links and folders that a clone could bring, where stages and commands write."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from pipeline.core import paths, process_lock
from pipeline.core.errors import DataError
from pipeline.core.params import Params
from pipeline.project import new_run, removal
from pipeline.report import plots
from stages import decode, download, extract, split
from tests.support.builders import ROOT

STAGES = {"download": download, "extract": extract, "decode": decode, "split": split}
NAME = "tiny_idx"
THESIS = "thesis.txt"
FOLDERS = {
    "download": ["data/raw", f"data/raw/{NAME}", f"data/raw/{NAME}.incomplete"],
    "extract": ["data/extracted", f"data/extracted/{NAME}", f"data/extracted/{NAME}.incomplete"],
    "decode": ["data/shards", f"data/shards/{NAME}", f"data/shards/{NAME}.incomplete"],
    "split": ["data/splits", "metrics", "metrics/datasets", f"metrics/datasets/{NAME}"],
}
"""Folders into which a stage writes, or once wrote on the way."""
FILES = {
    "download": [f"data/raw/{NAME}/train-images-idx3-ubyte.gz"],
    "extract": [],
    "decode": [f"data/shards/{NAME}.incomplete/part-00000.parquet"],
    "split": [
        f"data/splits/{NAME}.parquet",
        f"data/splits/{NAME}.parquet.incomplete",
        f"metrics/datasets/{NAME}/data.json",
        f"metrics/datasets/{NAME}/data.json.incomplete",
        f"metrics/datasets/{NAME}/quarantined.csv",
    ],
}


@pytest.fixture
def mine(tmp_path_factory):
    """A folder outside the project, which must stay as it is."""
    folder = tmp_path_factory.mktemp("mine")
    (folder / THESIS).write_text("my own")
    yield folder
    found = {path.name: path.read_text() for path in folder.iterdir()}
    assert found == {THESIS: "my own"}


def plant(path, target, kind="soft"):
    """Put a link in the place of whatever is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.hardlink_to(target) if kind == "hard" else path.symlink_to(target)


def before(project, stage):
    """Run the stages before one."""
    for name in list(STAGES)[: list(STAGES).index(stage)]:
        STAGES[name].work(NAME)


@pytest.mark.parametrize(
    ("stage", "place"), [(stage, place) for stage in STAGES for place in FOLDERS[stage]]
)
def test_a_folder_that_is_a_link_is_not_followed(project, mine, stage, place):
    before(project, stage)
    plant(Path(place), mine)
    if place == f"data/extracted/{NAME}.incomplete":  # extract has no such place any more
        extract.work(NAME)
    else:
        with pytest.raises(DataError, match=r"link|is no folder that this project made"):
            STAGES[stage].work(NAME)
    assert Path(place).is_symlink()


@pytest.mark.parametrize("kind", ["soft", "hard"])
@pytest.mark.parametrize("stage", ["download", "decode", "split"])
def test_a_file_that_is_a_link_is_not_written_through(project, mine, stage, kind):
    before(project, stage)
    for place in FILES[stage]:
        plant(Path(place), mine / THESIS, kind)
    if stage == "decode" and kind == "soft":
        with pytest.raises(DataError, match=r"holds part-00000.parquet, which this"):
            decode.work(NAME)
        return
    STAGES[stage].work(NAME)
    assert all(
        Path(place).stat().st_nlink == 1 and not Path(place).is_symlink()
        for place in FILES[stage]
        if Path(place).exists() and not place.endswith(".incomplete")
    )


@pytest.mark.parametrize("name", ["train.lock", "train.pid"])
def test_a_lock_is_no_link(project, mine, name):
    for kind in ("soft", "hard"):
        plant(paths.LOCKS / name, mine / THESIS, kind)
        with (
            pytest.raises(DataError, match="is no lock of this project's; remove it"),
            process_lock.held("train"),
        ):
            pass


def test_params_that_are_a_link_are_replaced(project, mine):
    (project.folder / "params.yaml").rename(project.folder / "real.yaml")
    Path("params.yaml").symlink_to("real.yaml")
    old = Path("real.yaml").read_text()
    new_run.add("another", "tiny_idx")
    assert not Path("params.yaml").is_symlink()
    assert Path("real.yaml").read_text() == old


def test_a_picture_that_is_a_link_is_replaced(project, mine):
    plant(Path("logs/pets.png"), mine / THESIS)
    plots.save(Figure(), Path("logs/pets.png"), 20)
    assert not Path("logs/pets.png").is_symlink()
    plant(Path("logs"), mine)
    with pytest.raises(DataError, match=r"^logs is a link"):
        plots.save(Figure(), Path("logs/pets.png"), 20)


@pytest.mark.parametrize("place", ["logs", "metrics/runs", "data/exports", "data/models"])
def test_nothing_is_removed_through_a_link(project, mine, place, monkeypatch):
    monkeypatch.setattr(removal.lock_edit, "recorded", lambda _: [])
    monkeypatch.setattr(removal.lock_edit, "forget", lambda _: None)
    plant(Path(place), mine)
    if place in ("logs", "data/exports"):
        removal.of_run("tiny_idx").remove()
    else:
        with pytest.raises(DataError, match=f"^{place} is a link"):
            removal.of_run("tiny_idx")
    assert Path(place).is_symlink()


def test_what_else_a_run_s_folders_hold_stays(project, monkeypatch):
    monkeypatch.setattr(removal.lock_edit, "recorded", lambda _: [])
    monkeypatch.setattr(removal.lock_edit, "forget", lambda _: None)
    for folder in (paths.export("tiny_idx"), paths.LOGS / "tiny_idx"):
        folder.mkdir(parents=True)
        (folder / THESIS).write_text("my own")
    found = removal.of_run("tiny_idx")
    assert found.describe().count("(stays: ") == 2
    found.remove()
    assert "tiny_idx" not in Params.read().value("runs")
    for folder in (paths.export("tiny_idx"), paths.LOGS / "tiny_idx"):
        assert (folder / THESIS).read_text() == "my own"


def test_outputs_that_are_links_to_a_cache_are_replaced(project, tmp_path_factory):
    """As DVC makes them with ``cache.type`` symlink or hardlink: read-only, and not ours."""
    cache = tmp_path_factory.mktemp("cache")
    for stage in STAGES.values():
        stage.work(NAME)
    kept = {}
    folders = [paths.raw(NAME), paths.extracted(NAME), paths.shards(NAME)]
    outputs = [path for folder in folders for path in folder.iterdir()] + [paths.split(NAME)]
    for number, path in enumerate(outputs):
        stored = cache / str(number)
        shutil.move(path, stored)
        kept[stored] = stored.read_bytes()
        stored.chmod(0o444)
        path.symlink_to(stored) if number % 2 else path.hardlink_to(stored)
    for stage in STAGES.values():
        stage.work(NAME)
    assert {path: path.read_bytes() for path in kept} == kept
    assert [path.read_bytes() for path in outputs] == list(kept.values())


def test_make_looks_for_links_before_dvc_follows_them():
    lines = [line for line in (ROOT / "Makefile").read_text().splitlines() if "dvc repro" in line]
    assert [line[:11] for line in lines] == ["\t$(CHECKED)"] * 2


def test_data_on_a_larger_disk(project, tmp_path_factory):
    large = tmp_path_factory.mktemp("large") / "data"
    shutil.move("data", large)
    Path("data").symlink_to(large)
    for stage in STAGES.values():
        stage.work(NAME)
    assert (large / "splits" / f"{NAME}.parquet").exists()


def test_a_link_data_that_git_brought_is_refused(project, mine):
    shutil.rmtree("data")
    Path("data").symlink_to(mine)
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "add", "data"], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "stages.download", NAME],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"download {NAME}: data is a link; nothing is written")
