"""Each format of ``docs/own-data.md``, turned into a run with a report by the page's commands."""

import gzip
import json
import re
import shutil

import numpy as np
import pytest

from pipeline.images import idx
from pipeline.subsets.split import SUBSETS
from pipeline.subsets.split import read as read_split
from tests.support import builders
from tests.support.builders import ROOT
from tests.support.repository import Copy

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("own data")]

PAGE = (ROOT / "docs/own-data.md").read_text(encoding="utf-8")
COMMANDS = dict(re.findall(r"```sh\n(?=python -m pipeline new-dataset (\w+))(.*?)```", PAGE, re.S))
"""The page's commands, by the dataset's name."""
N = 240
RNG = np.random.default_rng(0)


def picture(label, height=20, width=20, channels=3):
    """Return noise with a light third, whose place is the label."""
    image = RNG.integers(0, 80, (height, width, channels), np.uint8)
    image[height * label // 3 : height * (label + 1) // 3] += 120
    return builders.encode(image)


def folders(n=N):
    """Yield images in a folder for each class: several sizes, grey and colour, one class rare."""
    for number in range(n):
        label = (0, 0, 0, 1, 1, 2)[number % 6]
        sides = RNG.integers(16, 40, 2)
        yield (
            f"{builders.CLASSES[label]}/{number}.png",
            picture(label, *sides, 1 if number % 4 == 0 else 3),
        )


def write_files(mine):
    for name, content in folders():
        (mine / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / "pets" / name).write_bytes(content)
    (mine / "pets/.DS_Store").write_bytes(b"x")
    (mine / "pets/emu/empty.jpg").write_bytes(b"")
    zipped = [
        (f"pets/{('train', 'train', 'val', 'test')[n % 4]}/{name}", content)
        for n, (name, content) in enumerate(folders())
    ]
    builders.write_archive(mine / "pets.zip", [*zipped, ("__MACOSX/pets/._1.png", b"x")])
    labels = builders.balanced(N, 3)
    scans = [(f"images/{n:04}.png", picture(label)) for n, label in enumerate(labels)]
    for suffix in (".7z", ".zip", ".tar.gz"):
        builders.write_archive(mine / f"scans{suffix}", scans)
    rows = [(f"{n:04}.png", f"kind {label}", f"p{n % 30}") for n, label in enumerate(labels)]
    builders.labels_csv(mine / "scans.csv", rows, ("file", "diagnosis", "patient"))
    for subset, n in (("train", 180), ("test", 60)):
        labels = builders.balanced(n, 2).tolist()
        path = mine / f"birds/{subset}-00000-of-00001.parquet"
        builders.parquet_file(path, [picture(label) for label in labels], labels, ("finch", "wren"))
    labels = builders.balanced(N, 3)
    for what, array in (
        ("images-idx3", builders.pixels(labels, (20, 20))),
        ("labels-idx1", labels),
    ):
        content = gzip.compress(idx.dumps(array), mtime=0)
        (mine / f"digits-{what}-ubyte.gz").write_bytes(content)


ONE_EPOCH = "sed -i 's/ epochs: [0-9]*/ epochs: 1/' params.yaml"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    copy = Copy(tmp_path_factory.mktemp("own data"), quick=True)
    (copy.folder / "dvc.lock").unlink()
    shutil.rmtree(copy.folder / "metrics")
    write_files(copy.folder / "mine")
    return copy


def run(copy, name, commands):
    """Run commands of the page, and train for an epoch; return the data card, and the subsets."""
    assert "\ndvc repro" in commands
    copy.call("bash", "-euc", commands.replace("\ndvc repro", f"\n{ONE_EPOCH}\ndvc repro"))
    report = copy.folder / f"metrics/runs/{name}/report.html"
    assert report.stat().st_size > 10_000
    card = json.loads((copy.folder / f"metrics/datasets/{name}/data.json").read_text())
    split = read_split(copy.folder / f"data/splits/{name}.parquet")
    subsets = [SUBSETS[code] for code in split.subsets]
    return card, dict(zip(split.ids.to_pylist(), subsets, strict=True))


def test_every_format_of_the_page_is_here():
    assert list(COMMANDS) == ["pets", "pets_zip", "scans", "birds", "digits"]


def test_a_folder_for_each_class(copy):
    card, subsets = run(copy, "pets", COMMANDS["pets"])
    assert card["classes"] == ["cat", "dog", "emu"]
    assert sum(subset["n"] for subset in card["subsets"].values()) == N == len(subsets)
    assert card["shape"] == [24, 24, 3]
    left_out = copy.folder / "metrics/datasets/pets/quarantined.csv"
    assert left_out.read_text() == "class,name,reason\nemu,emu/empty.jpg,is empty\n"
    model_card = (copy.folder / "metrics/runs/pets/model_card.md").read_text()
    assert "class_weights: balanced" in model_card  # three times as many cats as emus
    assert copy.repro("report@pets") == []
    for name, content in folders(6):  # another one, which dvc repro does not see
        (copy.folder / "mine/pets" / name).with_suffix(".bmp").write_bytes(content)
    assert copy.repro("report@pets") == []


def test_an_archive_of_folders_with_a_division_of_its_own(copy):
    _, subsets = run(copy, "pets_zip", COMMANDS["pets_zip"])
    names = {"train": "train", "val": "validation", "test": "test"}
    assert subsets == {path: names[path.split("/")[1]] for path in subsets}
    assert set(subsets.values()) == set(SUBSETS)


@pytest.mark.parametrize("suffix", ["7z", "zip", "tar.gz"])
def test_a_table_of_labels(copy, suffix):
    """The groups of its rows stay together."""
    name = "scans" if suffix == "7z" else f"scans_{suffix.replace('.', '_')}"
    commands = COMMANDS["scans"].replace("new-dataset scans", f"new-dataset {name}")
    commands = commands.replace("report@scans", f"report@{name}").replace("7z", suffix)
    card, subsets = run(copy, name, commands)
    assert card["classes"] == ["kind 0", "kind 1", "kind 2"]
    assert card["shape"] == [20, 20, 3]
    patients = {}
    for id_, subset in subsets.items():
        patients.setdefault(int(id_.removesuffix(".png")) % 30, set()).add(subset)
    assert len(patients) == 30
    assert {len(own) for own in patients.values()} == {1}


def test_parquet(copy):
    card, subsets = run(copy, "birds", COMMANDS["birds"])
    assert card["classes"] == ["finch", "wren"]
    assert {n for n, subset in subsets.items() if subset == "test"} == {
        f"test-{n}" for n in range(60)
    }
    assert card["subsets"]["validation"]["n"] == 18


def test_an_idx_pair(copy):
    card, _ = run(copy, "digits", COMMANDS["digits"])
    assert card["classes"] == ["0", "1", "2"]
    assert card["shape"] == [20, 20, 1]
    assert card["subsets"]["test"]["n"] == N // 5


def test_what_was_added_is_valid_and_verified(copy):
    """All of the tests above that were run have added something."""
    assert "are valid" in copy.call("python", "-m", "pipeline", "check")
    assert copy.call("python", "-m", "pipeline", "verify") == "all that is here agrees\n"
