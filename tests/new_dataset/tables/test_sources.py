"""Tables that lie in the archive, and tables of subsets."""

import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.detect import detect
from tests.support import builders


def image(n):
    return builders.encode(builders.pixels([n % 2], (8, 8, 3), seed=n)[0])


def images(folder, n, start=0):
    return [(f"{folder}/{i}.png", image(start + i)) for i in range(n)]


def test_metadata_beside_the_images_of_each_subset(tmp_path):
    """Names repeat, and each table's are of its folder."""
    rows = {
        "train": b"file_name,label\n"
        + b"".join(b"%d.png,%c\n" % (i, b"ab"[i % 2]) for i in range(20)),
        "test": b"".join(
            b'{"file_name": "%d.png", "label": "%c"}\n' % (i, b"ba"[i % 2]) for i in range(4)
        ),
    }
    members = [
        *images("d/train", 20),
        ("d/train/metadata.csv", rows["train"]),
        *images("d/test", 4, 30),
        ("d/test/metadata.jsonl", rows["test"]),
    ]
    builders.write_archive(tmp_path / "a.zip", members)
    findings = detect(tmp_path, ["a.zip"], Choices())
    assert findings.extract["labels"] == [
        {"member": "d/train/metadata.csv", "folder": "d/train", "path": "file_name"},
        {
            "member": "d/test/metadata.jsonl",
            "format": "jsonl",
            "folder": "d/test",
            "path": "file_name",
        },
    ]
    assert findings.decode["labels"] == {"id": "file_name", "match": "path"}
    assert findings.split["folders"] is True
    assert findings.images.classes == {"a": 12, "b": 12}


def test_one_hot_tables_beside_the_images_of_each_subset(tmp_path):
    """Roboflow's, in which names may repeat."""
    rows = {
        n: b"filename, a, b\n"
        + b"".join(b"%d.png, %d, %d\n" % (i, i % 2, 1 - i % 2) for i in range(n))
        for n in (20, 4)
    }
    members = [
        *images("train", 20),
        ("train/_classes.csv", rows[20]),
        *images("valid", 4, 30),
        ("valid/_classes.csv", rows[4]),
    ]
    builders.write_archive(tmp_path / "a.zip", members)
    findings = detect(tmp_path, ["a.zip"], Choices())
    assert [one["folder"] for one in findings.extract["labels"]] == ["train", "valid"]
    assert findings.decode["labels"] == {"id": "filename", "match": "path", "one_hot": ["a", "b"]}
    assert findings.split["folders"] is True
    assert findings.images.classes == {"a": 12, "b": 12}


def test_a_table_for_each_subset(tmp_path):
    builders.write_archive(tmp_path / "a.zip", images("x", 30))
    for name, numbers in (("Train.csv", range(20)), ("Test.csv", range(20, 30))):
        builders.labels_csv(tmp_path / name, [(f"{n}.png", "ab"[n % 2]) for n in numbers])
    findings = detect(tmp_path, ["a.zip"], Choices(labels=("Train.csv", "Test.csv")))
    assert findings.extract["labels"] == [
        {"file": "Train.csv", "subset": "train"},
        {"file": "Test.csv", "subset": "test"},
    ]
    assert findings.files == ["a.zip", "Train.csv", "Test.csv"]
    assert findings.split["column"] == "subset"
    assert "test_fraction" not in findings.split


def test_a_table_in_the_archive_can_be_named(tmp_path):
    rows = b"name;kind\n" + b"".join(b"%d.png;%c\n" % (i, b"ab"[i % 2]) for i in range(20))
    builders.write_archive(tmp_path / "a.zip", [*images("x", 20), ("x/t.csv", rows)])
    findings = detect(tmp_path, ["a.zip"], Choices(labels=("x/t.csv",)))
    assert findings.extract["labels"] == {"member": "x/t.csv", "separator": ";"}
    assert findings.files == ["a.zip"]
    with pytest.raises(DataError, match=r"there is no table y.csv, as a file or in a.zip"):
        detect(tmp_path, ["a.zip"], Choices(labels=("y.csv",)))


def test_columns_without_a_table_are_refused(tmp_path):
    builders.write_archive(tmp_path / "a.zip", [*images("x", 20), *images("y", 20, 50)])
    with pytest.raises(DataError, match="name the table too, with --labels"):
        detect(tmp_path, ["a.zip"], Choices(group="patient"))


def test_a_table_that_is_longer_than_its_archive_is_not_looked_at(tmp_path):
    builders.write_archive(tmp_path / "a.zip", images("d", 2))
    with (tmp_path / "t.csv").open("wb") as file:
        file.truncate(40_000_000)
    with pytest.raises(DataError, match=r"t\.csv: has 40,000,000 bytes, above .* a line for each"):
        detect(tmp_path, ["a.zip"], Choices(labels=("t.csv",)))
