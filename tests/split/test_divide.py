import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from pipeline.core.errors import DataError, ParameterError
from pipeline.split import divide as split_divide
from pipeline.split.params import ArchiveSplit, IdxSplit
from pipeline.subsets import split as split_file
from pipeline.subsets.split import SUBSETS


def ids(names):
    return pa.chunked_array([pa.array(names, pa.string())])


def idx_split(train, test, **options):
    names = [f"train-{n}" for n in range(train)] + [f"test-{n}" for n in range(test)]
    labels = (np.arange(train + test) % 3).astype(np.int32)
    return split_divide.split_idx(ids(names), labels, IdxSplit(**options)), labels


def archive_split(positions, labels=None, own=None, members=None, **options):
    names = ids([str(position) for position in positions])
    labels = np.zeros(len(positions), np.int32) if labels is None else labels
    params = ArchiveSplit(**options)
    return split_divide.split_archive(names, positions, labels, params, own, members)


def numbers(split, subset):
    """The ids of a subset, as numbers."""
    return [int(split.ids[row].as_py()) for row in split.rows(subset)]


def test_validation_is_the_tutorials_first_5000():
    split, _ = idx_split(6000, 100)
    assert split.rows("validation").tolist() == list(range(5000))
    assert split.rows("train").tolist() == list(range(5000, 6000))
    assert split.rows("test").tolist() == list(range(6000, 6100))


def test_fraction_of_the_training_images_is_scikit_learns():
    split, _ = idx_split(90, 10, validation_fraction=0.25, seed=7)
    train, validation = train_test_split(np.arange(90), test_size=0.25, random_state=7)
    assert set(split.rows("validation")) == set(validation)
    assert set(split.rows("train")) == set(train)


def test_stratified_fraction_is_scikit_learns():
    split, labels = idx_split(90, 10, validation_fraction=0.2, seed=7, stratify=True)
    _, validation = train_test_split(
        np.arange(90), test_size=0.2, random_state=7, stratify=labels[:90]
    )
    assert set(split.rows("validation")) == set(validation)
    assert np.bincount(labels[split.rows("validation")]).tolist() == [6, 6, 6]


@given(
    n=st.integers(4, 300),
    test=st.floats(0.05, 0.5),
    validation=st.one_of(st.just(0.0), st.floats(0.05, 0.5)),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_archives_are_divided_id_for_id_as_by_scikit_learn(n, test, validation, seed, data):
    """Whatever order the archive has its images in."""
    positions = np.array(data.draw(st.permutations(range(n))), np.int32)
    rest, expected_test = train_test_split(np.arange(n), test_size=test, random_state=seed)
    expected_validation = []
    if validation:
        if math.ceil(validation * len(rest)) >= len(rest):
            return
        rest, expected_validation = train_test_split(rest, test_size=validation, random_state=seed)
    split = archive_split(positions, test_fraction=test, validation_fraction=validation, seed=seed)
    assert set(numbers(split, "test")) == set(expected_test)
    assert set(numbers(split, "validation")) == set(expected_validation)
    assert set(numbers(split, "train")) == set(rest)


@settings(max_examples=50)
@given(
    counts=st.lists(st.integers(8, 40), min_size=2, max_size=5),
    test=st.floats(0.2, 0.5),
    validation=st.floats(0.2, 0.5),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_stratified_archives_are_divided_id_for_id_as_by_scikit_learn(
    counts, test, validation, seed, data
):
    """And so that each class has its share of each subset, to within one image of rounding."""
    n = sum(counts)
    table = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    table = table[np.array(data.draw(st.permutations(range(n))))]
    positions = np.array(data.draw(st.permutations(range(n))), np.int32)
    options = {
        "test_fraction": test,
        "validation_fraction": validation,
        "seed": seed,
        "stratify": True,
    }
    split = archive_split(positions, table[positions], **options)
    rest, expected_test = train_test_split(
        np.arange(n), test_size=test, random_state=seed, stratify=table
    )
    rest, expected_validation = train_test_split(
        rest, test_size=validation, random_state=seed, stratify=table[rest]
    )
    assert set(numbers(split, "test")) == set(expected_test)
    assert set(numbers(split, "validation")) == set(expected_validation)
    assert set(numbers(split, "train")) == set(rest)
    images = np.bincount(table[expected_test], minlength=len(counts))
    assert (np.abs(images - len(expected_test) * np.array(counts) / n) < 1).all()


@given(
    train=st.integers(2, 200),
    test=st.integers(1, 50),
    part=st.one_of(
        st.integers(0, 199).map(lambda n: {"validation_count": n}),
        st.floats(0.01, 0.9).map(lambda f: {"validation_fraction": f}),
    ),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_idx_subsets_are_disjoint_complete_and_leave_the_official_test_alone(
    train, test, part, seed, data
):
    names = [f"train-{n}" for n in range(train)] + [f"test-{n}" for n in range(test)]
    labels = np.zeros(len(names), np.int32)
    params = IdxSplit(**part, seed=seed)
    try:
        split = split_divide.split_idx(ids(names), labels, params)
    except (DataError, ParameterError):
        count = part.get("validation_count", math.ceil(part.get("validation_fraction", 0) * train))
        assert count >= train
        return
    subsets = {subset: split.rows(subset) for subset in SUBSETS}
    assert sorted(np.concatenate(list(subsets.values()))) == list(range(len(names)))
    assert subsets["test"].tolist() == list(range(train, train + test))
    assert len(subsets["train"])
    expected = part.get("validation_count")
    if expected is None:
        expected = math.ceil(part["validation_fraction"] * train)
    assert len(subsets["validation"]) == expected
    again = split_divide.split_idx(ids(names), labels, params)
    assert (again.subsets == split.subsets).all()


def test_cifar10_is_divided_as_in_the_tutorial():
    split = archive_split(np.arange(50_000, dtype=np.int32))
    train, test = train_test_split(np.arange(50_000), test_size=0.2, random_state=42)
    assert (len(train), len(test)) == (40_000, 10_000)
    assert set(split.rows("test")) == set(test)
    assert not len(split.rows("validation"))


def test_stratified_archive_is_scikit_learns():
    labels = (np.arange(120) % 4).astype(np.int32)
    split = archive_split(
        np.arange(120, dtype=np.int32), labels, validation_fraction=0.25, stratify=True
    )
    rest, test = train_test_split(np.arange(120), test_size=0.2, random_state=42, stratify=labels)
    _, validation = train_test_split(rest, test_size=0.25, random_state=42, stratify=labels[rest])
    assert set(split.rows("test")) == set(test)
    assert set(split.rows("validation")) == set(validation)


def test_subsets_are_disjoint_and_complete():
    split = archive_split(np.arange(50, dtype=np.int32)[::-1], validation_fraction=0.1)
    rows = np.concatenate([split.rows(subset) for subset in SUBSETS])
    assert sorted(rows) == list(range(50))


def test_quarantined_rows_are_no_rows():
    """The division is of the rows that there are, in the table's order."""
    positions = np.array([7, 0, 5, 3, 9, 2], np.int32)
    split = archive_split(positions, test_fraction=0.5)
    _, test = train_test_split(np.sort(positions), test_size=0.5, random_state=42)
    assert set(numbers(split, "test")) == set(test)


def test_more_validation_than_training_images_is_refused():
    with pytest.raises(ParameterError, match=r"validation_count is 5,000, but there are 100"):
        idx_split(100, 10)


def test_empty_subset_is_refused():
    with pytest.raises(DataError, match="no image is left for train"):
        archive_split(np.arange(1, dtype=np.int32))
    with pytest.raises(DataError, match="no image is left for train"):
        archive_split(np.arange(3, dtype=np.int32), own=np.array([1, 2, 2], np.int8))


def test_idx_without_a_test_set_gets_one_as_by_scikit_learn():
    split, _ = idx_split(90, 0, validation_count=10, seed=7)
    train, test = train_test_split(np.arange(90), test_size=0.2, random_state=7)
    assert set(split.rows("test")) == set(test)
    assert split.rows("validation").tolist() == sorted(train)[:10]
    split, labels = idx_split(90, 0, test_fraction=0.3, validation_count=0, stratify=True)
    assert np.bincount(labels[split.rows("test")]).tolist() == [9, 9, 9]


def test_own_division_is_kept_and_what_it_lacks_is_taken_from_its_training_images():
    own = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1, 2], np.int8)
    positions = np.random.default_rng(0).permutation(10).astype(np.int32)
    assert (archive_split(positions, own=own).subsets == own).all()
    own[9] = 1  # no test
    split = archive_split(positions, own=own, test_fraction=0.25)
    _, test = train_test_split(np.sort(positions[:8]), test_size=0.25, random_state=42)
    assert set(numbers(split, "test")) == set(test)
    assert split.rows("validation").tolist() == [8, 9]


def test_fraction_that_would_do_nothing_is_refused():
    own = np.array([0, 0, 1, 2], np.int8)
    for name in ("test", "validation"):
        with pytest.raises(ParameterError, match=rf"^split\.{name}_fraction has no effect"):
            archive_split(np.arange(4, dtype=np.int32), own=own, **{f"{name}_fraction": 0.5})
    with pytest.raises(ParameterError, match=r"^split\.test_fraction has no effect"):
        idx_split(10, 2, test_fraction=0.5)


@given(
    members=st.lists(st.sampled_from("abcdefgh"), min_size=6, max_size=60),
    fraction=st.floats(0.1, 0.5),
    validation=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_groups_are_divided_id_for_id_as_by_scikit_learn(members, fraction, validation, seed, data):
    n, known = len(members), len(set(members))
    left = known - math.ceil(fraction * known)
    if left < 1 or (validation and left - math.ceil(validation * left) < 1):
        return
    positions = np.array(data.draw(st.permutations(range(n))), np.int32)
    split = archive_split(
        positions,
        members=[members[position] for position in positions],
        test_fraction=fraction,
        validation_fraction=validation,
        seed=seed,
        groups="patient",
    )

    def divide(rows, part):
        shuffle = GroupShuffleSplit(1, test_size=part, random_state=seed)
        rest, chosen = next(shuffle.split(rows, groups=[members[row] for row in rows]))
        return rows[rest], rows[chosen]

    rest, test = divide(np.arange(n), fraction)
    expected = {"test": test, "validation": []}
    if validation:
        rest, expected["validation"] = divide(rest, validation)
    expected["train"] = rest
    for subset, rows in expected.items():
        assert set(numbers(split, subset)) == set(rows)
    seen = [{members[number] for number in numbers(split, subset)} for subset in SUBSETS]
    assert sum(map(len, seen)) == len(set().union(*seen)) == known


def test_own_division_that_divides_a_group_is_refused():
    own = np.array([0, 0, 1, 2], np.int8)
    with pytest.raises(DataError) as caught:
        archive_split(np.arange(4, dtype=np.int32), own=own, members="abbb", groups="patient")
    line = "1 groups of patient (split.groups) are in more than one subset of the data's own"
    assert str(caught.value).startswith(line)
    assert "b (train and validation and test)" in str(caught.value)
    split = archive_split(np.arange(4, dtype=np.int32), own=own, members="aabc", groups="patient")
    assert (split.subsets == own).all()


@pytest.fixture
def tabled(project):
    """The tiny archive with columns for subset and patient, decoded; the table by id."""
    folder = project.folder / "data/raw/tiny_png"
    rows = [line.split(",") for line in (folder / "trainLabels.csv").read_text().split()[1:]]
    names = ("Train", "train", "train", "train", "val", "test")
    table = {id_: (label, names[n % 6], f"p{n % 7}") for n, (id_, label) in enumerate(rows)}
    text = "".join(f"{id_},{','.join(row)}\n" for id_, row in table.items())
    (folder / "trainLabels.csv").write_text("id,label,fold,patient\n" + text)
    for stage in ("extract", "decode"):
        assert project.run(stage, "tiny_png").returncode == 0
    project.set("datasets.tiny_png.split", {})
    return project, table


def outcome(project):
    done = project.run("split", "tiny_png")
    assert done.returncode == 0, done.stderr
    split = split_file.read(project.folder / "data/splits/tiny_png.parquet")
    return {
        id_: SUBSETS[code] for id_, code in zip(split.ids.to_pylist(), split.subsets, strict=True)
    }


def test_columns_of_the_table_say_who_is_where_and_with_whom(tabled):
    project, table = tabled
    project.set("datasets.tiny_png.split", {"column": "fold"})
    expected = {"val": "validation"}
    assert outcome(project) == {
        id_: expected.get(fold, fold.lower()) for id_, (_, fold, _) in table.items()
    }
    project.set("datasets.tiny_png.split", {"groups": "patient", "test_fraction": 0.3})
    found = outcome(project)
    test = {table[id_][2] for id_, subset in found.items() if subset == "test"}
    assert len(test) == 3  # of seven
    assert test.isdisjoint({table[id_][2] for id_, s in found.items() if s != "test"})


def test_columns_that_cannot_be_used_are_named(tabled):
    project, _ = tabled
    for section, message in (
        ({"column": "patient"}, "column patient (split.column) is in 30 rows no subset (train, tr"),
        ({"groups": "doctor"}, "has no column doctor; it has: id, label, fold, patient (set split"),
        ({"groups": "patient", "stratify": True}, "split: takes groups or stratify, not both"),
        ({"groups": "patient", "column": "fold"}, "6 groups of patient (split.groups) are in more"),
        ({"column": "fold", "folders": True}, "split: takes column or folders, not both"),
        ({"folders": True}, "split.folders is true, but 30 images are in no folder of a subset's"),
    ):
        project.set("datasets.tiny_png.split", section)
        done = project.run("split", "tiny_png")
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert message in done.stderr


def test_class_of_one_image_cannot_be_stratified():
    labels = np.array([0] * 9 + [1], np.int32)
    with pytest.raises(DataError, match="cannot be divided in proportion"):
        archive_split(np.arange(10, dtype=np.int32), labels, stratify=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_count": 5, "validation_fraction": 0.1}, "not both"),
        ({"stratify": True}, "stratify needs a validation_fraction or a test_fraction"),
        ({"validation_fraction": 1.0}, "less than 1"),
        ({"validation_count": -1}, "greater than or equal to 0"),
    ],
)
def test_impossible_parameters_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        IdxSplit(**options)
