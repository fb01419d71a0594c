"""Parquet files: columns, classes and subsets are found by the schema and the files' names."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.detect import detect
from tests.support import builders


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
        ({"image": [b"a"], "text": ["a"]}, "no column is called label or labels or class"),
    ],
)
def test_parquet_without_images_or_labels(tmp_path, columns, message):
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=message):
        detect(tmp_path, ["a.parquet"], Choices())
