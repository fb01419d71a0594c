"""Changes of a YAML file: one value or entry, in either style, and all other text stays."""

import pytest

from pipeline.core.errors import ParameterError
from pipeline.core.params import read_yaml
from pipeline.new_dataset import yaml_edit
from pipeline.project.yaml_change import put, remove
from tests.support.builders import ROOT

BLOCK = """\
datasets:
  # Mine.
  pets:  # cats
    files:
      - name: a.tar   # packed
        bytes: 12
        sources: ["folder:a"]
      - {name: b.csv, sources: ["file:b"]}
    classes:
      - cat
      # The other.
      - 'no'

  # Theirs.
  birds: {classes: [finch, "wren, grey"]}  # few

runs:
  one: {}
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("keys", "value", "old", "new"),
    [
        (("files", 0, "bytes"), 345, "bytes: 12\n", "bytes: 345\n"),
        (
            ("files", 0, "sha256"),
            "0e1",
            "bytes: 12\n",
            'bytes: 12\n        sha256: "0e1"\n',
        ),
        (("files", 1, "bytes"), 7, "name: b.csv,", "name: b.csv, bytes: 7,"),
        (("classes",), ["cat", "no", "dog"], "'no'\n", "'no'\n      - dog\n"),
        (("classes",), ["no"], "      - cat\n", ""),
        (("classes",), ["dog", "cat"], "      - cat\n      # The other.\n      - 'no'\n", None),
    ],
)
def test_a_value_is_put_in_place(keys, value, old, new, end):
    if new is None:
        new = "      [dog, cat]\n"
    after = "bytes" if keys[-1] == "sha256" else "name"
    text = put(BLOCK.replace("\n", end), ["datasets", "pets", *keys], value, after=after)
    assert text == BLOCK.replace(old, new).replace("\n", end)


@pytest.mark.parametrize(
    ("items", "written"),
    [
        (["finch", "wren, grey", "a: b"], '[finch, "wren, grey", "a: b"]'),
        (["wren, grey"], '["wren, grey"]'),
        (["finch"], "[finch]"),
        (["finch", "jay"], "[finch, jay]"),
        (["jay", "finch"], "[jay, finch]"),
        (["jay"], "[jay]"),
    ],
)
def test_a_list_in_a_line_keeps_the_text_of_what_stays(items, written):
    text = put(BLOCK, ["datasets", "birds", "classes"], items)
    assert text == BLOCK.replace('[finch, "wren, grey"]', written)


def test_an_entry_goes_with_its_comment_and_one_blank_line():
    start, theirs = BLOCK.index("  # Mine."), BLOCK.index("  # Theirs.")
    assert remove(BLOCK, ["datasets", "pets"]) == BLOCK[:start] + BLOCK[theirs:]
    without_birds = remove(BLOCK, ["datasets", "birds"])
    assert without_birds == BLOCK[: theirs - 1] + BLOCK[BLOCK.index("\nruns") :]
    assert remove(without_birds, ["datasets", "pets"]) == "datasets: {}\n\nruns:\n  one: {}\n"
    assert remove(BLOCK, ["runs", "one"]).endswith("\nruns: {}\n")
    assert remove("a:\n  b: 1\n  c: 2\n\n# d\n", ["a", "c"]) == "a:\n  b: 1\n\n# d\n"
    assert remove("a: {b: 1, c: 2}\n", ["a", "b"]) == "a: {c: 2}\n"
    assert remove("a: {b: 1, c: 2}\n", ["a", "c"]) == "a: {b: 1}\n"
    assert remove("a: {b: 1} # x\n", ["a", "b"]) == "a: {} # x\n"
    assert remove("a:\n- {b: 1}\n# c\n- b: 2\n  c: 3\n", ["a", 1]) == "a:\n- {b: 1}\n"
    assert remove("a:\n  - {b: 1}\nc: 2\n", ["a", 0]) == "a: []\nc: 2\n"
    assert remove("a: [1, {b: 2}, 3]\n", ["a", 1]) == "a: [1, 3]\n"


def test_an_entry_can_follow_when_all_are_gone():
    text = yaml_edit.append("a: {}\nb: 1\n", "a", {"c": {"d": 1}, "e": 2}, blank=False)
    assert text == "a:\n  c:\n    d: 1\n  e: 2\nb: 1\n"


@pytest.mark.parametrize("section", ["datasets", "runs"])
def test_each_entry_of_the_parameters_can_go(section):
    text = (ROOT / "params.yaml").read_text()
    before = read_yaml(ROOT / "params.yaml")
    for name in before[section]:
        after = yaml_edit.value(remove(text, [section, name]))
        expected = {key: value for key, value in before[section].items() if key != name}
        assert after == before | {section: expected}


@pytest.mark.parametrize("keys", [["datasets", "cats"], ["nothing", "x"], ["runs", "one", 3]])
def test_a_place_that_is_not_there_is_named(keys):
    with pytest.raises(ParameterError, match="there is no"):
        remove(BLOCK, keys)
