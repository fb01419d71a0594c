import numpy as np
import pytest

from pipeline.core import paths
from pipeline.core.errors import DataError, ParameterError
from pipeline.shards import index
from pipeline.subsets import images as subset_images
from pipeline.subsets import split as split_file
from pipeline.subsets.images import Dataset


@pytest.fixture
def dataset(project):
    return decoded(project)


def decoded(project):
    for stage in ("extract", "decode", "split"):
        done = project.run(stage, "tiny_png")
        assert done.returncode == 0, done.stderr
    return Dataset.read("tiny_png")


def test_images_are_the_shards_integers_in_their_order(dataset, project):
    found = dict(zip(split_file.SUBSETS, dataset.images(*split_file.SUBSETS), strict=True))
    assert [len(found[subset].labels) for subset in split_file.SUBSETS] == [19, 5, 6]
    for subset, images in found.items():
        rows = dataset.split.rows(subset)
        assert images.ids == [dataset.split.ids[row].as_py() for row in rows]
        assert images.pixels.dtype == np.uint8
        normalized = np.divide(images.pixels, np.float32(images.divisor), dtype=np.float32)
        assert (normalized == dataset.take(rows)).all()
        for name, pixels, label in zip(images.ids, images.pixels, images.labels, strict=True):
            expected, class_name = project.png[name]
            assert (pixels == expected).all()
            assert dataset.index.classes[label] == class_name


@pytest.mark.parametrize("kind", ["parquet", "npz"])
def test_images_on_disk_are_those_in_memory(project, monkeypatch, kind):
    project.set("datasets.tiny_png.decode.format", kind)
    dataset = decoded(project)
    (in_memory,) = dataset.images("train")
    monkeypatch.setenv("PIPELINE_MEMORY", str(in_memory.pixels.nbytes - 1))
    (on_disk,) = dataset.images("train")
    assert isinstance(on_disk, subset_images.OnDisk)
    assert (on_disk.group_starts == in_memory.group_starts).all()
    monkeypatch.setattr(subset_images, "WINDOW_BYTES", 5 * in_memory.pixels[0].nbytes)
    order = np.random.default_rng(0).permutation(19)[:17]
    for rows in (np.arange(19), order):
        for of_disk, of_memory in zip(
            on_disk.batches(rows, 3), in_memory.batches(rows, 3), strict=True
        ):
            for found, expected in zip(of_disk, of_memory, strict=True):
                assert found.dtype == expected.dtype
                assert (found == expected).all()


def test_images_that_fit_are_in_memory(dataset, monkeypatch):
    nbytes = dataset.index.rows * np.prod(dataset.index.shape)
    monkeypatch.setenv("PIPELINE_MEMORY", str(nbytes))
    assert {type(images) for images in dataset.images(*split_file.SUBSETS)} == {
        subset_images.InMemory
    }


@pytest.mark.parametrize("text", ["-1", "2GB", "1.5"])
def test_memory_is_a_number_of_bytes(monkeypatch, text):
    monkeypatch.setenv("PIPELINE_MEMORY", text)
    with pytest.raises(ParameterError, match="PIPELINE_MEMORY must be a whole number of bytes"):
        subset_images.memory()


def test_row_groups_of_a_subset_begin_where_the_shards_do(dataset):
    (images,) = dataset.images("train")
    rows = dataset.split.rows("train")
    starts = subset_images.Reader(dataset.folder, dataset.index).starts
    groups = np.searchsorted(starts, rows, side="right")
    first_of_each = np.flatnonzero(np.diff(groups, prepend=0))
    assert images.group_starts.tolist() == first_of_each.tolist()


def test_labels_are_of_all_rows(dataset):
    assert len(dataset.labels()) == dataset.index.rows == 30


def test_split_of_other_data_is_refused(dataset):
    path = paths.split("tiny_png")
    split = split_file.read(path)
    split_file.write(path, split._replace(ids=split.ids.slice(0, 29), subsets=split.subsets[:29]))
    with pytest.raises(DataError, match="are of different data; run dvc repro"):
        Dataset.read("tiny_png")


def test_missing_shards_say_what_to_run(dataset):
    (paths.shards("tiny_png") / index.INDEX).unlink()
    with pytest.raises(DataError, match="missing; run the stage that writes it"):
        Dataset.read("tiny_png")
