"""The reference of parameters."""

import json

import pytest

from website import parameters


@pytest.fixture(scope="module")
def page():
    return parameters.page("9.9.9")


def test_every_parameter_has_a_meaning():
    without = []
    for _, tables in parameters.sections():
        for table in tables:
            schema = table.model.model_json_schema()
            for name in table.model.model_fields:
                entry = parameters._resolved(schema["properties"][name], schema)
                if not parameters._meaning(table.model, name, entry):
                    without.append(f"{table.model.__module__}.{table.model.__qualname__}.{name}")
    assert without == []


@pytest.mark.parametrize(
    "row",
    [
        "| `epochs` | integer | `10` | above 0, ",
        '| `precision` | one of | `"float32"` | `float32`, `bfloat16`, `float16` |',
        "| `drop_remainder` | true or false | `true` |  | Leave an incomplete last batch",
        '| `optimizer` | section | `{"name": "adam"}` |  |',
        "| `name` | one of | *required* | `sgd` | Chooses this one. | 0.1.0 |",
        "| `momentum` | number | `0.0` | at least 0, below 1 | Share of the last step",
        "| `fine_tuning` | section or none | `null` |  | `train.fine_tuning`: how layers with ",
    ],
)
def test_a_row_says_what_the_model_does(page, row):
    assert row in page


def test_what_is_in_no_list_is_of_the_version_at_hand(page):
    rows = [line for line in page.splitlines() if line.startswith("| `rotation` |")]
    assert rows
    assert all(row.endswith(" 9.9.9 |") for row in rows)


def test_the_lists_of_keys_name_no_key_twice_and_none_that_never_was():
    lists = json.loads(parameters.SINCE.read_text())
    whole = [key for keys in lists.values() for key in keys]
    assert len(whole) == len(set(whole))
    assert "train.epochs" in whole
