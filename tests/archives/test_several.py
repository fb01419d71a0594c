"""Several archives that are read as one."""

import pytest

from pipeline.archives import several
from pipeline.archives.limits import Limits
from pipeline.core.errors import DataError
from tests.support.archives import FOLDERS, LIMITS, MEMBERS, write


@pytest.fixture
def paths(tmp_path):
    """Two archives of other formats, with the same members."""
    return [write(tmp_path / name, FOLDERS) for name in ("b.tar.gz", "a.zip")]


def read(paths, pattern="*", limits=LIMITS, others=None):
    return list(several.members(paths, pattern, limits, others=others))


def test_each_is_a_folder_in_the_order_given(paths):
    both = [(f"{folder}/{name}", content) for folder in "ba" for name, content in MEMBERS]
    assert read(paths) == both
    assert read(paths[:1]) == MEMBERS


def test_patterns_and_what_they_leave_have_the_folders(paths):
    others = {}
    chosen = read(paths, "a/train/*", others=others)
    assert [name for name, _ in chosen] == [f"a/{n}" for n, _ in MEMBERS if n != "notes.txt"]
    assert {name for name in others if not name.endswith("/")} == {
        *(f"b/{name}" for name, _ in MEMBERS),
        "a/notes.txt",
    }


def test_limits_are_those_of_each(paths):
    total = sum(len(content) for _, content in MEMBERS)
    assert len(read(paths, limits=Limits(total, total))) == 2 * len(MEMBERS)
    with pytest.raises(DataError, match=r"b\.tar\.gz: .* above .* bytes \(extract\.max_bytes\)"):
        read(paths, limits=Limits(total - 1, total))


def test_two_of_one_name_are_refused():
    with pytest.raises(ValueError, match="several archives are called a; rename one of them"):
        several.folders(["a.zip", "b.zip", "a.7z.001"])
