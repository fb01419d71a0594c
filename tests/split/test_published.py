import pytest

from pipeline.core.errors import DataError
from pipeline.split import published
from pipeline.subsets.split import SUBSETS


def names(codes):
    return [SUBSETS[code] for code in codes]


def test_ids_of_idx_and_parquet_files():
    assert names(published.by_id(["train-0", "validation-12", "test-3"])) == list(SUBSETS)


def test_folders_in_their_usual_names():
    paths = ["a/Train/cat/1.png", "val/test/2.png", "dev/1.png", "valid/x/y.png", "testing/1.png"]
    found = names(published.by_folder(paths, "a.zip"))
    assert found == ["train", "test", "validation", "validation", "test"]
    with pytest.raises(DataError, match=r"^a\.zip: split\.folders is true, but 1 images.*: cat/1"):
        published.by_folder([*paths, "cat/1.png"], "a.zip")


def test_columns():
    assert names(published.by_column(["TRAIN", "Val", "test"], "a.csv", "fold")) == list(SUBSETS)
    with pytest.raises(DataError, match=r"a\.csv: column fold .* in 3 rows no .*: , holdout$"):
        published.by_column(["train", "holdout", "holdout", ""], "a.csv", "fold")
