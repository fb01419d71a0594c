import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from pipeline.core.errors import DataError
from pipeline.extract import hugging_face
from pipeline.extract.hugging_face import ParquetExtract
from pipeline.shards import index as shard_index
from pipeline.subsets.split import SUBSETS
from pipeline.subsets.split import read as read_split
from tests.support import builders
from tests.support.builders import CLASSES, parquet_file

FILES = {"train": 10, "train-more": 5, "test": 6}


def encoded(labels, seed=0):
    images = builders.pixels(labels, (8, 8, 3), seed=seed)
    return images, [builders.encode(image) for image in images]


def published(folder, **options):
    """Three files of so many rows; their images and labels, in order."""
    images, labels = [], []
    for seed, (name, n) in enumerate(FILES.items()):
        mine = builders.balanced(n, 3, seed).tolist()
        pixels, contents = encoded(mine, seed)
        places = [f"p{row % 4}" for row in range(n)]
        parquet_file(folder / f"{name}.parquet", contents, mine, place=places, **options)
        images.append(pixels)
        labels += mine
    return np.concatenate(images), labels


PARAMS = {
    "train": ["train.parquet", "train-more.parquet"],
    "test": ["test.parquet"],
    "columns": ["place"],
    "part_rows": 8,
}


def test_through_to_the_split(project):
    """Ids say file's subset and place in it; the division is the files'."""
    raw = project.folder / "data/raw/tiny_png"
    images, labels = published(raw)
    for key, value in (
        ("kind", "parquet"),
        ("extract", PARAMS),
        ("split", {"validation_fraction": 0.5, "groups": "place"}),
    ):
        project.set(f"datasets.tiny_png.{key}", value)
    done = project.run("extract", "tiny_png")
    assert done.stdout.startswith("extract tiny_png: 15 train and 6 test images, 0.0 MB"), done
    done = project.run("decode", "tiny_png")
    assert done.returncode == 0, done.stderr
    folder = project.folder / "data/shards/tiny_png"
    index = shard_index.Index.read(folder)
    ids = shard_index.column(folder, index, "id").to_pylist()
    assert ids == [f"train-{n}" for n in range(15)] + [f"test-{n}" for n in range(6)]
    assert shard_index.column(folder, index, "label").to_pylist() == labels
    found = builders.shard_images(folder, index)
    assert (shard_index.integers(found, 255) == images).all()
    assert [file.rows for file in index.files] == [8, 8, 5]
    done = project.run("split", "tiny_png")  # p0 to p3 are in both files
    assert done.returncode == 1
    assert "4 groups of place (split.groups) are in more than one subset" in done.stderr
    project.set("datasets.tiny_png.split", {"validation_fraction": 0.2})
    assert project.run("split", "tiny_png").returncode == 0
    split = read_split(project.folder / "data/splits/tiny_png.parquet")
    assert [SUBSETS[code] for code in split.subsets[15:]] == ["test"] * 6
    assert sorted(split.subsets[:15].tolist()) == [0] * 12 + [1] * 3


@pytest.mark.parametrize(
    ("labels", "classes", "expected"),
    [
        ([0, 2, 1], CLASSES, ["cat", "emu", "dog"]),
        ([0, 12, 1], None, ["0", "12", "1"]),
        (["a", "b", "0"], None, ["a", "b", "0"]),
    ],
)
def test_labels_are_names_or_numbers(tmp_path, labels, classes, expected):
    _, contents = encoded([0, 1, 2])
    path = parquet_file(tmp_path / "a.parquet", contents, labels, classes)
    found = list(hugging_face.rows(path, "image", "label"))
    assert [row.label for row in found] == expected
    assert [row.content for row in found] == contents


def test_images_may_be_bytes_alone(tmp_path):
    table = pa.table({"image": [b"1", b"2"], "label": ["x", "y"]})
    pq.write_table(table, tmp_path / "a.parquet")
    found = list(hugging_face.rows(tmp_path / "a.parquet", "image", "label"))
    assert found == [hugging_face.Row(b"1", "x", []), hugging_face.Row(b"2", "y", [])]


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([0, -1, 1], {}, "a.parquet: row 1 has no label (-1); leave out files"),
        ([0, None, 1], {}, "a.parquet: row 1 has no label (None)"),
        ([0, 1, 3], {}, "a.parquet: row 2 has the label 3, but only 3 classes have names"),
        ([0.5, 1.0, 2.0], {}, "row 0 has a label that is neither text nor a whole number: 0.5"),
        ([0, 1, 2], {"image": "img"}, "has no column img; it has: image, label (set extract.im"),
        ([0, 1, 2], {"image": "label"}, "column label is int64, not a struct with bytes"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tmp_path, labels, options, message):
    _, contents = encoded([0, 1, 2])
    parquet_file(tmp_path / "a.parquet", contents, labels)
    params = ParquetExtract(train=("a.parquet",), **options)
    with pytest.raises(DataError) as caught:
        hugging_face.extract_parquet(tmp_path, params, tmp_path / "out")
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_images_that_are_only_named_are_none(tmp_path):
    parquet_file(tmp_path / "a.parquet", [b"1", None], [0, 1])
    with pytest.raises(DataError, match=r"a\.parquet: row 1 has no image in it \(column image\)"):
        list(hugging_face.rows(tmp_path / "a.parquet", "image", "label"))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"<html>"])
def test_damaged_files_are_named(tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.parquet: is damaged, or not Parquet"):
        list(hugging_face.rows(tmp_path / "a.parquet", "image", "label"))


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"max_members": 2}, "image train-2 is refused: with it there are 3, above 2 images"),
        ({"max_member_bytes": 99}, "image train-1 is refused: with it there are 100, above 99 by"),
        ({"max_bytes": 120}, "image train-2 is refused: with it there are 130, above 120 bytes in"),
    ],
)
def test_limits(tmp_path, limit, message):
    parquet_file(tmp_path / "a.parquet", [b"x" * n for n in (20, 100, 10)], [0, 1, 2])
    with pytest.raises(DataError) as caught:
        hugging_face.extract_parquet(
            tmp_path, ParquetExtract(train=("a.parquet",), **limit), tmp_path / "out"
        )
    assert message in str(caught.value)


def test_own_columns_are_not_asked_for():
    with pytest.raises(ValidationError, match=r"must not be id or label"):
        ParquetExtract(train=("a.parquet",), columns=("id",))


def test_metadata_of_others_are_let_be():
    for text in ("[]", "x", json.dumps({"info": {"features": {"label": {"names": [1]}}}})):
        schema = pa.schema([("label", pa.int64())], {"huggingface": text})
        assert hugging_face.class_names(schema, "label") is None
