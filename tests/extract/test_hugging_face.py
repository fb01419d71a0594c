import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from pipeline.core.errors import DataError
from pipeline.decode.archive import decode_archive
from pipeline.decode.params import ArchiveDecode
from pipeline.extract import hugging_face
from pipeline.extract.hugging_face import ParquetExtract
from pipeline.labels.table import LabelColumns
from pipeline.shards import index as shard_index
from pipeline.subsets.split import SUBSETS
from pipeline.subsets.split import read as read_split
from tests.support import builders
from tests.support.builders import CLASSES, parquet_file

pytestmark = pytest.mark.usefixtures("without_a_process")


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


@pytest.mark.slow
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


def test_one_hot_columns_are_joined_by_decode(tmp_path):
    """As they are written to the table of labels, whatever their type was."""
    images, contents = encoded([0, 1, 2, 1])
    ones = {
        name: pa.array([int(label == at) for label in (0, 1, 2, 1)]).cast(kind)
        for at, (name, kind) in enumerate(zip(CLASSES, ("int8", "float", "bool"), strict=True))
    }
    table = pa.table({"image": contents, **ones, "place": list("stuv")})
    pq.write_table(table, tmp_path / "a.parquet")
    params = ParquetExtract(train=("a.parquet",), label=None, columns=(*CLASSES, "place"))
    hugging_face.extract_parquet(tmp_path, params, tmp_path / "out")
    first = (tmp_path / "out/labels.csv").read_text().splitlines()[0]
    assert first == f"id,{','.join(CLASSES)},place"
    decode = ArchiveDecode(
        classes=CLASSES, shape=(8, 8, 3), labels=LabelColumns(one_hot=CLASSES[::-1])
    )
    decode_archive(tmp_path / "out", decode, tmp_path / "shards")
    index = shard_index.Index.read(tmp_path / "shards")
    assert shard_index.column(tmp_path / "shards", index, "label").to_pylist() == [0, 1, 2, 1]
    found = builders.shard_images(tmp_path / "shards", index)
    assert (shard_index.integers(found, 255) == images).all()


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


@pytest.mark.slow
def test_images_that_grow_far_above_their_file_are_refused(tmp_path):
    """The same megabyte, of which a dictionary has one."""
    parquet_file(tmp_path / "a.parquet", [bytes(1 << 20)] * 300, [0, 1, 2] * 100)
    params = ParquetExtract(train=("a.parquet",))
    with pytest.raises(DataError, match=r"image train-256 is refused: .* \(extract.max_ratio\)"):
        hugging_face.extract_parquet(tmp_path, params, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    more = params.model_copy(update={"max_ratio": 1_000_000})
    done = hugging_face.extract_parquet(tmp_path, more, tmp_path / "out")
    assert done == "300 train images, 314.6 MB"
