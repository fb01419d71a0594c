"""Files that people name: configurations of a repository of the Hugging Face Hub."""

from pathlib import Path

import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.locate import of_all, published, tables


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


def of_several(*places, labels=()):
    found, empty = of_all("pets", places, Choices(labels=labels))
    return [file["name"] for file in found], empty


def test_of_several_each_folder_is_called_as_it_is(repository, monkeypatch):
    monkeypatch.chdir(repository("mine/cat/1.png", "mine/dog/1.png", "owl.zip"))
    (Path("mine/dog/later")).mkdir()
    assert of_several("mine/cat", "mine/dog", "owl.zip") == (
        ["cat.tar", "dog.tar", "owl.zip"],
        ("dog/later",),
    )
    assert of_several("mine/dog") == (["pets.tar"], ("later",))


def test_archives_of_the_same_name_get_their_folders(repository, monkeypatch):
    monkeypatch.chdir(repository("a/x.zip", "b/x.zip"))
    assert of_several("a/x.zip", "b/x.zip")[0] == ["a-x.zip", "b-x.zip"]
    with pytest.raises(DataError, match=r"a/x\.zip: is named more than once; name it once"):
        of_several("a/x.zip", "b/x.zip", "a/x.zip")


@pytest.mark.parametrize("name", ["Löwe.zip", "my cat.zip", "кот.zip", "лев/1.png"])
def test_a_name_that_may_be_a_class_and_cannot_be_kept_is_refused(repository, monkeypatch, name):
    monkeypatch.chdir(repository(name, "dog.zip"))
    place = name.partition("/")[0]
    with pytest.raises(DataError, match=f"{place}: .* may be a class, .* cannot be kept; rename"):
        of_several(place, "dog.zip")
    assert len(of_several(place, "dog.zip", labels=("t.csv",))[0]) == 2
