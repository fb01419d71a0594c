"""Entries that two branches added: both are taken, and nothing else is guessed."""

import pytest

from pipeline.project.entries import additions
from pipeline.project.yaml_change import values

BASE = """# Every knob.
datasets:
  pets:
    kind: idx

  # The last one.
  cars: {kind: archive}

defaults:
  epochs: 1
runs:
  pets:
    dataset: pets
    network: cnn
"""
OURS = BASE + "  # Mine.\n  large:\n    dataset: pets\n    network: cnn\n    model: {}\n"
THEIRS = (
    BASE.replace("epochs: 1", "epochs: 2").replace(
        "archive}\n", "archive}\n\n  dogs:\n    kind: idx\n"
    )
    + "  small:\n    dataset: dogs\n    network: cnn\n"
)


def test_entries_of_both_sides_are_taken():
    """Git's own union would give one run the lines of the other."""
    text, names = additions.combined(BASE, OURS, THEIRS)
    assert names == ["runs.large", "datasets.dogs", "runs.small"]
    assert text == BASE.replace("epochs: 1", "epochs: 2").replace(
        "archive}\n", "archive}\n\n  dogs:\n    kind: idx\n"
    ) + (
        "  # Mine.\n  large:\n    dataset: pets\n    network: cnn\n    model: {}\n"
        "  small:\n    dataset: dogs\n    network: cnn\n"
    )


def test_line_ends_and_a_removed_entry_stay():
    ours, theirs = OURS.replace("\n", "\r\n"), THEIRS.replace("\n", "\r\n")
    theirs = theirs.replace("\r\n\r\n  # The last one.\r\n  cars: {kind: archive}", "")
    text, _ = additions.combined(BASE.replace("\n", "\r\n"), ours, theirs)
    assert "\n" not in text.replace("\r\n", "")
    assert sorted(values(text)["datasets"]) == ["dogs", "pets"]
    assert sorted(values(text)["runs"]) == ["large", "pets", "small"]


@pytest.mark.parametrize(
    "theirs",
    [
        BASE + "  large: {dataset: pets, network: residual}\n",
        THEIRS.replace("epochs: 2", "epochs: [2"),
        THEIRS.replace("network: cnn\n  small", "network: residual\n  small"),
    ],
    ids=["same name", "no YAML", "same line"],
)
def test_anything_else_is_left_to_the_user(theirs):
    ours = OURS.replace("network: cnn\n  # Mine", "network: other\n  # Mine")
    with pytest.raises((ValueError, additions.YAMLError)):
        additions.combined(BASE, ours, theirs)
