import numpy as np
import pytest
from sklearn.model_selection import GroupShuffleSplit

from pipeline.core.errors import DataError
from pipeline.split import groups


def test_order_of_rows_is_kept_and_groups_are_whole():
    names = list("abcabcddda")
    rows = np.array([9, 3, 1, 0, 4, 8], np.int64)  # of a, a, b, a, b, d
    rest, chosen = groups.divide(rows, names, 0.3, seed=3)
    shuffle = GroupShuffleSplit(1, test_size=0.3, random_state=3)
    expected = next(shuffle.split(rows, groups=[names[row] for row in rows]))
    assert [rest.tolist(), chosen.tolist()] == [rows[part].tolist() for part in expected]


def test_too_few_groups_are_refused():
    with pytest.raises(DataError, match=r"^the groups cannot be divided \(.*choose smaller parts"):
        groups.divide(np.arange(3), ["a", "a", "a"], 0.5, seed=0)


def test_a_divided_group_is_refused():
    with pytest.raises(DataError, match=r"^2 groups of patient .*: a \(train and test\), c \("):
        groups.refuse_divided("aabccc", np.array([0, 2, 1, 0, 1, 2], np.int8), "patient")


def test_subsets_between_groups_are_accepted():
    groups.refuse_divided("aabbc", np.array([0, 0, 1, 1, 2], np.int8), "patient")


def test_an_empty_value_is_a_group_of_its_own():
    assert len(set(groups.named(["a", "", "b", "", "a"]))) == 4
    assert groups.named(["a", "", "a"])[::2] == ["a", "a"]
