"""Images of several classes are refused with that word."""

import pytest

from pipeline.core.errors import DataError
from pipeline.new_dataset.tables import multi_label
from pipeline.new_dataset.tables.classes import find

COMBINED = [f"w{a} w{b} w{c}" for a in range(3) for b in range(3) for c in range(3)]


def refuse(values, *, is_chosen=False):
    multi_label.refuse("tags", values, "t.csv", is_chosen=is_chosen)


@pytest.mark.parametrize(
    "values",
    [
        ["Edema", "Edema|Effusion"],
        ['["a", "b"]', '["a"]'],
        ["['N']", "['D']"],
        ["{'N': 1}", "x"],
        ["scab", "frog_eye", "scab frog_eye"],
        ["a", "b", "a, b"],
        ["a", "b", "a;b"],
        COMBINED,
    ],
)
def test_several_classes_in_a_value_are_refused(values):
    with pytest.raises(DataError, match=r"t.csv: tags is multi-label: \d+ images have several"):
        refuse(values)


def test_names_of_several_words_are_names():
    refuse(["golden retriever", "tench, Tinca tinca", "(unknown)", "red apple", "red pear"])
    refuse(COMBINED, is_chosen=True)
    refuse(["['N']", "['D']"], is_chosen=True)


def test_several_ones_in_a_row_are_refused():
    columns = {
        "id": list("abcdef"),
        "N": ["1", "0", "1", "0", "0", "0"],
        "D": ["0", "1", "1", "0", "0", "1"],
        "G": ["0", "0", "0", "0", "1", "0"],
    }
    with pytest.raises(
        DataError, match=r"N, D, G hold 0 and 1, and are multi-label: 1 rows .* 1 in"
    ):
        find(columns, (), ["id"], "t.csv")
