import gzip
import shutil

import numpy as np
import pytest

from pipeline.core.errors import DataError
from pipeline.extract.idx import IdxExtract, extract_idx
from pipeline.images import idx
from tests.support import builders
from tests.support.builders import IDX_FILES
from tests.support.damage import contents, corrupt, cut, empty, html, remove

IDX = IdxExtract.model_validate(IDX_FILES)


@pytest.fixture
def raw(tmp_path):
    """Write published files; return their folder."""
    folder = tmp_path / "raw" / "tiny"
    builders.idx_dataset(folder)
    return folder


def test_files_are_unzipped(tmp_path, out):
    arrays = builders.idx_dataset(tmp_path / "raw", train=30, test=12)
    assert extract_idx(tmp_path / "raw", IDX, out) == ("30 train and 12 test images, 0.0 MB")
    assert sorted(p.name for p in out.iterdir()) == [
        f"{subset}-{what}.idx" for subset in ("test", "train") for what in ("images", "labels")
    ]
    for subset, pair in arrays.items():
        for what, array in zip(("images", "labels"), pair, strict=True):
            np.testing.assert_array_equal(idx.read(out / f"{subset}-{what}.idx"), array)


def test_pair_without_a_test_set_and_without_gzip(tmp_path, out):
    images, labels = builders.idx_dataset(tmp_path)["train"]
    idx.write(tmp_path / "raw/images.idx3-ubyte", images)
    idx.write(tmp_path / "raw/labels", labels)
    params = IdxExtract.model_validate(
        {"train": {"images": "images.idx3-ubyte", "labels": "labels"}}
    )
    assert extract_idx(tmp_path / "raw", params, out) == "30 train images, 0.0 MB"
    assert sorted(p.name for p in out.iterdir()) == ["train-images.idx", "train-labels.idx"]
    np.testing.assert_array_equal(idx.read(out / "train-images.idx"), images)
    path = tmp_path / "raw/labels"
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(DataError, match=r"labels: header promises 38 bytes .*the file has 42"):
        extract_idx(tmp_path / "raw", params, out)


def test_bytes_depend_on_input_and_parameters_alone(raw, out):
    extract_idx(raw, IDX, out)
    first = contents(out)
    copy = shutil.copytree(raw, raw.with_name("elsewhere"))
    extract_idx(copy, IDX, out.with_name("there"))
    assert contents(out.with_name("there")) == first
    extract_idx(raw, IDX, out)
    assert contents(out) == first


def gunzip(path):
    return gzip.decompress(path.read_bytes())


def rezip(path, content):
    path.write_bytes(gzip.compress(content, mtime=0))


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
    (IMAGES, remove, "{} is missing; run the download stage"),
    (TEST_LABELS, remove, "{} is missing; run the download stage"),
    (IMAGES, cut, "{}: truncated or not gzip (Compressed file ended"),
    (IMAGES, corrupt, "{}: truncated or not gzip ("),
    (IMAGES, html, "{}: truncated or not gzip (Not a gzipped file"),
    (IMAGES, trail, "{}: truncated or not gzip (Not a gzipped file"),
    (IMAGES, empty, "{}: not an IDX file (it begins with nothing"),
    (IMAGES, promise_more, "{}: header promises 1,936 bytes"),
    (LABELS, number, "{}: holds a single number, not rows"),
    (LABELS, fewer, "has 30 images, but {} 29 labels; check datasets.tiny.extract.train"),
    (TEST_LABELS, fewer, "has 12 images, but {} 11 labels; check datasets.tiny.extract.test"),
]


@pytest.mark.parametrize("before", [False, True], ids=["nothing before", "old output before"])
@pytest.mark.parametrize(
    ("name", "damage", "message"),
    FAULTS,
    ids=[f"{name}-{damage.__name__}" for name, damage, _ in FAULTS],
)
def test_damage_leaves_nothing_half_written(raw, out, name, damage, message, before):
    if before:
        extract_idx(raw, IDX, out)
    old = contents(out) if before else None
    sound = (raw / name).read_bytes()
    damage(raw / name)
    with pytest.raises(DataError) as caught:
        extract_idx(raw, IDX, out)
    assert message.format(raw / name) in str(caught.value)
    if "images, but" in message:
        assert str(raw / name.replace("labels-idx1", "images-idx3")) in str(caught.value)
    assert [p.name for p in out.parent.iterdir()] == (["tiny"] if before else [])
    assert not before or contents(out) == old

    (raw / name).write_bytes(sound)
    extract_idx(raw, IDX, out)
    assert not before or contents(out) == old


def test_longer_files_than_the_limit_are_refused(raw, out):
    params = IDX.model_copy(update={"max_bytes": 100})
    with pytest.raises(DataError, match=r"its header promises .* above 100 \(extract\.max_bytes\)"):
        extract_idx(raw, params, out)
    assert not list(out.parent.iterdir())


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
def test_files_in_an_archive(tmp_path, out, suffix):
    arrays = builders.idx_dataset(tmp_path / "files")
    members = [(f"a/{p.name}", p.read_bytes()) for p in sorted((tmp_path / "files").iterdir())]
    (tmp_path / "raw").mkdir()
    builders.write_archive(tmp_path / f"raw/m{suffix}", [*members, ("readme", b"x")])
    named = {
        subset: {what: f"a/{name}" for what, name in pair.items()}
        for subset, pair in IDX_FILES.items()
    }
    params = IdxExtract.model_validate({"archive": f"m{suffix}", **named})
    assert extract_idx(tmp_path / "raw", params, out) == "30 train and 12 test images, 0.0 MB"
    for subset, pair in arrays.items():
        for what, array in zip(("images", "labels"), pair, strict=True):
            np.testing.assert_array_equal(idx.read(out / f"{subset}-{what}.idx"), array)
    other = params.model_copy(update={"test": params.train.model_copy(update={"labels": "a/b"})})
    with pytest.raises(DataError, match=r"m\.[a-z.]+: has no member a/b; check extract"):
        extract_idx(tmp_path / "raw", other, out)


def test_names_of_files_have_no_folder(raw):
    with pytest.raises(ValueError, match=r"train and test: '\.\./x' is no plain file name"):
        IdxExtract.model_validate({"train": {"images": "../x", "labels": "y"}})


def test_gzip_without_its_suffix(raw, out):
    (raw / IMAGES).rename(raw / "images")
    train = IDX.train.model_copy(update={"images": "images"})
    assert extract_idx(raw, IDX.model_copy(update={"train": train}), out).startswith("30 train")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1 << 20, 32, 32), "promises 1,073,741,840 bytes, far more than its own"),
        ((1_000_001, 1, 1), "promises 1,000,001 rows in"),
    ],
)
def test_files_that_grow_far_above_their_own_length_are_refused(raw, out, shape, message):
    header = b"\0\0\x08\x03" + np.array(shape, ">u4").tobytes()
    path = raw / IDX_FILES["train"]["images"]
    path.write_bytes(gzip.compress(header + bytes(1000)))
    with pytest.raises(DataError, match=message):
        extract_idx(raw, IDX, out)
    assert not out.exists()
