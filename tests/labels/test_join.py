import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import DataError
from pipeline.labels import join
from pipeline.labels.table import Labels


def table(ids):
    return Labels(pa.array(ids, pa.string()), np.zeros(len(ids), np.int32))


def test_join_is_by_id_in_the_archives_order():
    names = pa.array(["train/1.png", "train/10.png", "train/2.png"])
    assert join.join(names, table(["10", "2", "1"]), "a", "t").tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a/b/7.tar.png", "7.tar"), ("7", "7"), ("a\\7.png", "7"), ("x/.png", ".png"), ("ü.png", "ü")],
)
def test_an_images_id_is_its_name_without_folder_and_suffix(name, expected):
    assert join.member_id(name) == expected


@pytest.mark.parametrize(
    ("names", "ids", "message"),
    [
        (["a/1.png", "b/1.png"], ["1"], "1 ids belong to several images: 1"),
        (["1.png", "2.png"], ["1"], "1 images have no row in table: 2.png; add their rows"),
        (["1.png"], ["1", "2", "3"], "2 ids have no image in archive: 2, 3; remove their rows"),
        (
            [f"{n}.png" for n in range(9)],
            ["0"],
            "8 images have no row in table: 1.png, 2.png, 3.png, 4.png, 5.png and 3 more",
        ),
    ],
)
def test_what_does_not_correspond_is_named(names, ids, message):
    with pytest.raises(DataError) as raised:
        join.join(pa.array(names), table(ids), "archive", "table")
    assert message in str(raised.value)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\\."), min_size=1, max_size=4)


@given(ids=st.lists(NAMES, min_size=1, max_size=20, unique=True), data=st.data())
def test_join_is_a_look_up(ids, data):
    """Rows are those of a dictionary in any order, and surplus or missing ids are refused."""
    members = data.draw(st.permutations(ids))
    names = [f"{data.draw(st.sampled_from(['', 'a/', 'b/c/']))}{name}.png" for name in members]
    row_of = {name: row for row, name in enumerate(ids)}
    expected = [row_of[name] for name in members]
    assert join.join(pa.array(names), table(ids), "archive", "table").tolist() == expected
    with pytest.raises(DataError, match=r"^table: 1 ids have no image in archive: "):
        join.join(pa.array(names[1:], pa.string()), table(ids), "archive", "table")
    others = [name for name in ids if name != members[0]]
    with pytest.raises(DataError, match=r"^archive: 1 images have no row in table: "):
        join.join(pa.array(names), table(others), "archive", "table")
    with pytest.raises(DataError, match=r"^archive: 1 ids belong to several images: "):
        join.join(pa.array([*names, f"d/{names[0]}"]), table(ids), "archive", "table")
