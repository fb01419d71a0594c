import math
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from pipeline.core.errors import DataError, ParameterError
from pipeline.split.archive import divide_images, split_parquet
from pipeline.split.params import ArchiveSplit, ParquetSplit
from pipeline.subsets.split import SUBSETS


def archive_split(positions, labels=None, own=None, members=None, **options):
    names = pa.chunked_array([pa.array([str(position) for position in positions], pa.string())])
    labels = np.zeros(len(positions), np.int32) if labels is None else labels
    params = ArchiveSplit(**options)
    return divide_images(names, positions, labels, params, own, members)


def numbers(split, subset):
    """Return the ids of a subset, as numbers."""
    return [int(split.ids[row].as_py()) for row in split.rows(subset)]


@given(
    n=st.integers(4, 300),
    test=st.floats(0.05, 0.5),
    validation=st.one_of(st.just(0.0), st.floats(0.05, 0.5)),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_archives_are_divided_id_for_id_as_by_scikit_learn(n, test, validation, seed, data):
    """The order of the images in the archive does not matter."""
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
    """Each class has its share of each subset, to within one image of rounding."""
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
    """Only rows of the shards are divided, in the table's order."""
    positions = np.array([7, 0, 5, 3, 9, 2], np.int32)
    split = archive_split(positions, test_fraction=0.5)
    _, test = train_test_split(np.sort(positions), test_size=0.5, random_state=42)
    assert set(numbers(split, "test")) == set(test)


def test_empty_subset_is_refused():
    with pytest.raises(DataError, match="no image is left for train"):
        archive_split(np.arange(1, dtype=np.int32))
    with pytest.raises(DataError, match="no image is left for train"):
        archive_split(np.arange(3, dtype=np.int32), own=np.array([1, 2, 2], np.int8))


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


def test_parquet_files_are_divided_by_a_column_or_by_file():
    values = ["train"] * 6 + ["val"] * 2 + ["test"] * 2
    source = SimpleNamespace(
        ids=pa.chunked_array([[f"train-{n}" for n in range(10)]]),
        positions=np.arange(10, dtype=np.int32),
        labels=np.zeros(10, np.int32),
        table="labels.csv",
        column=lambda name, _: {"fold": values}[name],
    )
    split = split_parquet(source, ParquetSplit(column="fold"))
    assert [split.rows(name).tolist() for name in ("validation", "test")] == [[6, 7], [8, 9]]
    assert len(split_parquet(source, ParquetSplit(test_fraction=0.5)).rows("test")) == 5
