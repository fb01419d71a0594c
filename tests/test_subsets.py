import numpy as np
import pytest

from pipeline import paths, shards, splits
from pipeline.errors import DataError
from pipeline.subsets import Dataset


@pytest.fixture
def dataset(project):
    for stage in ("extract", "decode", "split"):
        done = project.run(stage, "tiny_png")
        assert done.returncode == 0, done.stderr
    return Dataset.read("tiny_png")


def test_images_are_the_shards_integers_in_their_order(dataset, project):
    found = dict(zip(splits.SUBSETS, dataset.images(*splits.SUBSETS), strict=True))
    assert [len(found[subset].labels) for subset in splits.SUBSETS] == [19, 5, 6]
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


def test_labels_are_of_all_rows(dataset):
    assert len(dataset.labels()) == dataset.index.rows == 30


def test_split_of_other_data_is_refused(dataset):
    path = paths.split("tiny_png")
    split = splits.read(path)
    splits.write(path, split._replace(ids=split.ids.slice(0, 29), subsets=split.subsets[:29]))
    with pytest.raises(DataError, match="are of different data; run dvc repro"):
        Dataset.read("tiny_png")


def test_missing_shards_say_what_to_run(dataset):
    (paths.shards("tiny_png") / shards.INDEX).unlink()
    with pytest.raises(DataError, match="missing; run the stage that writes it"):
        Dataset.read("tiny_png")
