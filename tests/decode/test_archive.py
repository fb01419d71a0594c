import json

import numpy as np
import pytest

from pipeline.core.errors import DataError
from pipeline.decode.archive import decode_archive
from pipeline.decode.params import ArchiveDecode
from pipeline.extract.archive import ArchiveExtract, extract_archive
from pipeline.shards import index as shard_index
from tests.support import builders
from tests.support.builders import CLASSES

SHAPE = (8, 8, 3)


def archive(folder, part_rows=7, **options):
    """Extract a small archive; return its images and class names, by id."""
    found = builders.archive_dataset(folder / "raw", **options)
    params = ArchiveExtract(archive="train.7z", labels="trainLabels.csv", part_rows=part_rows)
    extract_archive(folder / "raw", params, folder / "extracted")
    return found


def decode(folder, **options):
    params = ArchiveDecode(**{"classes": CLASSES, "shape": SHAPE} | options)
    done = decode_archive(folder / "extracted", params, folder / "shards")
    return done, shard_index.Index.read(folder / "shards")


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_images_labels_and_ids_of_an_archive_are_in_step(tmp_path):
    found = archive(tmp_path)
    done, index = decode(tmp_path)
    assert done.startswith("30 images of shape (8, 8, 3), 5 shards")
    folder = tmp_path / "shards"
    ids = shard_index.column(folder, index, "id").to_pylist()
    images = builders.shard_images(folder, index)
    classes = shard_index.column(folder, index, "class").to_pylist()
    positions = shard_index.column(folder, index, "position").to_pylist()
    assert ids == sorted(found)  # alphabetical, as the archive; the table is numerical
    assert ids != list(found)
    for row, name in enumerate(ids):
        pixels, label = found[name]
        assert (shard_index.integers(images[row], 255) == pixels).all()
        assert classes[row] == label
        assert positions[row] == int(name) - 1


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["parquet", "npz"])
def test_bytes_do_not_depend_on_the_number_of_workers(tmp_path, monkeypatch, suffix):
    archive(tmp_path)
    found = []
    for workers in ("1", "2", "5"):
        monkeypatch.setenv("PIPELINE_WORKERS", workers)
        decode(tmp_path, format=suffix)
        found.append(content(tmp_path / "shards"))
    assert found[0] == found[1] == found[2]


@pytest.mark.slow
def test_identity_does_not_depend_on_format_or_division(tmp_path):
    found = set()
    for part_rows in (7, 30):
        archive(tmp_path, part_rows)
        found |= {decode(tmp_path, format=name)[1].content_sha256 for name in ("parquet", "npz")}
    assert len(found) == 1


def test_16_bits_and_grey(tmp_path):
    found = archive(tmp_path, shape=(8, 8, 1), bits=16)
    _, index = decode(tmp_path, shape=(8, 8, 1), bits=16)
    assert index.divisor == 65535
    images = builders.shard_images(tmp_path / "shards", index)
    assert (shard_index.integers(images[0], 65535) == found["1"][0]).all()


def spoil(folder, bad):
    """Replace images of the raw archive."""
    found = builders.archive_dataset(folder / "raw")
    members = [
        (f"train/{name}.png", bad.get(name, builders.encode(image)))
        for name, (image, _) in found.items()
    ]
    builders.write_archive(folder / "raw/train.7z", members)
    params = ArchiveExtract(archive="train.7z", labels="trainLabels.csv", part_rows=7)
    extract_archive(folder / "raw", params, folder / "extracted")


@pytest.mark.slow
def test_bad_image_ends_the_stage_and_leaves_nothing(tmp_path):
    spoil(tmp_path, {"12": b"no image"})
    with pytest.raises(DataError) as raised:
        decode(tmp_path)
    assert "image 'train/12.png' cannot be decoded" in str(raised.value)
    assert "on_bad_image: quarantine" in str(raised.value)
    assert not (tmp_path / "shards").exists()
    assert not list(tmp_path.glob("*.incomplete"))
    archive(tmp_path)  # mended
    assert decode(tmp_path)[1].rows == 30


def test_bad_images_are_left_out_by_id_and_listed(tmp_path):
    wide = builders.encode(np.zeros((8, 9, 3), np.uint8))
    found = builders.archive_dataset(tmp_path / "raw")
    spoil(tmp_path, {"12": b"no image", "3": wide})
    done, index = decode(tmp_path, on_bad_image="quarantine")
    assert "28 images" in done
    assert "2 quarantined" in done
    assert [(q.id, q.name, q.reason, q.class_name) for q in index.quarantined] == [
        ("3", "train/3.png", "is 9x8 pixels, not 8x8", found["3"][1]),
        ("12", "train/12.png", "cannot be decoded", found["12"][1]),
    ]
    assert [q.picture is not None for q in index.quarantined] == [True, False]
    assert json.loads((tmp_path / "shards/index.json").read_text())["quarantined"][1].keys() == {
        "id", "name", "reason", "class_name"
    }  # fmt: skip
    ids = shard_index.column(tmp_path / "shards", index, "id").to_pylist()
    assert ids == [str(n) for n in range(1, 31) if n not in (3, 12)]
    positions = shard_index.column(tmp_path / "shards", index, "position").to_pylist()
    assert positions == [int(name) - 1 for name in ids]


@pytest.mark.slow
def test_a_policy_converts_images_that_are_not_plain_and_the_index_counts_them(tmp_path):
    found = builders.archive_dataset(tmp_path / "raw")
    see_through = np.dstack([found["1"][0], np.zeros((8, 8), np.uint8)])
    spoil(tmp_path, {"1": builders.encode(see_through), "2": builders.encode(see_through)})
    with pytest.raises(DataError, match=r"have such converted \(decode.convert: \{alpha: white\}"):
        decode(tmp_path)
    done, index = decode(tmp_path, convert={"alpha": "white"})
    assert "30 images of shape (8, 8, 3), converted: 2 alpha, 5 shards" in done
    assert index.converted == {"alpha": 2}
    assert index.convert["alpha"] == "white"
    assert index.convert["frames"] == "refuse"
    images = builders.shard_images(tmp_path / "shards", index)
    assert (images[:2] == 1).all()
    plain = decode(tmp_path, on_bad_image="quarantine")
    assert "converted" not in plain[0]
    assert "convert" not in (tmp_path / "shards/index.json").read_text()


@pytest.mark.slow
def test_images_of_several_sizes_are_resized_and_the_index_says_how(tmp_path):
    """Red on the left and blue on the right of a picture three times as wide as high."""
    wide = np.zeros((8, 24, 3), np.uint8)
    wide[:, :8, 0] = wide[:, 16:, 2] = 255
    grey = np.full((4, 4, 1), 100, np.uint8)
    huge = builders.png(60_000, 60_000, 8, 2, [])
    spoil(
        tmp_path,
        {"12": builders.encode(wide), "3": builders.encode(grey), "5": huge, "7": b"no image"},
    )
    found = {}
    for how in ("stretch", "crop", "pad"):
        _, index = decode(tmp_path, resize=how, on_bad_image="quarantine")
        assert index.resize == how
        assert {q.id: q.reason for q in index.quarantined} == {
            "5": "is 60000x60000 pixels, above 50,000,000 in all (decode.max_pixels)",
            "7": "cannot be decoded",
        }
        ids = shard_index.column(tmp_path / "shards", index, "id").to_pylist()
        rows = [ids.index(name) for name in ("12", "3")]
        images = shard_index.integers(shard_index.take(tmp_path / "shards", index, rows), 255)
        found[how] = images[0]
        assert (images[1] == 100).all()
    assert found["stretch"][0, 0].tolist() == [255, 0, 0]
    assert found["stretch"][0, -1].tolist() == [0, 0, 255]
    assert not found["crop"].any()  # the black middle
    assert found["pad"][3, 0].tolist() == [255, 0, 0]
    assert not found["pad"][0].any()


def test_without_resizing_the_index_says_nothing_of_it(tmp_path):
    archive(tmp_path)
    _, index = decode(tmp_path)
    assert index.resize is None
    assert "resize" not in (tmp_path / "shards/index.json").read_text()


@pytest.mark.parametrize("match", ["name", "path"])
def test_ids_may_be_whole_names_of_files(tmp_path, match):
    found = archive(tmp_path)
    prefix = "train/" if match == "path" else ""
    table = {f"{prefix}{id_}.png": label for id_, (_, label) in found.items()}
    builders.labels_csv(tmp_path / "extracted/labels.csv", table.items(), ("file", "kind"))
    _, index = decode(tmp_path, labels={"id": "file", "label": "kind", "match": match})
    ids = shard_index.column(tmp_path / "shards", index, "id").to_pylist()
    assert set(ids) == set(table)
    classes = shard_index.column(tmp_path / "shards", index, "class").to_pylist()
    assert classes == [table[id_] for id_ in ids]
    with pytest.raises(DataError, match=r"30 images have no row in"):
        decode(tmp_path, labels={"id": "file", "label": "kind"})


def test_nothing_but_bad_images_is_an_error(tmp_path):
    spoil(tmp_path, {str(n): b"no image" for n in range(1, 31)})
    with pytest.raises(DataError, match=r"no image could be used \(cannot be decoded: 30\); see"):
        decode(tmp_path, on_bad_image="quarantine")
    assert not (tmp_path / "shards").exists()


@pytest.mark.slow
def test_a_class_of_nothing_but_bad_images_is_an_error(tmp_path):
    found = builders.archive_dataset(tmp_path / "raw")
    emus = [id_ for id_, (_, name) in found.items() if name == "emu"]
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    spoil(tmp_path, dict.fromkeys(emus, pointer) | {emus[0]: b"", "1": b""})
    with pytest.raises(DataError) as raised:
        decode(tmp_path, on_bad_image="quarantine")
    assert str(raised.value).startswith("no image of class emu can be used (is a Git LFS pointer")
    assert f"fetches: {len(emus) - 1}, is empty: 1)" in str(raised.value)
    assert not (tmp_path / "shards").exists()
    spoil(tmp_path, dict.fromkeys(emus[1:], pointer))  # one is enough
    assert len(decode(tmp_path, on_bad_image="quarantine")[1].quarantined) == len(emus) - 1
