"""The demo data: its script, and the files that the repository carries."""

import gzip
import hashlib
import importlib.util
import os
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import py7zr
import pytest

from pipeline.archives.limits import Limits
from pipeline.archives.members import members
from pipeline.core.params import read_yaml
from pipeline.images import idx
from tests.support.builders import ROOT

DEMO = ROOT / "data" / "demo"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
LIMITS = Limits(total_bytes=1 << 30, member_bytes=1 << 20)

spec = importlib.util.spec_from_file_location("demo_build", DEMO / "build.py")
assert spec
assert spec.loader
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)


def write_source(folder: Path, train: int, test: int) -> None:
    """Write four files in Fashion-MNIST's layout: noise for images, and shuffled labels."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for prefix, count in (("train", train), ("t10k", test)):
        images = rng.integers(0, 256, (10 * count, 28, 28), np.uint8)
        labels = rng.permutation(np.repeat(np.arange(10, dtype=np.uint8), count))
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            (folder / f"{prefix}-{name}-ubyte.gz").write_bytes(gzip.compress(idx.dumps(array)))


def read_idx(folder: Path, name: str):
    return idx.loads(gzip.decompress((folder / name).read_bytes()), name)


def read_table(folder: Path) -> dict[str, str]:
    header, *rows = (folder / "trainLabels.csv").read_text(encoding="utf-8").splitlines()
    assert header == "id,label"
    return dict(row.split(",") for row in rows)


def read_pngs(folder: Path) -> dict[str, np.ndarray]:
    """Return RGB images by id, in the archive's order."""
    return {
        Path(name).stem: np.asarray(
            cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
        )
        for name, content in members(folder / "train.7z", "train/*.png", LIMITS)
    }


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "source"
    write_source(folder, train=7, test=3)
    return folder


@pytest.fixture(scope="module")
def made(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("made")
    build.build(source, out, train=4, test=2, png=3)
    return out


def test_same_input_gives_same_bytes(source, made, tmp_path):
    again = build.build(source, tmp_path, train=4, test=2, png=3)
    assert len(again) == 6
    for path in again:
        assert path.read_bytes() == (made / path.relative_to(tmp_path)).read_bytes(), path.name


@pytest.mark.parametrize(("prefix", "count"), [("train", 4), ("t10k", 2)])
def test_idx_files_hold_the_first_of_each_class_in_the_original_order(source, made, prefix, count):
    names = (f"{prefix}-images-idx3-ubyte.gz", f"{prefix}-labels-idx1-ubyte.gz")
    images, labels = (read_idx(source, name) for name in names)
    seen: Counter[int] = Counter()
    wanted = []
    for position, label in enumerate(labels.tolist()):
        if seen[label] < count:
            wanted.append(position)
        seen[label] += 1
    assert (read_idx(made / "idx", names[0]) == images[wanted]).all()
    assert (read_idx(made / "idx", names[1]) == labels[wanted]).all()


def test_pngs_are_recoloured_training_images_with_their_labels(source, made):
    images = read_idx(source, "train-images-idx3-ubyte.gz").reshape(70, -1).astype(float)
    labels = read_idx(source, "train-labels-idx1-ubyte.gz")
    table = read_table(made / "png")
    pngs = read_pngs(made / "png")
    assert sorted(pngs) == sorted(table)
    used = set()
    for number, rgb in pngs.items():
        border = rgb[0, 0]
        assert border.max() < 64
        assert (rgb[:2] == border).all()
        assert (rgb[:, -2:] == border).all()
        for channel in range(3):
            pixels = rgb[2:-2, 2:-2, channel].ravel()
            alike = [np.corrcoef(pixels, image)[0, 1] for image in images]
            position = int(np.argmax(alike))
            assert alike[position] > 0.999
            assert table[number] == build.CLASSES[labels[position]]
            used.add(position)
    in_idx = {p for label in range(10) for p in np.flatnonzero(labels == label)[:4]}
    assert len(used) == len(table) == 30
    assert not used & in_idx


def test_colours_do_not_tell_the_class():
    """Borders, which hold colour alone, have the same mean in every class."""
    table = read_table(DEMO / "png")
    borders: dict[str, list[np.ndarray]] = {name: [] for name in build.CLASSES}
    for number, rgb in read_pngs(DEMO / "png").items():
        borders[table[number]].append(rgb[0, 0])
    means = np.array([np.mean(colours, axis=0) for colours in borders.values()])
    # 200 draws from 0 … 63: a mean is 31.5 with a standard error of 1.3.
    assert np.abs(means - 31.5).max() < 5.5
    assert len(np.unique(np.concatenate(list(borders.values())), axis=0)) > 1900


def test_committed_files_are_those_of_the_parameters():
    datasets = read_yaml(ROOT / "params.yaml")["datasets"]
    for dataset, folder in (("demo_idx", "idx"), ("demo_png", "png")):
        declared = {file["name"]: file for file in datasets[dataset]["download"]["files"]}
        assert sorted(declared) == sorted(path.name for path in (DEMO / folder).iterdir())
        for name, file in declared.items():
            content = (DEMO / folder / name).read_bytes()
            assert len(content) == file["bytes"]
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
            assert file["sources"] == [f"file:data/demo/{folder}/{name}"]
        assert tuple(datasets[dataset]["decode"]["classes"]) == build.CLASSES


def test_committed_files_are_under_four_megabytes():
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) < 4_000_000


def test_committed_idx_files_are_balanced():
    for prefix, count in (("train", 400), ("t10k", 100)):
        images = read_idx(DEMO / "idx", f"{prefix}-images-idx3-ubyte.gz")
        labels = read_idx(DEMO / "idx", f"{prefix}-labels-idx1-ubyte.gz")
        assert images.shape == (10 * count, 28, 28)
        assert images.dtype == np.uint8
        assert np.bincount(labels).tolist() == [count] * 10


def test_committed_archive_is_solid_and_ordered_unlike_its_table():
    with py7zr.SevenZipFile(DEMO / "png" / "train.7z") as archive:
        info = archive.archiveinfo()
        names = archive.getnames()
    assert info.solid
    assert info.blocks == 1
    table = read_table(DEMO / "png")
    assert list(table) == [str(number) for number in range(1, 2001)]
    assert [Path(name).stem for name in names] == sorted(table) != list(table)
    assert Counter(table.values()) == dict.fromkeys(build.CLASSES, 200)
    assert {rgb.shape for rgb in read_pngs(DEMO / "png").values()} == {(32, 32, 3)}


def test_licence_of_fashion_mnist_stands_beside_its_images():
    text = (DEMO / "README.md").read_text(encoding="utf-8")
    assert "Copyright © 2017 Zalando SE" in text
    assert "The above copyright notice and this permission notice shall be included" in text


@pytest.mark.slow
def test_committed_files_are_what_the_script_makes_of_the_official_ones(tmp_path):
    """Needs the official files: from DATA_MIRROR, or from Debian's dataset-fashion-mnist."""
    mirror = Path(os.environ.get("DATA_MIRROR", "/nowhere")) / "fashion_mnist"
    build.build(mirror if mirror.is_dir() else DEBIAN, tmp_path, train=400, test=100, png=200)
    # Compared unpacked, for other releases of zlib and liblzma may pack otherwise.
    for path in (tmp_path / "idx").iterdir():
        assert (read_idx(tmp_path / "idx", path.name) == read_idx(DEMO / "idx", path.name)).all()
    assert read_table(tmp_path / "png") == read_table(DEMO / "png")
    committed = read_pngs(DEMO / "png")
    for number, rgb in read_pngs(tmp_path / "png").items():
        assert (rgb == committed.pop(number)).all()
    assert not committed
