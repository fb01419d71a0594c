"""Edits of a YAML file: lines are added, all others stay, and what is written is read again."""

import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipeline.core.errors import ParameterError
from pipeline.new_dataset.yaml_edit import append, dump
from tests.support.builders import ROOT

TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def load(text):
    """Load YAML as this project does and as DVC does, by libyaml; return the value of both."""
    ours, dvcs = (YAML(typ="safe", pure=pure).load(text) for pure in (True, False))
    assert ours == dvcs
    return ours


def added(before, after):
    """Return the lines that are new; assert that no other line differs."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0))[2:]
    assert not [line for line in lines if line.startswith("-")]
    return [line[1:] for line in lines if line.startswith("+")]


@settings(max_examples=30)
@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=2))
def test_what_is_written_is_read_again(entry):
    assert load(dump(entry)) == entry
    before, rest = "a:\n  b1 2: [1, 2] # one\n", "  # two\n\n# three\nb: |\n  text\n"
    after = append(before + rest, "a", entry, blank=True)
    assert after.startswith(before + "\n")
    assert after.endswith(rest)


@pytest.mark.parametrize("section", ["datasets", "runs"])
def test_the_parameters_get_lines_and_lose_none(section):
    text = (ROOT / "params.yaml").read_text()
    entry = {
        "own_pets": {"kind": "archive", "download": {"files": [{"name": "a", "sources": ["b"]}]}}
    }
    after = append(text, section, entry, blank=False)
    assert load(after) == {**load(text), section: load(text)[section] | entry}
    assert added(text, after) == [
        "  own_pets:",
        "    kind: archive",
        "    download:",
        "      files:",
        "        - {name: a, sources: [b]}",
    ]


@pytest.mark.parametrize("name", ["class number {}", "the class: number {}", "it's {}", "x{}"])
def test_a_long_line_is_broken_between_entries_alone(name):
    names = [name.format(n) for n in range(60)]
    entry = {"pets": {"decode": {"classes": names}}}
    lines = dump(entry).splitlines()
    assert load(dump(entry)) == entry
    assert len(lines) < 30
    assert max(map(len, lines)) <= 100 + len(names[-1]) + len('"", ')
    assert not [line for line in lines if line.endswith(" ")]
    assert sum(line.count(name.format("")) for line in lines) == len(names)


def test_a_mapping_that_is_too_long_for_a_line_leaves_no_blank_behind_it():
    entry = {"pets": {"decode": {"a" * 50: {"k" * 20: "x" * 10, "l" * 20: "x" * 20}}}}
    assert load(dump(entry)) == entry
    assert not [line for line in dump(entry).splitlines() if line.endswith(" ")]


def test_places_behind_sequences_and_block_scalars():
    text = "a:\n    c: |\n      text\n    d:\n    - 1\n    - 2"
    after = append(text, "a", {"e": 3}, blank=False)
    assert load(after) == {"a": {"c": "text\n", "d": [1, 2], "e": 3}}
    text = "a:\n  c: |\n    text\n\nb: 1\n"
    assert load(append(text, "a", {"e": 3}, blank=False))["a"] == {"c": "text\n", "e": 3}


def test_line_ends_stay_those_of_the_file():
    unix = "a:\n  b:  1   # one\n\n# two\nc: {d:  null}\n"
    after = append(unix, "a", {"e": {"f": "x"}}, blank=True)
    windows = append(unix.replace("\n", "\r\n"), "a", {"e": {"f": "x"}}, blank=True)
    assert windows == after.replace("\n", "\r\n")


@pytest.mark.parametrize("value", ["x\x85y", "folder:a/b", "1e5", "yes", "null", "#", "0x1F", " a"])
def test_what_yaml_could_take_for_something_else_stays_text(value):
    after = append("a:\n  b: 1\n", "a", {"c": [value], "d": {"e": value}}, blank=False)
    assert load(after)["a"] == {"b": 1, "c": [value], "d": {"e": value}}


@pytest.mark.parametrize("text", ["a: {b: 1}\n", "a: [1]\n", "a:\n", "b: 1\n"])
def test_where_nothing_can_be_added_it_is_said(text):
    with pytest.raises(ParameterError, match=r"a is no mapping with an entry|there is no 'a'"):
        append(text, "a", {"c": 1}, blank=False)
