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
                entry = parameters.resolved(schema["properties"][name], schema)
                if not parameters.meaning(table.model, name, entry):
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


def test_a_release_enters_what_is_new_and_keeps_what_was(tmp_path, monkeypatch):
    before = json.loads(parameters.SINCE.read_text())
    monkeypatch.setattr(parameters, "SINCE", tmp_path / "since.json")
    parameters.SINCE.write_text(json.dumps(before))
    number = parameters.freeze("9.9.9")
    after = json.loads(parameters.SINCE.read_text())
    assert after["0.1.0"] == before["0.1.0"]
    assert "train.augmentation.rotation" in after["9.9.9"]
    assert number == len(after["9.9.9"])
    assert {key for keys in after.values() for key in keys} >= set(parameters.keys())
    assert parameters.freeze("10.0.0") == 0
    assert parameters.page("10.0.0").count(" 10.0.0 |") == 0
