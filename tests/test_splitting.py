import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.model_selection import train_test_split

from pipeline import splitting
from pipeline.errors import DataError, ParameterError
from pipeline.splits import SUBSETS
from pipeline.splitting import ArchiveSplit, IdxSplit


def ids(names):
    return pa.chunked_array([pa.array(names, pa.string())])


def idx_split(train, test, **options):
    names = [f"train-{n}" for n in range(train)] + [f"test-{n}" for n in range(test)]
    labels = (np.arange(train + test) % 3).astype(np.int32)
    return splitting.split_idx(ids(names), labels, IdxSplit(**options)), labels


def archive_split(positions, labels=None, **options):
    names = ids([str(position) for position in positions])
    labels = np.zeros(len(positions), np.int32) if labels is None else labels
    return splitting.split_archive(names, positions, labels, ArchiveSplit(**options))


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
        split = splitting.split_idx(ids(names), labels, params)
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
    again = splitting.split_idx(ids(names), labels, params)
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
    with pytest.raises(DataError, match="no image is left for test"):
        idx_split(10, 0, validation_count=2)


def test_class_of_one_image_cannot_be_stratified():
    labels = np.array([0] * 9 + [1], np.int32)
    with pytest.raises(DataError, match="cannot be divided in proportion"):
        archive_split(np.arange(10, dtype=np.int32), labels, stratify=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_count": 5, "validation_fraction": 0.1}, "not both"),
        ({"stratify": True}, "stratify needs a validation_fraction"),
        ({"validation_fraction": 1.0}, "less than 1"),
        ({"validation_count": -1}, "greater than or equal to 0"),
    ],
)
def test_impossible_parameters_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        IdxSplit(**options)
