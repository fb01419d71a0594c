"""A new dataset, from files of every kind to parameters that the stages take."""

import difflib
import hashlib
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline import schema
from pipeline.core import files
from pipeline.core.errors import ParameterError, PipelineError
from pipeline.core.params import Params, read_yaml
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.propose import draw, proposed
from tests.support import builders
from tests.support.builders import CLASSES, ROOT
from tests.support.http_server import Reply, serve


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Enter a folder with the repository's parameters and graph; return it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATA_MIRROR", raising=False)
    for name in ("params.yaml", "dvc.yaml", "libraries.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def folder(path, n=4, prefix=""):
    for label, name in enumerate(CLASSES):
        images = builders.pixels([label] * n, (8, 8, 3), seed=label)
        (path / prefix / name).mkdir(parents=True)
        for number, image in enumerate(images):
            (path / prefix / name / f"{number}.png").write_bytes(builders.encode(image))
    return path


def propose(*where, labels=(), write=True):
    with proposed("own_pets", [str(place) for place in where], Choices(labels=labels)) as proposal:
        if write:
            proposal.write()
    return proposal


def only_added(name):
    """Return the lines added to a file of the repository; assert that none was changed."""
    before, after = ((folder / name).read_text().splitlines() for folder in (ROOT, Path()))
    lines = list(difflib.unified_diff(before, after, n=0))[2:]
    assert not [line for line in lines if line.startswith("-")]
    return [line[1:] for line in lines if line.startswith("+")]


def test_a_folder_becomes_parameters_and_nothing_else_changes(here):
    folder(here / "my pets", n=12)
    proposal = propose("my pets")
    added = only_added("params.yaml")
    assert '          sources: ["folder:my%20pets"]' in added
    assert (
        "    split: {test_fraction: 0.2, validation_fraction: 0.1, seed: 42, stratify: true}"
        in added
    )
    assert only_added("dvc.yaml") == []
    assert schema.check_params(Params.read()).endswith("runs are valid")
    assert read_yaml(Path("params.yaml"))["datasets"]["own_pets"] == proposal.dataset
    (file,) = proposal.dataset["download"]["files"]
    waiting = Path("data/raw/own_pets.incomplete/own_pets.tar")
    assert file["sha256"] == hashlib.sha256(waiting.read_bytes()).hexdigest()
    assert [path.name for path in Path("data/raw").iterdir()] == ["own_pets.incomplete"]


def test_large_images_are_divided_into_more_parts(here, tmp_path, monkeypatch):
    made = folder(tmp_path / "photos", n=60)
    assert "part_rows" not in propose(made, write=False).dataset["extract"]
    monkeypatch.setattr("pipeline.new_dataset.propose.SHARD_BYTES", 130 * 8 * 8 * 3)
    assert propose(made).dataset["extract"]["part_rows"] == 100


def test_without_a_yes_nothing_stays(here):
    folder(here / "pets")
    before = {path: path.read_bytes() for path in here.glob("*.yaml")}
    propose("pets", write=False)
    assert {path: path.read_bytes() for path in here.glob("*.yaml")} == before
    assert not list(Path("data/raw").iterdir())


def test_images_are_drawn_as_they_will_be_decoded(here):
    folder(here / "pets")
    wide = np.full((30, 60, 3), 200, np.uint8)
    (here / "pets/cat/wide.png").write_bytes(builders.encode(wide))
    proposal = propose("pets", write=False)
    assert proposal.dataset["decode"]["resize"] == "crop"
    draw(proposal, here / "logs/pets.png")
    drawn = cv2.imread(str(here / "logs/pets.png"))
    assert drawn.shape[0] > 300
    assert drawn.std() > 10


def test_an_archive_and_its_table_from_a_web_server(here):
    builders.archive_dataset(here / "published", archive="train.zip")
    with serve() as server:
        for path in (here / "published").iterdir():
            server.replies[f"/{path.name}"] = [Reply(path.read_bytes())]
        server.replies["/train.zip?download=true"] = server.replies["/train.zip"]
        proposal = propose(
            f"{server.url}/train.zip?download=true", labels=[f"{server.url}/trainLabels.csv"]
        )
    first, second = proposal.dataset["download"]["files"]
    assert (first["name"], second["name"]) == ("train.zip", "trainLabels.csv")
    assert first["sources"] == [f"{server.url}/train.zip?download=true"]
    assert second["sha256"] == files.sha256(here / "published/trainLabels.csv")
    assert proposal.dataset["extract"] == {"archive": "train.zip", "labels": "trainLabels.csv"}
    assert "labels" not in proposal.dataset["decode"]


def test_names_from_strangers_are_harmless_on_a_terminal(here):
    folder(here / "pets")
    (here / "pets/cat").rename(here / "pets/c\x1b[2Jat")
    with pytest.raises(ParameterError, match=r"classes\[0\]: must be .* without .* U\+001B"):
        propose("pets")


def test_rare_classes_are_weighted_and_absolute_paths_stay(here, tmp_path_factory):
    elsewhere = folder(tmp_path_factory.mktemp("x") / "pets")
    shutil.rmtree(elsewhere / "emu")
    (elsewhere / "dog/0.png").unlink()
    (elsewhere / "dog/1.png").unlink()
    proposal = propose(elsewhere)
    assert proposal.run["train"]["class_weights"] == "balanced"
    assert proposal.dataset["download"]["files"][0]["sources"] == [f"folder://{elsewhere}"]


@pytest.mark.slow
def test_a_folder_of_parquet_files_leaves_out_those_without_labels(here):
    contents = [builders.encode(image) for image in builders.pixels([0, 1, 2], (8, 8, 3))]
    for name, labels in (("train/0000", [0, 1, 2]), ("test/0000", [-1, -1, -1])):
        builders.parquet_file(here / f"hf/{name}.parquet", contents, labels)
    proposal = propose("hf")
    assert [file["name"] for file in proposal.dataset["download"]["files"]] == [
        "train-0000.parquet"
    ]
    assert proposal.dataset["extract"] == {"train": ["train-0000.parquet"]}


def test_a_folder_of_idx_files(here):
    builders.idx_dataset(here / "idx")
    proposal = propose("idx")
    assert proposal.dataset["extract"] == builders.IDX_FILES
    assert proposal.dataset["kind"] == "idx"


def archive_within(here):
    builders.archive_dataset(here / "where")


def texts(here):
    (here / "where").mkdir()
    (here / "where/a.txt").touch()


def one_class(here):
    shutil.rmtree(folder(here / "where") / "cat")
    shutil.rmtree(here / "where/dog")


@pytest.mark.parametrize(
    ("make", "where", "message"),
    [
        (None, "where", "there is no file or folder where"),
        (
            None,
            "http://127.0.0.1:9/a.zip",
            "a.zip could not be fetched; http://127.0.0.1:9/a.zip: ",
        ),
        (None, "https://h/a.zip?token=x", "these files cannot be used: must not hold credentials"),
        (None, "ftpx://h/a.zip", "these files cannot be used: must begin with a known scheme"),
        (archive_within, "where", "where: holds an archive (train.7z, trainLabels.csv); name that"),
        (texts, "where", "where: holds neither images, Parquet nor IDX files: a.txt"),
        (one_class, "where", "has images of 1 class (emu); two are needed, each in a folder"),
    ],
)
def test_what_cannot_be_used_is_named(here, make, where, message):
    if make:
        make(here)
    with pytest.raises(PipelineError) as caught:
        propose(where)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(here.glob("data/raw/*"))
    assert only_added("params.yaml") == []


def test_errors_name_a_folder_and_what_is_empty_in_it(here):
    pets = folder(here / "pets")
    rows = [(f"{name}/{n}.png", name) for name in CLASSES for n in range(4)]
    table = builders.labels_csv(here / "pets.csv", [*rows, ("x/9.png", "a")])
    with pytest.raises(PipelineError, match=r"1 ids have no image in pets: x/9\.png"):
        propose("pets", labels=[str(table)])
    (pets / "owl" / ".cache").mkdir(parents=True)
    with pytest.raises(PipelineError, match=r"^pets: no file is in owl, beside the folders of cl"):
        propose("pets")


@pytest.mark.parametrize("name", ["Pets", "my-pets", "../x", "demo_idx"])
def test_names_that_cannot_be_used(here, name):
    with (
        pytest.raises(PipelineError, match=r"cannot be a dataset's name|is there already"),
        proposed(name, ["x"], Choices()),
    ):
        pass


def call(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "pipeline", "new-dataset", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.mark.slow
def test_the_command_shows_asks_and_writes(here):
    folder(here / "pets")
    done = call("own_pets", "pets", stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert "images        12 of 3 classes" in done.stdout
    assert "note: some classes have fewer than 50 images" in done.stdout
    assert "    kind: archive" in done.stdout
    assert done.stdout.endswith(
        "Nothing was added to params.yaml. To add it, run this again with --yes\n"
    )
    assert only_added("params.yaml") == []
    assert Path("logs/own_pets.png").exists()
    ours, theirs = pty.openpty()
    os.write(ours, b"y\n")
    done = call("own_pets", "pets", stdin=theirs)
    os.close(ours)
    os.close(theirs)
    assert done.stdout.endswith("Written. Now run: dvc repro report@own_pets\n"), done.stderr
    assert only_added("params.yaml")
    done = call("own_pets", "pets", "--yes")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.endswith(
        "params.yaml: datasets.own_pets is there already; choose another name, or take its new "
        "state: python -m pipeline update-dataset own_pets\n"
    )
