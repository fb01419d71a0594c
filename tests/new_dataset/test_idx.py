"""IDX files: pairs with and without a test set, and what is no pair."""

import gzip

import numpy as np
import pytest

from pipeline.core.errors import DataError
from pipeline.images import idx
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.detect import detect
from tests.support import builders


def test_idx(tmp_path):
    builders.idx_dataset(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    findings = detect(tmp_path, names, Choices())
    assert findings.extract == builders.IDX_FILES
    assert findings.classes == ["0", "1", "2"]
    assert findings.split == {"validation_fraction": 0.1, "seed": 42, "stratify": True}
    assert findings.images.classes == {"0": 14, "1": 14, "2": 14}
    assert dict(findings.images.described())["sizes"] == "8x8 pixels (width, height)"


def test_an_idx_pair(tmp_path):
    idx.write(tmp_path / "images", builders.pixels([0, 1, 1], (5, 7)))
    (tmp_path / "y.gz").write_bytes(gzip.compress(idx.dumps(np.array([0, 1, 1], np.uint8))))
    findings = detect(tmp_path, ["y.gz", "images"], Choices())
    assert findings.extract == {"train": {"images": "images", "labels": "y.gz"}}
    assert findings.split["test_fraction"] == 0.2
    with pytest.raises(DataError, match="there is no file of images for train"):
        detect(tmp_path, ["y.gz"], Choices())
    idx.write(tmp_path / "floats", np.zeros((3, 5, 7), np.float32))
    with pytest.raises(DataError, match="floats: images must be uint8, these are float32"):
        detect(tmp_path, ["y.gz", "floats"], Choices())
    idx.write(tmp_path / "high", np.array([0, 1, 2**30], np.int32))
    with pytest.raises(DataError, match="a label is 1,073,741,824, of 3 images"):
        detect(tmp_path, ["high", "images"], Choices())
    (tmp_path / "z").write_bytes(b"what is this?")
    with pytest.raises(DataError, match=r"z: is neither an archive .* nor Parquet, nor an IDX"):
        detect(tmp_path, ["z"], Choices())


def pair(folder, labels, prefix="train", seed=0, shape=(8, 6)):
    """Write images and labels; return the images."""
    labels = np.asarray(labels)
    images = builders.pixels((labels if labels.ndim == 1 else labels[:, 0]) % 3, shape, seed=seed)
    idx.write(folder / f"{prefix}-images-idx3-ubyte", images)
    idx.write(folder / f"{prefix}-labels-idx{labels.ndim}-ubyte", labels)
    return images


def look(folder, **choices):
    return detect(folder, sorted(path.name for path in folder.iterdir()), Choices(**choices))


def test_labels_from_1(tmp_path):
    pair(tmp_path, (np.arange(30) % 3 + 1).astype(np.uint8))
    findings = look(tmp_path)
    assert findings.classes == ["1", "2", "3"]
    assert findings.decode == {"format": "parquet", "label_values": [1, 2, 3]}
    assert findings.notes[0].startswith("labels are the numbers 1 to 3: decode.label_values says")


def test_labels_with_a_gap(tmp_path):
    pair(tmp_path, np.array([0, 1, 3, 5] * 5, np.uint8))
    findings = look(tmp_path)
    assert findings.decode["label_values"] == [0, 1, 3, 5]
    assert findings.notes[0].startswith("labels are the numbers 0 to 5 without 2, 4: ")
    assert findings.images.classes == {"0": 5, "1": 5, "3": 5, "5": 5}


def test_emnist(tmp_path):
    images = pair(tmp_path, (np.arange(30) % 3).astype(np.uint8), "emnist-letters-train")
    findings = look(tmp_path)
    assert findings.decode == {"format": "parquet", "transpose": True}
    np.testing.assert_array_equal(findings.images.kept["0"][0].content[..., 0], images[0].T)
    assert findings.notes[0].startswith("EMNIST's files have rows and columns exchanged")


def test_qmnist(tmp_path):
    for subset, n in (("train", 30), ("test", 12)):
        numbers = np.arange(8 * n, dtype=np.int32).reshape(n, 8)
        numbers[:, 0] = np.arange(n) % 3
        pair(tmp_path, numbers, f"qmnist-{subset}", seed=n)
    findings = look(tmp_path)
    assert findings.decode == {"format": "parquet", "label_column": 0}
    assert findings.images.classes == {"0": 14, "1": 14, "2": 14}
    assert (
        "has 8 numbers for each image, as QMNIST's files: the first is its class"
        in (findings.notes[0])
    )


def test_several_numbers_of_which_one_is_named(tmp_path):
    numbers = np.stack([np.arange(30), np.arange(30) % 3], axis=1).astype(np.int32)
    pair(tmp_path, numbers)
    with pytest.raises(DataError, match=r"has 2 numbers for each image; say which .* --label NUM"):
        look(tmp_path)
    findings = look(tmp_path, label=("1",))
    assert findings.decode["label_column"] == 1
    assert findings.images.classes == {"0": 10, "1": 10, "2": 10}
    with pytest.raises(DataError, match="--label: there is no number 2, only 0 to 1"):
        look(tmp_path, label=("2",))


def test_the_same_file_twice(tmp_path):
    pair(tmp_path, (np.arange(30) % 3).astype(np.uint8))
    for path in list(tmp_path.iterdir()):
        (tmp_path / f"{path.name}-again.gz").write_bytes(gzip.compress(path.read_bytes()))
    findings = look(tmp_path)
    assert findings.files == ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]
    assert "train-images-idx3-ubyte-again.gz is the same as train-images-idx3-ubyte" in (
        " ".join(findings.notes)
    )


def test_two_datasets_in_one_folder(tmp_path):
    pair(tmp_path, (np.arange(30) % 3).astype(np.uint8), "digits-train")
    pair(tmp_path, (np.arange(30) % 2).astype(np.uint8), "letters-train")
    with pytest.raises(DataError, match="for train, and differ; choose with --only PATTERN"):
        look(tmp_path)
    assert look(tmp_path, only=("letters*",)).classes == ["0", "1"]
    with pytest.raises(DataError, match="none of 4 IDX files matches --only"):
        look(tmp_path, only=("x",))


def test_an_archive_of_idx_files_of_which_each_stands_there_twice(tmp_path):
    """As Kaggle's MNIST."""
    files = tmp_path / "files"
    for number, subset in enumerate(("train", "t10k")):
        pair(files, (np.arange(30) % 3).astype(np.uint8), subset, seed=number)
    contents = [(path.name, path.read_bytes()) for path in sorted(files.iterdir())]
    again = [(f"{name}/{name}", content) for name, content in contents]
    builders.write_archive(tmp_path / "archive.zip", [*again, *contents, ("readme", b"")])
    findings = detect(tmp_path, ["archive.zip"], Choices())
    assert (findings.kind, findings.files) == ("idx", ["archive.zip"])
    assert findings.extract == {
        "archive": "archive.zip",
        "train": {"images": "train-images-idx3-ubyte", "labels": "train-labels-idx1-ubyte"},
        "test": {"images": "t10k-images-idx3-ubyte", "labels": "t10k-labels-idx1-ubyte"},
    }
    assert findings.images.classes == {"0": 20, "1": 20, "2": 20}
    assert sum("is the same as" in note for note in findings.notes) == 4


def test_images_that_are_no_pictures(tmp_path):
    idx.write(tmp_path / "train-images", np.zeros((3, 784), np.uint8))
    idx.write(tmp_path / "train-labels", np.array([0, 1, 1], np.uint8))
    with pytest.raises(DataError, match=r"train-images: images must be of shape .*, these are of"):
        look(tmp_path)


@pytest.mark.parametrize("shape", [(3, 0, 0), (3, 0, 8), (3, 8, 0)])
def test_images_of_no_pixels(tmp_path, shape):
    idx.write(tmp_path / "train-images", np.zeros(shape, np.uint8))
    idx.write(tmp_path / "train-labels", np.array([0, 1, 1], np.uint8))
    with pytest.raises(DataError, match=r"train-images: its images have no pixels"):
        look(tmp_path)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2_000_000_000], r"a label is 2,000,000,000, of 3 images"),
        (range(10_001), r"labels are 10,001 different numbers, above 10,000"),
    ],
)
def test_labels_that_count_no_classes(tmp_path, labels, message):
    idx.write(tmp_path / "train-images", np.zeros((len(labels), 2, 2), np.uint8))
    idx.write(tmp_path / "train-labels", np.array(labels, np.int32))
    with pytest.raises(DataError, match=message):
        look(tmp_path)


def test_files_that_grow_are_refused_before_they_are_unzipped(tmp_path):
    for name in ("train-images", "train-images-more"):
        header = b"\0\0\x08\x03" + np.array([1 << 20, 32, 32], ">u4").tobytes()
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(header))
    with pytest.raises(DataError, match=r"promises 1,073,741,840 bytes, far more than its own"):
        look(tmp_path)


def test_no_parameters_are_advised_that_are_not_there(tmp_path, monkeypatch):
    pair(tmp_path, np.zeros(3, np.uint8))
    idx.write(tmp_path / "train-labels-idx1-ubyte", np.zeros(4, np.uint8))
    with pytest.raises(DataError, match=r"has 3 images, but .*labels-idx1-ubyte 4 labels$"):
        look(tmp_path)
    files = [(path.name, path.read_bytes()) for path in sorted(tmp_path.iterdir())]
    builders.write_archive(tmp_path / "a.zip", files)
    monkeypatch.setattr("pipeline.new_dataset.idx.MAX_BYTES", 10)
    with pytest.raises(DataError, match=r"above 10 bytes \(extract\.max_bytes\)$"):
        detect(tmp_path, ["a.zip"], Choices())


@pytest.mark.parametrize("option", ["id", "group", "subset"])
def test_columns_of_a_table_are_refused(tmp_path, option):
    names = builders.idx_dataset(tmp_path) and sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(DataError, match=f"^--{option} goes with a table of labels"):
        detect(tmp_path, names, Choices(**{option: "name"}))
