from pathlib import Path

import pytest

from pipeline.archives.limits import SMALL, Entry, Gate, Limits
from pipeline.core.errors import DataError


def gate(pattern="*", total=100, member=50, members=10, ratio=3, length=1 << 30):
    return Gate(Path("a.zip"), pattern, Limits(total, member, members, ratio), length)


REFUSED = {
    "absolute": ("/a.png", "file", 1, "its name is an absolute path; remove it"),
    "absolute, back": ("\\a.png", "file", 1, "an absolute path"),
    "dot, absolute": (".//a.png", "file", 1, "an absolute path"),
    "network": ("\\\\host\\share\\a.png", "file", 1, "an absolute path"),
    "drive": ("C:\\a.png", "file", 1, "an absolute path"),
    "drive alone": ("c:a.png", "file", 1, "an absolute path"),
    "up": ("../a.png", "file", 1, r"leads out of the archive's folder \(..\)"),
    "up, back": ("..\\a.png", "file", 1, "leads out"),
    "up, inside": ("a/../../b.png", "file", 1, "leads out"),
    "up, mixed": ("a\\..\\../b.png", "file", 1, "leads out"),
    "up, a folder": ("../a", "folder", 0, "leads out"),
    "up, at the end": ("a/..", "file", 1, "leads out"),
    "NUL": ("a\0.png", "file", 1, "no Unicode text"),
    "surrogate": ("a\udc80.png", "file", 1, "no Unicode text"),
    "no name": ("", "file", 1, "it has no name"),
    "dot": (".", "file", 1, "it has no name"),
    "link": ("a.png", "a link", 1, "it is a link, not a plain file"),
    "device": ("a.png", "a device or socket", 0, "it is a device or socket, not a plain file"),
    "encrypted": ("a.png", "encrypted", 1, "it is encrypted, not a plain file"),
    "negative": ("a.png", "file", -1, "its length is negative"),
    "member": ("a.png", "file", 51, r"it has 51 bytes, above 50 \(extract.max_member_bytes\).*rai"),
    "total": ("a.png", "file", 101, r"above 100 bytes \(extract.max_bytes\).*raise the limit"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "length", "message"), REFUSED.values(), ids=REFUSED)
def test_hostile_members_are_refused_by_name(name, kind, length, message):
    with pytest.raises(DataError, match=message) as caught:
        gate().admit(Entry(name, kind, length))
    assert str(caught.value).startswith(f"a.zip: member {name!r} is refused: ")


@pytest.mark.parametrize(
    "name", ["a.png", "./a.png", "a/b/c.png", "..a.png", "a..b", "...", "ab:c", "a b", "ü", "a\n"]
)
def test_other_names_are_not(name):
    assert gate().admit(Entry(name, "file", 50))


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("*", ["train/1.png", "train/a/2.png", "test/1.png", "TRAIN/1.PNG"]),
        ("train/*.png", ["train/1.png", "train/a/2.png"]),
        ("*/[0-1].png", ["train/1.png", "test/1.png"]),
        ("*.jpg", []),
    ],
)
def test_only_what_matches_is_wanted(pattern, wanted):
    names = ["train/1.png", "train/a/2.png", "test/1.png", "TRAIN/1.PNG"]
    admit = gate(pattern).admit
    assert [name for name in names if admit(Entry(name, "file", 0))] == wanted


def test_folders_are_not_wanted():
    assert not gate().admit(Entry("train", "folder", 0))


def test_what_is_not_wanted_may_be_a_link_but_leads_nowhere():
    admit = gate("*.png").admit
    assert not admit(Entry("readme", "a link", 0))
    with pytest.raises(DataError, match=r"'\.\./readme' is refused"):
        admit(Entry("../readme", "file", 0))


@pytest.mark.parametrize("second", ["a.png", "./a.png"])
def test_duplicates(second):
    guard = gate()
    for name in ("b.png", "a.png", "c.png", second):
        assert guard.admit(Entry(name, "file", 0))
    with pytest.raises(DataError, match=r"member 'a\.png' is refused: its name stands"):
        guard.refuse_repeated()


def test_different_names_are_no_repetition_even_with_the_same_hash():
    guard = gate()
    for name in ("b.png", "a.png", "ä/a.png"):
        assert guard.admit(Entry(name, "file", 0))
    guard.refuse_repeated()
    guard.hashes[1] = guard.hashes[0]
    guard.refuse_repeated()


def test_the_total_counts_every_member_wanted_or_not():
    admit = gate("*.png", total=100).admit
    assert admit(Entry("a.png", "file", 40))
    assert not admit(Entry("b.txt", "file", 60))
    with pytest.raises(DataError, match=r"'c\.txt' is refused: with it the archive is above 1"):
        admit(Entry("c.txt", "file", 1))


def test_the_number_of_members_is_limited():
    admit = gate("*.png", members=2).admit
    assert admit(Entry("a.png", "file", 1))
    assert not admit(Entry("b.txt", "file", 1))
    with pytest.raises(DataError, match=r"'c\.png' .* above 2 members \(extract.max_members\)"):
        admit(Entry("c.png", "file", 1))


def test_a_small_archive_does_not_open_to_a_large_one():
    small = SMALL // 2
    entry = Entry("a.png", "file", small)
    admit = gate(total=10 * SMALL, member=SMALL, ratio=3, length=small).admit
    for number in range(3):
        assert admit(entry._replace(name=f"{number}.png"))
    with pytest.raises(DataError, match=r"far more than its own \(extract.max_ratio\)"):
        admit(entry)
    admit = gate(total=10 * SMALL, member=SMALL, ratio=3, length=1).admit
    assert admit(entry)  # what is small all the same may be so
    assert admit(entry._replace(name="b.png"))
    with pytest.raises(DataError, match=r"extract\.max_ratio"):
        admit(Entry("c.png", "file", 1))
