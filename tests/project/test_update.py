"""Update of datasets of each kind: what is told, what is pinned, and that stages go on with it."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline import schema
from pipeline.core import files
from pipeline.core.errors import PipelineError
from pipeline.core.params import Params, read_yaml
from pipeline.download import fetch
from pipeline.images import idx
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.propose import proposed
from pipeline.project import picture, update
from tests.support import builders
from tests.support.builders import CLASSES, ROOT
from tests.support.http_server import Reply, serve


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Enter a folder with the repository's parameters; return it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(fetch.MIRROR, raising=False)
    for name in ("params.yaml", "libraries.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def image(name, seed, side=8):
    label = CLASSES.index(name) if name in CLASSES else 0
    return builders.encode(builders.pixels([label], (side, side, 3), seed=seed)[0])


@pytest.fixture
def pets(here):
    """A dataset of a folder, added and downloaded; return the folder."""
    for seed, name in enumerate(CLASSES):
        for number in range(12):
            path = here / "pets" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(image(name, 100 * seed + number))
    add("pets")
    return here / "pets"


def add(*where, **choices):
    with proposed("own", list(map(str, where)), Choices(**choices)) as proposal:
        proposal.write()
    section = Params.read().section(fetch.DownloadParams, "datasets", "own", "download")
    fetch.download("own", section, Path("data/raw/own"))


def look(*, write=True):
    with update.looked_again("own") as found:
        if write and found.pins:
            found.write()
    return found


def own():
    return read_yaml(Path("params.yaml"))["datasets"]["own"]


def test_without_a_change_nothing_is_to_be_done(pets):
    before = Path("params.yaml").read_bytes()
    found = look()
    assert not found.pins
    assert Path("params.yaml").read_bytes() == before
    assert [path.name for path in Path("data/raw").iterdir()] == ["own"]


def test_a_folder_that_changed_is_compared_and_pinned(pets):
    for number in range(10):
        (pets / "fox").mkdir(exist_ok=True)
        (pets / f"fox/{number}.png").write_bytes(image("fox", 900 + number))
    (pets / "cat/0.png").unlink()
    (pets / "cat/1.png").write_bytes(image("cat", 77))
    (pets / "dog/0.png").rename(pets / "cat/dog.png")
    before = Path("params.yaml").read_text()
    found = look()
    changes = found.changes
    assert sorted(changes.came) == sorted(f"fox/{number}.png" for number in range(10))
    assert (changes.went, changes.changed) == (["cat/0.png"], ["cat/1.png"])
    assert changes.moved == [("dog/0.png", "cat/dog.png")]
    (file,) = own()["download"]["files"]
    waiting = Path("data/raw/own.incomplete/own.tar")
    assert (file["bytes"], file["sha256"]) == (waiting.stat().st_size, files.sha256(waiting))
    assert own()["decode"]["classes"] == ["cat", "dog", "emu", "fox"]
    assert schema.check_params(Params.read()).endswith("are valid")
    after = Path("params.yaml").read_text()
    differing = [
        (a, b) for a, b in zip(before.split("\n"), after.split("\n"), strict=True) if a != b
    ]
    assert len(differing) == 3  # bytes, sha256, classes
    assert "note: new classes, behind the others, whose numbers stay: fox" in found.describe()
    section = Params.read().section(fetch.DownloadParams, "datasets", "own", "download")
    assert "an earlier run" in fetch.download("own", section, Path("data/raw/own"))
    assert [path.name for path in Path("data").glob("own*")] == []
    assert not look().pins


def test_new_files_that_are_passed_over_are_told(pets):
    (pets / "cat/photo.jpg").write_bytes(b"x")
    (pets / "notes.txt").write_bytes(b"x")
    params = Path("params.yaml")
    old = "extract: {archive: own.tar}"
    params.write_text(
        params.read_text().replace(old, 'extract: {archive: own.tar, members: "*.png"}')
    )
    found = look(write=False)
    assert not found.changes
    assert "files that extract.members passes over: 1 .jpg, 1 .txt; 0 before" in found.notes
    assert "the images are the same; what else is in the files differs" in found.describe()


def test_a_class_without_images_goes_and_what_cannot_be_decoded_is_told(pets):
    shutil.rmtree(pets / "dog")
    (pets / "cat/large.png").write_bytes(image("cat", 5, side=9))
    (pets / "cat/text.png").write_bytes(b"text")
    found = look(write=False)
    assert found.classes == ["cat", "emu"]
    notes = "\n".join(found.notes)
    assert "classes without any image now: dog; those behind them get other numbers" in notes
    assert "2 images that came or changed cannot be used and will end decode" in notes
    assert "is 9x9 pixels, not 8x8" in notes
    assert found.text != Path("params.yaml").read_text()
    assert [path.name for path in Path("data/raw").iterdir()] == ["own"]


def test_without_the_pinned_files_the_counts_of_the_data_card_are_told(pets):
    shutil.rmtree("data/raw/own")
    (pets / "cat/0.png").unlink()
    card = Path("metrics/datasets/own/data.json")
    card.parent.mkdir(parents=True)
    counts = {"cat": 12, "dog": 12, "emu": 12}
    none = dict.fromkeys(counts, 0)
    subsets = {"train": counts, "validation": none, "test": none}
    pairs = ("train_validation", "train_test", "validation_test")
    files.write_json(
        card,
        {
            "dataset": "own",
            "classes": list(counts),
            "shape": [8, 8, 3],
            "content_sha256": "0" * 64,
            "subsets": {n: {"n": sum(c.values()), "classes": c} for n, c in subsets.items()},
            "training_pixels": {"min": 0, "max": 1, "mean": [0.5] * 3, "std": [0.1] * 3},
            "duplicates": {"within": dict.fromkeys(subsets, 0), "across": dict.fromkeys(pairs, 0)},
            "quarantined": 0,
        },
    )
    found = look()
    assert found.changes is None
    assert "cat    12      11\ndog    12      12\n" in found.describe()
    assert "single images are not compared, since the pinned state cannot be read" in found.notes[0]


def test_images_that_came_and_went_are_drawn(pets):
    (pets / "cat/0.png").unlink()
    (pets / "dog/new.png").write_bytes(image("dog", 5))
    (pets / "dog/1.png").write_bytes(image("dog", 6))
    drawn = []
    with update.looked_again("own") as found:
        for side, ids in ((found.before, ["cat/0.png"]), (found.after, ["dog/new.png"])):
            drawn += [update.images(side, ids)[ids[0]]]
        assert picture.draw(
            found.changes,
            lambda ids: update.images(found.before, ids),
            lambda ids: update.images(found.after, ids),
            Path("logs/own.png"),
        )
        assert update.images(None, ["x"]) == {}
    assert all(one.shape == (8, 8, 3) and one.dtype == np.float32 for one in drawn)
    assert Path("logs/own.png").stat().st_size > 1000


def stray(folder):
    (folder / "stray.png").write_bytes(image("cat", 1))


def empty(folder):
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (stray, "1 images are in no folder of a class: stray.png; put them into one"),
        (lambda folder: folder.rename("elsewhere"), "no such folder.*; or, if it was moved, write"),
        (empty, "folder:pets: holds no files"),
        (
            lambda folder: (folder / "emu").rename(folder / "test"),
            "12 images are in no folder of a class: test/0.png",
        ),
    ],
)
def test_what_cannot_be_taken_leaves_all_as_it_was(pets, change, message):
    before = Path("params.yaml").read_bytes()
    change(pets)
    with pytest.raises(PipelineError, match=message) as caught:
        look()
    assert "\n" not in str(caught.value)
    assert "data/" not in str(caught.value)
    assert Path("params.yaml").read_bytes() == before
    assert [path.name for path in Path("data/raw").iterdir()] == ["own"]


@pytest.mark.slow
def test_an_archive_and_its_table_from_a_web_server(here):
    rows = [(f"{n}.png", CLASSES[n % 2]) for n in range(30)]
    contents = [(f"all/{id_}", image(name, n)) for n, (id_, name) in enumerate(rows)]
    with serve() as server:

        def publish(rows, contents):
            builders.write_archive(here / "a.zip", contents)
            with (here / "a.csv").open("w", newline="") as file:
                csv.writer(file).writerows([("file", "label"), *rows])
            return [
                server.reply(f"/{name}", Reply((here / name).read_bytes()))
                for name in ("a.zip", "a.csv")
            ]

        archive, table = publish(rows, contents)
        add(archive, labels=(table,))
        rows[1:3] = [(rows[1][0], "emu"), (rows[2][0], CLASSES[1])]
        publish(rows[1:], contents[1:])
        found = look()
    assert [pin[0] for pin in found.pins] == ["a.zip", "a.csv"]
    assert found.changes.went == ["0.png"]
    assert found.changes.moved == [("1.png", "1.png"), ("2.png", "2.png")]
    assert own()["decode"]["classes"] == [*CLASSES[:2], "emu"]


def test_idx_files_get_a_name_for_each_number(here):
    (here / "mine").mkdir()
    pixels = np.arange(40 * 16, dtype=np.uint16).reshape(40, 4, 4).astype(np.uint8)
    labels = np.arange(40, dtype=np.uint8) % 2
    pixels[:, 0, 0] = np.arange(40)

    def write(rows):
        idx.write(here / "mine/images-idx3-ubyte", pixels[rows])
        idx.write(here / "mine/labels-idx1-ubyte", labels[rows])

    write(slice(None))
    add("mine")
    labels[39] = 3
    write(slice(1, None))
    found = look()
    assert found.changes.went == ["train-0"]
    assert found.changes.moved == [("train-39", "train-38")]
    assert own()["decode"]["classes"] == ["0", "1", "2", "3"]
    assert any("which stay, for labels are positions" in note for note in found.notes)


@pytest.mark.slow
def test_parquet_files_beside_those_that_are_named_are_told(here):
    contents = [image(CLASSES[n % 3], n) for n in range(30)]
    labels = [n % 3 for n in range(30)]
    builders.parquet_file(here / "hf/train-0.parquet", contents, labels)
    add("hf")
    builders.parquet_file(here / "hf/train-0.parquet", contents[:-1], labels[:-1])
    builders.parquet_file(here / "hf/train-1.parquet", contents, labels)
    found = look()
    assert found.changes.went == ["train-29"]
    assert (
        f"files beside these are not named by the dataset: {here}/hf/train-1.parquet"
        in (found.notes[0])
    )
