import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from pipeline.core.errors import DataError, ParameterError
from pipeline.split.idx import divide_idx
from pipeline.split.params import IdxSplit
from pipeline.subsets.split import SUBSETS


def ids(names):
    return pa.chunked_array([pa.array(names, pa.string())])


def idx_split(train, test, **options):
    names = [f"train-{n}" for n in range(train)] + [f"test-{n}" for n in range(test)]
    labels = (np.arange(train + test) % 3).astype(np.int32)
    return divide_idx(ids(names), labels, IdxSplit(**options)), labels


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
        split = divide_idx(ids(names), labels, params)
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
    again = divide_idx(ids(names), labels, params)
    assert (again.subsets == split.subsets).all()


def test_more_validation_than_training_images_is_refused():
    with pytest.raises(ParameterError, match=r"validation_count is 5,000, but there are 100"):
        idx_split(100, 10)


def test_idx_without_a_test_set_gets_one_as_by_scikit_learn():
    split, _ = idx_split(90, 0, validation_count=10, seed=7)
    train, test = train_test_split(np.arange(90), test_size=0.2, random_state=7)
    assert set(split.rows("test")) == set(test)
    assert split.rows("validation").tolist() == sorted(train)[:10]
    split, labels = idx_split(90, 0, test_fraction=0.3, validation_count=0, stratify=True)
    assert np.bincount(labels[split.rows("test")]).tolist() == [9, 9, 9]


def test_fraction_of_an_official_test_set_is_refused():
    with pytest.raises(ParameterError, match=r"^split\.test_fraction has no effect"):
        idx_split(10, 2, test_fraction=0.5)
