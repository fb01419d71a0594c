"""What extraction writes, and what it says about damaged or missing published files."""

import gzip
import hashlib
import shutil

import numpy as np
import py7zr
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import DataError
from pipeline.extract import archive as extract_archive
from pipeline.extract import idx as extract_idx
from pipeline.extract import parts
from pipeline.extract.archive import ArchiveExtract
from pipeline.extract.idx import IdxExtract
from pipeline.images import idx
from tests.support import builders
from tests.support.builders import IDX_FILES

IDX = IdxExtract.model_validate(IDX_FILES)
ARCHIVE = ArchiveExtract(
    archive="train.7z", labels="trainLabels.csv", members="train/*.png", part_rows=7
)


@pytest.fixture
def raw(tmp_path):
    """Published files of both kinds."""
    folder = tmp_path / "raw" / "tiny"
    builders.idx_dataset(folder)
    builders.archive_dataset(folder)
    return folder


@pytest.fixture
def out(tmp_path):
    """Where the output goes, in a folder of its own."""
    (tmp_path / "extracted").mkdir()
    return tmp_path / "extracted" / "tiny"


def contents(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def extract(raw, params, out):
    run = (
        extract_idx.extract_idx
        if isinstance(params, IdxExtract)
        else extract_archive.extract_archive
    )
    return run(raw, params, out)


def test_idx(tmp_path, out):
    arrays = builders.idx_dataset(tmp_path / "raw", train=30, test=12)
    assert extract_idx.extract_idx(tmp_path / "raw", IDX, out) == (
        "30 train and 12 test images, 0.0 MB"
    )
    assert sorted(p.name for p in out.iterdir()) == [
        f"{subset}-{what}.idx" for subset in ("test", "train") for what in ("images", "labels")
    ]
    for subset, pair in arrays.items():
        for what, array in zip(("images", "labels"), pair, strict=True):
            np.testing.assert_array_equal(idx.read(out / f"{subset}-{what}.idx"), array)


def test_idx_pair_without_a_test_set_and_without_gzip(tmp_path, out):
    images, labels = builders.idx_dataset(tmp_path)["train"]
    idx.write(tmp_path / "raw/images.idx3-ubyte", images)
    idx.write(tmp_path / "raw/labels", labels)
    params = IdxExtract.model_validate(
        {"train": {"images": "images.idx3-ubyte", "labels": "labels"}}
    )
    assert extract_idx.extract_idx(tmp_path / "raw", params, out) == "30 train images, 0.0 MB"
    assert sorted(p.name for p in out.iterdir()) == ["train-images.idx", "train-labels.idx"]
    np.testing.assert_array_equal(idx.read(out / "train-images.idx"), images)
    path = tmp_path / "raw/labels"
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(DataError, match=r"labels: header promises 38 bytes .*the file has 42"):
        extract_idx.extract_idx(tmp_path / "raw", params, out)


@pytest.mark.parametrize("suffix", [".7z", ".zip", ".tar.gz"])
def test_archive(tmp_path, out, suffix):
    raw = tmp_path / "raw"
    images = builders.archive_dataset(raw, n=30, archive=f"train{suffix}")
    params = ARCHIVE.model_copy(update={"archive": f"train{suffix}"})
    assert extract_archive.extract_archive(raw, params, out).startswith("30 members, 0.0 MB")
    assert sorted(p.name for p in out.iterdir()) == [
        "labels.csv", *(f"part-{n:05}.parquet" for n in range(5))
    ]  # fmt: skip
    assert (out / "labels.csv").read_bytes() == (raw / "trainLabels.csv").read_bytes()
    table = pa.concat_tables(pq.read_table(path) for path in parts.paths(out))
    expected = [(f"train/{i}.png", builders.encode(images[i][0])) for i in sorted(images)]
    assert list(zip(*table.to_pydict().values(), strict=True)) == expected


@pytest.mark.parametrize("params", [IDX, ARCHIVE], ids=["idx", "archive"])
def test_bytes_depend_on_input_and_parameters_alone(raw, out, params):
    extract(raw, params, out)
    first = contents(out)
    copy = shutil.copytree(raw, raw.with_name("elsewhere"))
    extract(copy, params, out.with_name("there"))
    assert contents(out.with_name("there")) == first
    extract(raw, params, out)
    assert contents(out) == first


def gunzip(path):
    return gzip.decompress(path.read_bytes())


def rezip(path, content):
    path.write_bytes(gzip.compress(content, mtime=0))


def remove(path):
    path.unlink()


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def corrupt(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


def html(path):
    path.write_bytes(b"<!DOCTYPE html><title>404</title>")


def trail(path):
    path.write_bytes(path.read_bytes() + b"more")


def promise_more(path):
    rezip(path, gunzip(path)[:-1])


def number(path):
    rezip(path, idx.dumps(np.array(7, np.uint8)))


def fewer(path):
    rezip(path, idx.dumps(idx.loads(gunzip(path))[:-1]))


IMAGES, LABELS = (IDX_FILES["train"][what] for what in ("images", "labels"))
TEST_LABELS = IDX_FILES["test"]["labels"]
FAULTS = [
    (IDX, IMAGES, remove, "{} is missing; run the download stage"),
    (IDX, TEST_LABELS, remove, "{} is missing; run the download stage"),
    (IDX, IMAGES, cut, "{}: truncated or not gzip (Compressed file ended"),
    (IDX, IMAGES, corrupt, "{}: truncated or not gzip ("),
    (IDX, IMAGES, html, "{}: truncated or not gzip (Not a gzipped file"),
    (IDX, IMAGES, trail, "{}: truncated or not gzip (Not a gzipped file"),
    (IDX, IMAGES, empty, "{}: not an IDX file (it begins with nothing"),
    (IDX, IMAGES, promise_more, "{}: header promises 1,936 bytes"),
    (IDX, LABELS, number, "{}: holds a single number, not rows"),
    (IDX, LABELS, fewer, "has 30 images, but {} 29 labels; check datasets.tiny.extract.train"),
    (IDX, TEST_LABELS, fewer, "has 12 images, but {} 11 labels; check datasets.tiny.extract.test"),
    (ARCHIVE, "train.7z", remove, "{} is missing; run the download stage"),
    (ARCHIVE, "trainLabels.csv", remove, "{} is missing; run the download stage"),
    (ARCHIVE, "train.7z", cut, "{}: truncated, damaged or no such archive ("),
    (ARCHIVE, "train.7z", corrupt, "{}: truncated, damaged or no such archive ("),
    (ARCHIVE, "train.7z", empty, "{}: truncated, damaged or no such archive (not a 7z file"),
    (ARCHIVE, "train.7z", html, "{}: truncated, damaged or no such archive (not a 7z file"),
]


@pytest.mark.parametrize("before", [False, True], ids=["nothing before", "old output before"])
@pytest.mark.parametrize(
    ("params", "name", "damage", "message"),
    FAULTS,
    ids=[f"{name}-{damage.__name__}" for _, name, damage, _ in FAULTS],
)
def test_damage_leaves_nothing_half_written(raw, out, params, name, damage, message, before):
    if before:
        extract(raw, params, out)
    old = contents(out) if before else None
    sound = (raw / name).read_bytes()
    damage(raw / name)
    with pytest.raises(DataError) as caught:
        extract(raw, params, out)
    assert message.format(raw / name) in str(caught.value)
    if "images, but" in message:
        assert str(raw / name.replace("labels-idx1", "images-idx3")) in str(caught.value)
    assert [p.name for p in out.parent.iterdir()] == (["tiny"] if before else [])
    assert not before or contents(out) == old

    (raw / name).write_bytes(sound)
    extract(raw, params, out)
    assert not before or contents(out) == old


def test_no_member_matches(raw, out):
    params = ARCHIVE.model_copy(update={"members": "Train/*.png"})
    with pytest.raises(DataError, match=r"train\.7z: no member matches the pattern 'Train/\*\.pn"):
        extract(raw, params, out)
    assert not list(out.parent.iterdir())


def test_limits_are_the_parameters(raw, out):
    with py7zr.SevenZipFile(raw / "train.7z") as archive:
        lengths = [member.uncompressed for member in archive.list()]
    total, longest = sum(lengths), max(lengths)
    exact = ARCHIVE.model_copy(update={"max_bytes": total, "max_member_bytes": longest})
    extract(raw, exact, out)
    for key, value in (("max_bytes", total - 1), ("max_member_bytes", longest - 1)):
        with pytest.raises(DataError, match=rf"is refused: .*\(extract\.{key}\)"):
            extract(raw, exact.model_copy(update={key: value}), out)


def test_hostile_member(raw, out):
    builders.write_7z(raw / "train.7z", [("train/1.png", b"1"), ("../../x.png", b"2")])
    with pytest.raises(DataError, match=r"member '\.\./\.\./x\.png' is refused"):
        extract(raw, ARCHIVE, out)
    assert not list(out.parent.iterdir())
    assert sorted(p.name for p in raw.parent.parent.iterdir()) == ["extracted", "raw"]


def test_a_folder_in_place_of_a_file(raw, out):
    (raw / "trainLabels.csv").unlink()
    (raw / "trainLabels.csv").mkdir()
    with pytest.raises(DataError, match=r"trainLabels\.csv is no plain file"):
        extract(raw, ARCHIVE, out)
    assert not list(out.parent.iterdir())
