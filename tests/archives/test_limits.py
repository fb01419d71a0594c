from pathlib import Path

import pytest

from pipeline.archives.limits import SMALL, Entry, Limits, MemberFilter
from pipeline.core.errors import DataError


def member_filter(pattern="*", total=100, member=50, members=10, ratio=3, length=1 << 30):
    return MemberFilter(Path("a.zip"), pattern, Limits(total, member, members, ratio), length)


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
    "NUL": ("a\0.png", "file", 1, "no Unicode text; say how its names are encoded"),
    "surrogate": ("a\udc80.png", "file", 1, "no Unicode text"),
    "no name": ("", "file", 1, "it has no name"),
    "dot": (".", "file", 1, "it has no name"),
    "link": ("a.png", "a link", 1, "it is a link, not a plain file"),
    "device": ("a.png", "a device or socket", 0, "it is a device or socket, not a plain file"),
    "encrypted": ("a.png", "encrypted", 1, "it is encrypted, not a plain file; that takes a pass"),
    "negative": ("a.png", "file", -1, "its length is negative"),
    "member": ("a.png", "file", 51, r"it has 51 bytes, above 50 \(extract.max_member_bytes\).*rai"),
    "total": ("a.png", "file", 101, r"above 100 bytes \(extract.max_bytes\).*raise the limit"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "length", "message"), REFUSED.values(), ids=REFUSED)
def test_hostile_members_are_refused_by_name(name, kind, length, message):
    with pytest.raises(DataError, match=message) as caught:
        member_filter().accepts(Entry(name, kind, length))
    assert str(caught.value).startswith(f"a.zip: member {name!r} is refused: ")


@pytest.mark.parametrize(
    "name", ["a.png", "./a.png", "a/b/c.png", "a..png", "a..b", "ab:c", "a b", "ü", "a\n"]
)
def test_other_names_are_not(name):
    assert member_filter().accepts(Entry(name, "file", 50))


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("*", ["train/1.png", "train/a/2.png", "test/1.png", "TRAIN/1.PNG"]),
        ("train/*.png", ["train/1.png", "train/a/2.png"]),
        ("*/[0-1].png", ["train/1.png", "test/1.png"]),
        ("*.jpg", []),
        (["test/*", "*.PNG"], ["test/1.png", "TRAIN/1.PNG"]),
        ([], []),
    ],
)
def test_only_what_matches_is_wanted(pattern, wanted):
    names = ["train/1.png", "train/a/2.png", "test/1.png", "TRAIN/1.PNG"]
    accepts = member_filter(pattern).accepts
    assert [name for name in names if accepts(Entry(name, "file", 0))] == wanted


def test_folders_are_not_wanted():
    assert not member_filter().accepts(Entry("train", "folder", 0))


def test_what_is_not_wanted_may_be_a_link_but_leads_nowhere():
    accepts = member_filter("*.png").accepts
    assert not accepts(Entry("readme", "a link", 0))
    with pytest.raises(DataError, match=r"'\.\./readme' is refused"):
        accepts(Entry("../readme", "file", 0))


@pytest.mark.parametrize("second", ["a.png", "./a.png"])
def test_duplicates(second):
    filter_ = member_filter()
    for name in ("b.png", "a.png", "c.png", second):
        assert filter_.accepts(Entry(name, "file", 0))
    with pytest.raises(DataError, match=r"member 'a\.png' is refused: its name stands"):
        filter_.refuse_repeated()


def test_different_names_are_no_repetition_even_with_the_same_hash():
    filter_ = member_filter()
    for name in ("b.png", "a.png", "ä/a.png"):
        assert filter_.accepts(Entry(name, "file", 0))
    filter_.refuse_repeated()
    filter_.hashes[1] = filter_.hashes[0]
    filter_.refuse_repeated()


def test_the_total_counts_every_member_wanted_or_not():
    accepts = member_filter("*.png", total=100).accepts
    assert accepts(Entry("a.png", "file", 40))
    assert not accepts(Entry("b.txt", "file", 60))
    with pytest.raises(DataError, match=r"'c\.txt' is refused: with it the archive is above 1"):
        accepts(Entry("c.txt", "file", 1))


def test_the_number_of_members_is_limited():
    accepts = member_filter("*.png", members=2).accepts
    assert accepts(Entry("a.png", "file", 1))
    assert not accepts(Entry("b.txt", "file", 1))
    with pytest.raises(DataError, match=r"'c\.png' .* above 2 members \(extract.max_members\)"):
        accepts(Entry("c.png", "file", 1))


def test_a_small_archive_does_not_open_to_a_large_one():
    small = SMALL // 2
    entry = Entry("a.png", "file", small)
    accepts = member_filter(total=10 * SMALL, member=SMALL, ratio=3, length=small).accepts
    for number in range(3):
        assert accepts(entry._replace(name=f"{number}.png"))
    with pytest.raises(DataError, match=r"far more than its own \(extract.max_ratio\)"):
        accepts(entry)
    accepts = member_filter(total=10 * SMALL, member=SMALL, ratio=3, length=1).accepts
    assert accepts(entry)  # what is small all the same may be so
    assert accepts(entry._replace(name="b.png"))
    with pytest.raises(DataError, match=r"extract\.max_ratio"):
        accepts(Entry("c.png", "file", 1))
