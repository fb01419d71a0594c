import numpy as np
from sklearn.model_selection import GroupShuffleSplit

from pipeline.split import groups


def test_order_of_rows_is_kept_and_groups_are_whole():
    names = list("abcabcddda")
    rows = np.array([9, 3, 1, 0, 4, 8], np.int64)  # of a, a, b, a, b, d
    rest, chosen = groups.divide(rows, names, 0.3, seed=3)
    shuffle = GroupShuffleSplit(1, test_size=0.3, random_state=3)
    expected = next(shuffle.split(rows, groups=[names[row] for row in rows]))
    assert [rest.tolist(), chosen.tolist()] == [rows[part].tolist() for part in expected]


def test_a_division_between_groups_is_let_pass():
    groups.refuse_divided("aabbc", np.array([0, 0, 1, 1, 2], np.int8), "patient")
