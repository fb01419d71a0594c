import numpy as np
import pytest

from pipeline.core.errors import DataError
from pipeline.decode.idx import decode_idx
from pipeline.decode.params import IdxDecode
from pipeline.images import idx
from pipeline.shards import index as shard_index
from tests.support import builders
from tests.support.builders import CLASSES


def idx_files(folder, **arrays):
    """Write four extracted IDX files, by default of ten training and five test images."""
    for n, subset in ((10, "train"), (5, "test")):
        labels = arrays.get(f"{subset}_labels", (np.arange(n) % 3).astype(np.uint8))
        images = arrays.get(f"{subset}_images", builders.pixels(np.arange(n) % 3, (8, 8), seed=n))
        idx.write(folder / f"{subset}-labels.idx", labels)
        idx.write(folder / f"{subset}-images.idx", images)
    return folder


def test_idx_rows_are_training_then_test_images(tmp_path):
    idx_files(tmp_path)
    params = IdxDecode(classes=CLASSES, shard_rows=4)
    decode_idx(tmp_path, params, tmp_path / "shards")
    index = shard_index.Index.read(tmp_path / "shards")
    assert [file.rows for file in index.files] == [4, 4, 2, 4, 1]  # no shard spans both
    ids = shard_index.column(tmp_path / "shards", index, "id").to_pylist()
    assert ids == [f"train-{n}" for n in range(10)] + [f"test-{n}" for n in range(5)]
    images = builders.shard_images(tmp_path / "shards", index)
    expected = [idx.read(tmp_path / f"{subset}-images.idx") for subset in ("train", "test")]
    assert (images[..., 0] == (np.concatenate(expected) / 255).astype(np.float32)).all()
    labels = shard_index.column(tmp_path / "shards", index, "label").to_pylist()
    assert labels == [n % 3 for n in range(10)] + [n % 3 for n in range(5)]


def test_idx_without_a_test_set(tmp_path):
    idx_files(tmp_path)
    for what in ("images", "labels"):
        (tmp_path / f"test-{what}.idx").unlink()
    decode_idx(tmp_path, IdxDecode(classes=CLASSES), tmp_path / "shards")
    index = shard_index.Index.read(tmp_path / "shards")
    ids = shard_index.column(tmp_path / "shards", index, "id").to_pylist()
    assert ids == [f"train-{n}" for n in range(10)]


def test_idx_of_colour_images(tmp_path):
    rgb = builders.pixels(np.arange(10) % 3, (8, 8, 3))
    idx_files(tmp_path, train_images=rgb, test_images=rgb[:5])
    decode_idx(tmp_path, IdxDecode(classes=CLASSES), tmp_path / "shards")
    assert shard_index.Index.read(tmp_path / "shards").shape == (8, 8, 3)


def decoded(tmp_path, **params):
    """Return (pixels uint8, labels, shape) of what the files are decoded to."""
    decode_idx(tmp_path, IdxDecode(**params), tmp_path / "shards")
    index = shard_index.Index.read(tmp_path / "shards")
    images = (builders.shard_images(tmp_path / "shards", index) * 255).round().astype(np.uint8)
    labels = shard_index.column(tmp_path / "shards", index, "label").to_pylist()
    return images, labels, index.shape


@pytest.mark.parametrize("shape", [(8, 5), (8, 5, 3)])
def test_rows_and_columns_exchanged(tmp_path, shape):
    images = {n: builders.pixels(np.arange(n) % 3, shape, seed=n) for n in (10, 5)}
    idx_files(tmp_path, train_images=images[10], test_images=images[5])
    pixels, labels, found = decoded(tmp_path, classes=CLASSES, transpose=True, shard_rows=4)
    assert found == (5, 8, (*shape, 1)[2])
    expected = np.concatenate([images[10], images[5]]).reshape(15, *shape[:2], -1)
    np.testing.assert_array_equal(pixels, np.moveaxis(expected, 2, 1))
    assert labels == [n % 3 for n in range(10)] + [n % 3 for n in range(5)]


def test_a_column_of_several_numbers(tmp_path):
    numbers = {n: np.stack([np.arange(n), np.arange(n) % 3], axis=1) for n in (10, 5)}
    arrays = {"train_labels": numbers[10].astype(">i4"), "test_labels": numbers[5].astype(">i4")}
    idx_files(tmp_path, **arrays)
    _, labels, _ = decoded(tmp_path, classes=CLASSES, label_column=1)
    assert labels == [n % 3 for n in range(10)] + [n % 3 for n in range(5)]
    with pytest.raises(
        DataError, match=r"no column 2 .decode\.label_column., but the shape .10, 2"
    ):
        decoded(tmp_path, classes=CLASSES, label_column=2)
    with pytest.raises(DataError, match="must be integers of shape"):
        decoded(tmp_path, classes=CLASSES)


def test_numbers_that_stand_for_classes(tmp_path):
    values = np.array([7, 2, 9], np.uint8)
    idx_files(
        tmp_path, train_labels=values[np.arange(10) % 3], test_labels=values[np.arange(5) % 3]
    )
    _, labels, _ = decoded(tmp_path, classes=CLASSES, label_values=(7, 2, 9))
    assert labels == [n % 3 for n in range(10)] + [n % 3 for n in range(5)]
    message = r"4 labels are outside the 3 classes, the first is 7 at position 0.*label_values"
    with pytest.raises(DataError, match=message):
        decoded(tmp_path, classes=CLASSES, label_values=(1, 2, 9))


@pytest.mark.parametrize(
    ("values", "message"),
    [((1, 2), "has 2 numbers for 3 classes"), ((1, 2, 1), "a number twice"), ((-1, 0, 1), "great")],
)
def test_numbers_that_cannot_stand_for_classes(values, message):
    with pytest.raises(ValueError, match=message):
        IdxDecode(classes=CLASSES, label_values=values)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"train_labels": np.full(10, 7, np.uint8)}, "10 labels are outside the 3 classes"),
        ({"train_labels": np.full(10, -1, np.int8)}, "the first is -1 at position 0"),
        ({"test_labels": np.zeros(4, np.uint8)}, "has 4 labels, but there are 5 images"),
        ({"test_labels": np.zeros((5, 1), np.uint8)}, "labels must be integers of shape (n,)"),
        ({"test_labels": np.zeros(5, np.float32)}, "labels must be integers"),
        ({"train_images": np.zeros((10, 8, 8), np.int16)}, "images must be uint8"),
        ({"train_images": np.zeros((10, 64), np.uint8)}, "images must be uint8 of shape"),
        ({"train_images": np.zeros((10, 8, 9), np.uint8)}, "test images of (8, 8, 1)"),
        (
            {
                f"{s}_images": np.zeros((n, 8, 8, 4), np.uint8)
                for s, n in (("train", 10), ("test", 5))
            },
            "neither grey nor RGB",
        ),
    ],
)
def test_idx_files_that_do_not_fit_are_named(tmp_path, arrays, message):
    idx_files(tmp_path, **arrays)
    with pytest.raises(DataError) as raised:
        decode_idx(tmp_path, IdxDecode(classes=CLASSES), tmp_path / "shards")
    assert message in str(raised.value)
    assert not (tmp_path / "shards").exists()
