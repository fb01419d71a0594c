import shutil

import py7zr
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import DataError
from pipeline.extract import parts
from pipeline.extract.archive import ArchiveExtract, extract_archive
from tests.support import builders
from tests.support.damage import contents, corrupt, cut, empty, html, remove

ARCHIVE = ArchiveExtract.model_validate(
    {
        "archive": "train.7z",
        "labels": "trainLabels.csv",
        "members": "train/*.png",
        "part_rows": 7,
    }
)


@pytest.fixture
def raw(tmp_path):
    """Write published files; return their folder."""
    folder = tmp_path / "raw" / "tiny"
    builders.archive_dataset(folder)
    return folder


@pytest.mark.parametrize("suffix", [".7z", ".zip", ".tar.gz"])
def test_members_and_table(tmp_path, out, suffix):
    raw = tmp_path / "raw"
    images = builders.archive_dataset(raw, n=30, archive=f"train{suffix}")
    params = ARCHIVE.model_copy(update={"archive": f"train{suffix}"})
    assert extract_archive(raw, params, out).startswith("30 members, 0.0 MB")
    assert sorted(p.name for p in out.iterdir()) == [
        "labels.csv", *(f"part-{n:05}.parquet" for n in range(5))
    ]  # fmt: skip
    assert (out / "labels.csv").read_bytes() == (raw / "trainLabels.csv").read_bytes()
    table = pa.concat_tables(pq.read_table(path) for path in parts.paths(out))
    expected = [(f"train/{i}.png", builders.encode(images[i][0])) for i in sorted(images)]
    assert list(zip(*table.to_pydict().values(), strict=True)) == expected


def test_several_archives_are_one_dataset(tmp_path, out):
    raw = tmp_path / "raw"
    members = {name: [(f"{n}.png", f"{name}{n}".encode()) for n in range(3)] for name in "ba"}
    for name, own in members.items():
        builders.write_archive(raw / f"{name}.zip", own)
    extract_archive(raw, ArchiveExtract(archive=("b.zip", "a.zip"), part_rows=4), out)
    table = pa.concat_tables(pq.read_table(path) for path in parts.paths(out))
    expected = [(f"{name}/{file}", content) for name in "ba" for file, content in members[name]]
    assert list(zip(*table.to_pydict().values(), strict=True)) == expected
    with pytest.raises(ValueError, match="several archives are called a"):
        ArchiveExtract(archive=("a.zip", "a.tar"))


def test_bytes_depend_on_input_and_parameters_alone(raw, out):
    extract_archive(raw, ARCHIVE, out)
    first = contents(out)
    copy = shutil.copytree(raw, raw.with_name("elsewhere"))
    extract_archive(copy, ARCHIVE, out.with_name("there"))
    assert contents(out.with_name("there")) == first
    extract_archive(raw, ARCHIVE, out)
    assert contents(out) == first


FAULTS = [
    ("train.7z", remove, "{} is missing; run the download stage"),
    ("trainLabels.csv", remove, "{} is missing; run the download stage"),
    ("train.7z", cut, "{}: truncated, damaged or no such archive ("),
    ("train.7z", corrupt, "{}: truncated, damaged or no such archive ("),
    ("train.7z", empty, "{}: truncated, damaged or no such archive (not a 7z file"),
    ("train.7z", html, "{}: truncated, damaged or no such archive (not a 7z file"),
]


@pytest.mark.parametrize("before", [False, True], ids=["nothing before", "old output before"])
@pytest.mark.parametrize(
    ("name", "damage", "message"),
    FAULTS,
    ids=[f"{name}-{damage.__name__}" for name, damage, _ in FAULTS],
)
def test_damage_leaves_nothing_half_written(raw, out, name, damage, message, before):
    if before:
        extract_archive(raw, ARCHIVE, out)
    old = contents(out) if before else None
    sound = (raw / name).read_bytes()
    damage(raw / name)
    with pytest.raises(DataError) as caught:
        extract_archive(raw, ARCHIVE, out)
    assert message.format(raw / name) in str(caught.value)
    assert [p.name for p in out.parent.iterdir()] == (["tiny"] if before else [])
    assert not before or contents(out) == old

    (raw / name).write_bytes(sound)
    extract_archive(raw, ARCHIVE, out)
    assert not before or contents(out) == old


def test_no_member_matches(raw, out):
    params = ARCHIVE.model_copy(update={"members": "Train/*.png"})
    with pytest.raises(DataError, match=r"train\.7z: no member matches the pattern 'Train/\*\.pn"):
        extract_archive(raw, params, out)
    assert not list(out.parent.iterdir())


def test_limits_are_the_parameters(raw, out):
    with py7zr.SevenZipFile(raw / "train.7z") as archive:
        lengths = [member.uncompressed for member in archive.list()]
    total, longest = sum(lengths), max(lengths)
    exact = ARCHIVE.model_copy(update={"max_bytes": total, "max_member_bytes": longest})
    extract_archive(raw, exact, out)
    for key, value in (("max_bytes", total - 1), ("max_member_bytes", longest - 1)):
        with pytest.raises(DataError, match=rf"is refused: .*\(extract\.{key}\)"):
            extract_archive(raw, exact.model_copy(update={key: value}), out)


def test_hostile_member(raw, out):
    builders.write_7z(raw / "train.7z", [("train/1.png", b"1"), ("../../x.png", b"2")])
    with pytest.raises(DataError, match=r"member '\.\./\.\./x\.png' is refused"):
        extract_archive(raw, ARCHIVE, out)
    assert not list(out.parent.iterdir())
    assert sorted(p.name for p in raw.parent.parent.iterdir()) == ["extracted", "raw"]


def test_a_folder_in_place_of_a_file(raw, out):
    (raw / "trainLabels.csv").unlink()
    (raw / "trainLabels.csv").mkdir()
    with pytest.raises(DataError, match=r"trainLabels\.csv is no plain file"):
        extract_archive(raw, ARCHIVE, out)
    assert not list(out.parent.iterdir())
