"""Parquet files: columns, classes and subsets are found by the schema and the files' names."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.detect import detect
from tests.support import builders, parquet
from tests.support.builders import CLASSES


@pytest.fixture(autouse=True)
def without_a_process(monkeypatch):
    monkeypatch.setattr("pipeline.core.limits.streaming", parquet.streaming)


def image(n=0, shape=(8, 8, 3)):
    return builders.encode(builders.pixels([n], shape, seed=n)[0])


def test_parquet(tmp_path):
    contents = [image(n) for n in range(3)]
    for name, labels in (
        ("train-00000-of-00002", [0, 1, 2]),
        ("train-00001-of-00002", [0, 1, 1]),
        ("data-validation", [1, 1, 1]),
        ("test", [-1, -1, -1]),
    ):
        builders.parquet_file(tmp_path / f"{name}.parquet", contents, labels, ("x", "a", "y"))
    names = sorted(path.name for path in tmp_path.iterdir())
    findings = detect(tmp_path, names, Choices())
    assert findings.extract == {
        "validation": ["data-validation.parquet"],
        "train": ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"],
    }
    assert findings.classes == ["x", "a", "y"]  # in the order of their numbers
    assert findings.images.classes == {"x": 2, "a": 6, "y": 1}
    assert findings.split == {"test_fraction": 0.2, "seed": 42}
    unlabelled, twice, single = findings.notes
    assert unlabelled == "the files for test have no labels and are left out"
    assert twice.startswith("6 images are in two subsets, byte for byte, such as validation-0 and")
    assert single.startswith("the image of class y is learned or tested")


def test_parquet_with_columns_of_other_names(tmp_path):
    table = pa.table({"img": [image(), image(1)], "category": [10, 9]})
    pq.write_table(table, tmp_path / "0000.parquet")
    findings = detect(tmp_path, ["0000.parquet"], Choices())
    assert findings.extract == {"train": ["0000.parquet"], "image": "img", "label": "category"}
    assert findings.classes == ["9", "10"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"text": ["a"], "label": [1]},
            "no column has images, a struct with bytes; its columns are",
        ),
        ({"image": [b"a"], "text": ["a"]}, "no column could be the classes"),
    ],
)
def test_parquet_without_images_or_labels(tmp_path, columns, message):
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=message):
        detect(tmp_path, ["a.parquet"], Choices())


def write(tmp_path, name="train.parquet", **columns):
    n = len(next(iter(columns.values())))
    pq.write_table(pa.table({"image": [image(i) for i in range(n)], **columns}), tmp_path / name)
    return name


def test_columns_of_groups_are_extracted(tmp_path):
    labels = ["a", "b"] * 15
    name = write(tmp_path, label=labels, patient_id=[f"p{n % 11}" for n in range(30)], sex=labels)
    findings = detect(tmp_path, [name], Choices())
    assert findings.extract == {"train": [name], "columns": ["patient_id"]}
    assert findings.split["groups"] == "patient_id"
    findings = detect(tmp_path, [name], Choices(group="sex"))
    assert findings.split["groups"] == "sex"


def test_a_column_of_subsets_divides(tmp_path):
    subsets = ["train"] * 20 + ["test"] * 10
    name = write(tmp_path, "all.parquet", label=["a", "b"] * 15, split=subsets)
    findings = detect(tmp_path, [name], Choices())
    assert findings.extract == {"train": [name], "columns": ["split"]}
    assert findings.split["column"] == "split"
    assert "test_fraction" not in findings.split


@pytest.mark.parametrize(
    ("columns", "choices", "message"),
    [
        ({"sex": ["m", "f"] * 2, "what": list("aabb")}, {}, r"sex \(m: 2, f: 2\), what \(a: 2,"),
        ({"labels": [["a"], ["a", "b"]]}, {}, "labels is multi-label: it has lists of classes"),
        (
            {"tags": ["a|b", "a"]},
            {"label": ("tags",)},
            "tags is multi-label: 1 images have several",
        ),
        ({"label": ["a", "b"]}, {"label": ("x",)}, r"has no column x \(--label\); its columns are"),
        ({"label": ["a", "b"]}, {"id": "label"}, r"column label \(--id\) has no images: image has"),
    ],
)
def test_columns_that_are_not_clear_are_refused(tmp_path, columns, choices, message):
    name = write(tmp_path, **columns)
    with pytest.raises(DataError, match=message):
        detect(tmp_path, [name], Choices(**choices))


def test_two_columns_with_names_of_classes_are_refused(tmp_path):
    """Such as CIFAR-100's fine and coarse labels."""
    path = builders.parquet_file(
        tmp_path / "train.parquet",
        [image(n) for n in range(4)],
        [0, 1, 2, 0],
        fine_label=[3, 4, 5, 6],
    )
    write(tmp_path, "b.parquet", coarse_label=[0, 1, 1, 0], fine_label=[3, 4, 4, 4])
    with pytest.raises(DataError, match=r"choose with --label COLUMN"):
        detect(tmp_path, ["b.parquet"], Choices())
    assert detect(tmp_path, [path.name], Choices()).classes == list(CLASSES)


def test_configurations_are_not_merged(tmp_path):
    names = [
        f"{c}-{s}-00000-of-00001.parquet" for c in ("full", "small") for s in ("train", "test")
    ]
    for name in names:
        write(tmp_path, name, label=["a", "b"] * 2)
    with pytest.raises(DataError, match=r"--only 'full\*' \(2 files\), --only 'small\*' \(2 files"):
        detect(tmp_path, names, Choices())
    findings = detect(tmp_path, names, Choices(only=("full*",)))
    assert findings.files == [names[1], names[0]]
    there = Choices(only=("full/*",))  # by which a folder's files were chosen
    assert detect(tmp_path, names[:2], there).files == [names[1], names[0]]
    with pytest.raises(DataError, match="none of the files matches --only"):
        detect(tmp_path, names, Choices(only=("x*",)))


def test_names_of_classes_that_no_image_has_are_left_out(tmp_path):
    names = ("x", "a", "y", "z")
    builders.parquet_file(tmp_path / "0.parquet", [image(n) for n in range(4)], [0, 2, 0, 2], names)
    findings = detect(tmp_path, ["0.parquet"], Choices())
    assert findings.classes == ["x", "y"]
    assert findings.notes[0] == "2 names of classes are left out, for no image has them"


def test_one_hot_columns_are_joined(tmp_path):
    """Whatever their types."""
    kinds = {"y": pa.bool_(), "x": pa.float32(), "a": pa.string()}
    columns = {
        name: pa.array([int(n % 3 == at) for n in range(6)]).cast(kind)
        for at, (name, kind) in enumerate(kinds.items())
    }
    name = write(tmp_path, MEL=[0] * 6, **columns)
    findings = detect(tmp_path, [name], Choices())
    assert findings.images.classes == {"y": 2, "x": 2, "a": 2}
    assert findings.classes == ["y", "x", "a"]  # in the columns' order
    columns = ["MEL", "y", "x", "a"]
    assert findings.extract == {"train": [name], "label": None, "columns": columns}
    assert findings.decode["labels"] == {"one_hot": columns}
    assert "classes are read from the one-hot columns MEL, y, x, a; no" in findings.notes[0]
    assert detect(tmp_path, [name], Choices(label=("a", "x", "y"))).classes == ["a", "x", "y"]


def test_one_hot_columns_of_a_division(tmp_path):
    """Each subset's files count; those without ones are unlabelled."""
    for name, rows in (("train", "yxyx"), ("validation", "xy"), ("test", "--")):
        columns = {one: [value == one for value in rows] for one in "yx"}
        write(tmp_path, f"{name}.parquet", **columns)
    names = ["test.parquet", "train.parquet", "validation.parquet"]
    findings = detect(tmp_path, names, Choices())
    assert list(findings.extract) == ["train", "validation", "label", "columns"]
    assert findings.images.classes == {"y": 3, "x": 3}
    assert "the files for test have no labels and are left out" in findings.notes
    write(tmp_path, "test.parquet", y=[True, False], x=[True, True])
    with pytest.raises(DataError, match=r"^test\.parquet: the columns y, x hold .* multi-label"):
        detect(tmp_path, names, Choices())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(1, 0, 0), (1, 1, 0)], "y, x, a hold 0 and 1, and are multi-label: 1 rows have 1 in sev"),
        pytest.param(
            [(1, 0, 0), (0, 0, 0)],
            "not one-hot: 0 rows have 1 in several of them, 1 in none",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_rows_of_several_ones_are_refused(tmp_path, rows, message):
    name = write(tmp_path, **dict(zip("yxa", zip(*rows, strict=True), strict=True)))
    with pytest.raises(DataError, match=message):
        detect(tmp_path, [name], Choices())


def test_a_one_hot_column_of_an_own_name_is_refused(tmp_path):
    name = write(tmp_path, id=[1, 0, 0], x=[0, 1, 1])
    with pytest.raises(DataError, match="a one-hot column is called id"):
        detect(tmp_path, [name], Choices(label=("id", "x")))


def test_one_of_several_columns_of_images_is_never_guessed(tmp_path):
    left, right, labels = [image(1)] * 2, [image(2)] * 2, ["a", "b"]
    pq.write_table(
        pa.table({"left": left, "right": right, "label": labels}), tmp_path / "a.parquet"
    )
    with pytest.raises(DataError, match=r"columns left, right have images.* with --id COLUMN"):
        detect(tmp_path, ["a.parquet"], Choices())
    assert detect(tmp_path, ["a.parquet"], Choices(id="right")).extract["image"] == "right"
    name = write(tmp_path, mask=left, image_after=right, label=labels)
    assert "image" not in detect(tmp_path, [name], Choices()).extract  # it is called so
