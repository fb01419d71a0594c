"""Files that people name: configurations of a repository of the Hugging Face Hub."""

import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.locate import published, tables


@pytest.fixture
def repository(tmp_path):
    """Return a function that makes files, and returns their folder."""

    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(b"x")
        return str(tmp_path)

    return make


def names(place, *only):
    return [file["name"] for file in published("birds", place, only)]


def test_configurations_are_not_merged(repository):
    place = repository("large/train-0.parquet", "large/test-0.parquet", "small/train-0.parquet")
    with pytest.raises(DataError) as caught:
        names(place)
    assert (
        "holds 2 configurations, each a dataset of its own: large (2 files), small (1 files)"
        in (str(caught.value))
    )
    assert str(caught.value).endswith("choose one, as with --only 'large/*'")
    assert names(place, "small/*") == ["small-train-0.parquet"]
    with pytest.raises(DataError, match="none of its Parquet files matches --only"):
        names(place, "tiny/*")


@pytest.mark.parametrize(
    "files",
    [
        ("data/train-0.parquet", "data/test-0.parquet"),
        ("train-0.parquet", "train-1.parquet"),
        ("default/partial-train/0000.parquet", "default/test/0000.parquet"),
        ("a/.cache/train-0.parquet", "b/train-0.parquet"),
    ],
)
def test_folders_of_subsets_are_one_configuration(repository, files):
    visible = [name.replace("/", "-") for name in sorted(files) if "/." not in name]
    assert names(repository(*files)) == visible


def test_tables_of_the_same_name_get_their_folders(repository, monkeypatch):
    monkeypatch.chdir(repository("train/metadata.csv", "test/metadata.csv", "other.csv"))
    places = ["train/metadata.csv", "test/metadata.csv", "other.csv", "in/the/archive.csv"]
    found, inside = tables([*places, "https://host/x.csv"])
    assert [table["name"] for table in found] == [
        "train-metadata.csv",
        "test-metadata.csv",
        "other.csv",
        "x.csv",
    ]
    assert found[0]["sources"] == ["file:train/metadata.csv"]
    assert inside == ["in/the/archive.csv"]
