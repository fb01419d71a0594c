"""Changes between two states of a dataset."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.project.changes import Image, Pair, between

BEFORE = {
    "cat/1": Image("cat", b"1", "train"),
    "cat/2": Image("cat", b"2", "train"),
    "dog/3": Image("dog", b"3", "test"),
    "dog/4": Image("dog", b"4", "train"),
    "emu/5": Image("emu", b"5", "train"),
}
IMAGES = st.builds(
    Image, st.sampled_from("ab"), st.sampled_from([b"1", b"2", b"3"]), st.sampled_from(["", "test"])
)
STATES = st.dictionaries(st.sampled_from("uvwxyz"), IMAGES)


def test_each_kind_of_change_is_told():
    after = {
        "cat/1": BEFORE["cat/1"],
        "cat/2": Image("cat", b"other", "train"),
        "dog/4": Image("dog", b"4", "test"),
        "dog/five": Image("dog", b"5", "train"),
        "dog/three": Image("dog", b"3", "test"),
        "fox/\x1b6": Image("fox", b"6", "validation"),
    }
    found = between(BEFORE, after)
    assert found
    assert (found.came, found.went, found.changed) == (["fox/\x1b6"], [], ["cat/2"])
    assert found.moved == [Pair("emu/5", "dog/five")]
    assert found.renamed == [Pair("dog/3", "dog/three")]
    assert found.divided == [Pair("dog/4", "dog/4")]
    assert (found.new_classes, found.gone_classes) == (["fox"], ["emu"])
    assert found.describe().splitlines() == [
        "5 images before, 6 now",
        "  came     1: fox/?6",
        "  changed  1: cat/2",
        "  moved    1 to another class: emu → dog: dog/five",
        "  divided  1 to another subset: train → test: 1",
        "  renamed  1: dog/3 → dog/three",
        "",
        "class        came  went  changed  moved in  moved out  train  validation  test   images",
        "cat                      1                             2      0           0      2",
        "dog                               1                    1      0           1 → 2  2 → 3",
        "emu (gone)                                  1          1 → 0  0           0      1 → 0",
        "fox (new)    1                                         0      0 → 1       0      0 → 1",
        "all classes  1           1        1         1          4 → 3  0 → 1       1 → 2  5 → 6",
    ]


def test_positions_that_shift_are_no_change_of_the_images():
    """IDX and Parquet files name images by their position."""
    before = {f"train-{n}": Image("a", bytes([n])) for n in range(50)}
    after = {f"train-{n}": Image("a", bytes([n + 1])) for n in range(49)}
    found = between(before, after)
    assert (found.came, found.changed, found.went) == ([], [], ["train-0"])
    assert len(found.renamed) == 49
    assert "subset" not in found.describe()


def test_a_copy_stays_with_its_class():
    before = {"a/1": Image("a", b"1"), "b/1": Image("b", b"1")}
    found = between(before, {"b/2": Image("b", b"1"), "a/2": Image("a", b"1")})
    assert found.renamed == [Pair("b/1", "b/2"), Pair("a/1", "a/2")]
    assert not found.moved


@settings(max_examples=60)
@given(STATES, STATES)
def test_every_image_is_told_at_most_once_and_numbers_agree(before, after):
    found = between(before, after)
    pairs = [*found.moved, *found.renamed, *found.divided]
    old = [*found.went, *found.changed, *(pair.before for pair in pairs)]
    new = [*found.came, *found.changed, *(pair.after for pair in pairs)]
    assert len(set(old)) == len(old)
    assert set(old) <= set(before)
    assert len(set(new)) == len(new)
    assert set(new) <= set(after)
    assert len(after) - len(before) == len(found.came) - len(found.went)
    same = [id_ for id_ in after if before.get(id_) == after[id_]]
    assert not set(same) & set(new)
    assert not between(before, before)


@pytest.mark.parametrize("state", [{}, BEFORE])
def test_nothing_changed(state):
    assert between(state, dict(state)).describe() == f"{len(state)} images before, {len(state)} now"
