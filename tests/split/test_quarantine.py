"""The table of images that were left out."""

import csv

from pipeline.shards.index import Quarantined
from pipeline.split import quarantine


def test_images_are_listed_by_class_and_name(tmp_path):
    images = [
        Quarantined(id="1", name='dog/a, "b".png', reason="is empty", class_name="dog"),
        Quarantined(id="2", name="cat/ü.png", reason="has a palette", class_name="cat"),
    ]
    path = tmp_path / "new/quarantined.csv"
    quarantine.write(path, images)
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["class", "name", "reason"],
            ["cat", "cat/ü.png", "has a palette"],
            ["dog", 'dog/a, "b".png', "is empty"],
        ]


def test_without_any_there_is_a_header(tmp_path):
    quarantine.write(tmp_path / "quarantined.csv", [])
    assert (tmp_path / "quarantined.csv").read_bytes() == b"class,name,reason\n"
