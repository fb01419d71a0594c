"""The stage program ``split``, as DVC runs it, on a table with further columns."""

from typing import get_args

import pytest

from pipeline.extract.kind import Kind
from pipeline.split.splitters import SPLITTERS
from pipeline.subsets import split as split_file
from pipeline.subsets.split import SUBSETS


def test_every_kind_has_a_splitter():
    assert set(SPLITTERS) == set(get_args(Kind))


@pytest.fixture
def tabled(project):
    """Decode the tiny archive with columns for subset and patient; return the table, by id."""
    folder = project.folder / "data/raw/tiny_png"
    rows = [line.split(",") for line in (folder / "trainLabels.csv").read_text().split()[1:]]
    names = ("Train", "train", "train", "train", "val", "test")
    table = {id_: (label, names[n % 6], f"p{n % 7}") for n, (id_, label) in enumerate(rows)}
    text = "".join(f"{id_},{','.join(row)}\n" for id_, row in table.items())
    (folder / "trainLabels.csv").write_text("id,label,fold,patient\n" + text)
    for stage in ("extract", "decode"):
        assert project.run(stage, "tiny_png").returncode == 0
    project.set("datasets.tiny_png.split", {})
    return project, table


def outcome(project):
    done = project.run("split", "tiny_png")
    assert done.returncode == 0, done.stderr
    split = split_file.read(project.folder / "data/splits/tiny_png.parquet")
    return {
        id_: SUBSETS[code] for id_, code in zip(split.ids.to_pylist(), split.subsets, strict=True)
    }


@pytest.mark.slow
def test_columns_of_the_table_name_subsets_and_groups(tabled):
    project, table = tabled
    project.set("datasets.tiny_png.split", {"column": "fold"})
    expected = {"val": "validation"}
    assert outcome(project) == {
        id_: expected.get(fold, fold.lower()) for id_, (_, fold, _) in table.items()
    }
    project.set("datasets.tiny_png.split", {"groups": "patient", "test_fraction": 0.3})
    found = outcome(project)
    test = {table[id_][2] for id_, subset in found.items() if subset == "test"}
    assert len(test) == 3  # of seven
    assert test.isdisjoint({table[id_][2] for id_, s in found.items() if s != "test"})


@pytest.mark.slow
def test_columns_that_cannot_be_used_are_named(tabled):
    project, _ = tabled
    for section, message in (
        ({"column": "patient"}, "column patient (split.column) is in 30 rows no subset (train, tr"),
        ({"groups": "doctor"}, "has no column doctor; it has: id, label, fold, patient (set split"),
        ({"groups": "patient", "stratify": True}, "split: takes groups or stratify, not both"),
        ({"groups": "patient", "column": "fold"}, "6 groups of patient (split.groups) are in more"),
        ({"column": "fold", "folders": True}, "split: takes column or folders, not both"),
        ({"folders": True}, "split.folders is true, but 30 images are in no folder of a subset's"),
        ({"folders": {"a/*": "test"}}, "30 images match no pattern of split.folders (a/*): "),
    ):
        project.set("datasets.tiny_png.split", section)
        done = project.run("split", "tiny_png")
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert message in done.stderr
