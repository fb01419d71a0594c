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


@pytest.mark.parametrize(
    ("name", "subset"),
    [
        *dict.fromkeys(
            ("train", "Training", "training_set", "TrainSet", "train2017"), "train"
        ).items(),
        *dict.fromkeys(("seg_train", "train-images", "trainval"), "train").items(),
        *dict.fromkeys(("valid", "VAL", "dev", "validation data"), "validation").items(),
        *dict.fromkeys(("test1", "seg_test", "testing", "evaluation"), "test").items(),
        *dict.fromkeys(("test_tube", "dev board", "trains", "contest", "train_test"), "").items(),
    ],
)
def test_names_of_subsets(name, subset):
    assert published.subset(name) == subset


def test_patterns_of_paths_of_which_the_first_counts():
    patterns = {"a/*": "test", "*/[bc]/*": "validation", "*": "train"}
    paths = ["a/b/1.png", "x/b/1.png", "x\\c\\1.png", "b/1.png"]
    found = names(published.by_pattern(paths, patterns, "a.zip"))
    assert found == ["test", "validation", "validation", "train"]
    with pytest.raises(
        DataError, match=r"^a\.zip: 1 images match no pattern of split\.folders .*d/1"
    ):
        published.by_pattern(["a/1.png", "d/1.png"], {"a/*": "train"}, "a.zip")


def test_columns():
    assert names(published.by_column(["TRAIN", "Val", "test"], "a.csv", "fold")) == list(SUBSETS)
    with pytest.raises(DataError, match=r"a\.csv: column fold .* in 3 rows no .*: , holdout$"):
        published.by_column(["train", "holdout", "holdout", ""], "a.csv", "fold")
