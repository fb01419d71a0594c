"""Detectors: one for each kind of dataset, and what they have in common."""

import pytest

from pipeline.core.errors import DataError
from pipeline.extract.extractors import EXTRACTORS
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.detect import DETECTORS, detect
from tests.support import builders


def test_every_kind_has_a_detector():
    assert sorted(DETECTORS) == sorted(EXTRACTORS)


@pytest.mark.parametrize(
    ("names", "labels", "message"),
    [
        (["a.zip", "a.tar"], (), "several archives are called a; rename one of them"),
        (["a.parquet"], ("t.csv",), "--labels goes with an archive or a folder of images"),
        (["a"], ("t.csv",), "--labels goes with an archive or a folder of images"),
        (["a.zip", "t.csv"], (), r"t\.csv: is called as a table; name the images, and .* --labels"),
        (["a.zip", "b.parquet"], (), r"a\.zip: is neither an archive .* nor an IDX file"),
    ],
)
def test_files_that_no_detector_takes(tmp_path, names, labels, message):
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=message):
        detect(tmp_path, names, Choices(labels=labels))


@pytest.mark.parametrize(("images", "stratified"), [(9, False), (10, True)])
def test_frequent_classes_are_stratified(tmp_path, images, stratified):
    content = builders.encode(builders.pixels([0], (8, 8, 3))[0])
    members = [(f"{name}/{n}.png", content) for name in "ab" for n in range(images)]
    builders.write_archive(tmp_path / "a.zip", members)
    findings = detect(tmp_path, ["a.zip"], Choices())
    assert findings.split.get("stratify", False) is stratified


def test_one_class_is_too_few(tmp_path):
    content = builders.encode(builders.pixels([0], (8, 8, 3))[0])
    builders.write_archive(tmp_path / "a.zip", [("cat/1.png", content)])
    with pytest.raises(DataError, match=r"has images of 1 class \(cat\); two are needed"):
        detect(tmp_path, ["a.zip"], Choices())


@pytest.mark.parametrize("name", ["a.parquet", "a-idx3-ubyte"])
@pytest.mark.parametrize(
    ("choices", "option"),
    [
        (Choices(classes_at=1), "--classes-at"),
        (Choices(subsets=("a=test",)), "--subsets"),
        (Choices(names_encoding="cp932"), "--names-encoding"),
    ],
)
def test_options_for_archives_do_not_go_with_other_files(tmp_path, name, choices, option):
    (tmp_path / name).write_bytes(b"x")
    expected = rf"^{option} goes with an archive or a folder of images"
    with pytest.raises(DataError, match=expected):
        detect(tmp_path, [name], choices)
