import json

import numpy as np
import pyarrow as pa
import pytest

from pipeline.shards import index as shard_index
from pipeline.shards import shard
from pipeline.shards.columns import Rows
from pipeline.split.data_card import data_card
from pipeline.subsets import split
from pipeline.subsets.data_card import DataCard
from tests.support.builders import CLASSES, pixels

SHAPE = (4, 5, 3)


def card(tmp_path, images, labels, subsets, bits=8):
    n = len(images)
    rows = Rows(
        [str(number) for number in range(n)],
        np.arange(n, dtype=np.int32),
        np.asarray(labels, np.int32),
        images,
    )
    parts = []
    for part in (slice(2), slice(2, None)):  # each of two row groups
        groups = [Rows(*(column[part][:-1] for column in rows))]
        groups.append(Rows(*(column[part][-1:] for column in rows)))
        parts.append(f"part-{len(parts):05}.parquet")
        shard.write(tmp_path / parts[-1], groups, CLASSES, SHAPE)
    index = shard_index.Index(
        format="parquet",
        shape=SHAPE,
        classes=CLASSES,
        divisor=2**bits - 1,
        rows=n,
        files=tuple(
            shard_index.ShardFile(name=name, rows=length, bytes=1, sha256="00" * 32)
            for name, length in zip(parts, (2, n - 2), strict=True)
        ),
        quarantined=(shard_index.Quarantined(id="q", name="q.png", reason="has a palette"),),
        content_sha256="11" * 32,
    )
    ids = pa.chunked_array([pa.array(rows.ids)])
    return data_card("tiny", tmp_path, index, split.Split(ids, np.asarray(subsets, np.int8)))


@pytest.mark.parametrize("bits", [8, 16])
def test_statistics_are_those_of_the_training_images(tmp_path, bits):
    labels = np.arange(12) % 3
    images = pixels(labels, SHAPE, bits)
    images[6:] += 1  # not in the training subset, and different
    described = card(tmp_path, images, labels, [0] * 6 + [1] * 2 + [2] * 4, bits)
    normalized = images[:6] / np.float64(2**bits - 1)
    statistics = described.training_pixels
    assert statistics.min == normalized.min()
    assert statistics.max == normalized.max()
    np.testing.assert_allclose(statistics.mean, normalized.mean(axis=(0, 1, 2)), rtol=1e-13)
    np.testing.assert_allclose(statistics.std, normalized.std(axis=(0, 1, 2)), rtol=1e-12)


def test_counts(tmp_path):
    labels = [0, 0, 1, 2, 2, 2]
    described = card(tmp_path, pixels(labels, SHAPE), labels, [0, 0, 0, 2, 2, 2])
    assert described.model_dump()["subsets"] == {
        "train": {"n": 3, "classes": {"cat": 2, "dog": 1, "emu": 0}},
        "validation": {"n": 0, "classes": {"cat": 0, "dog": 0, "emu": 0}},
        "test": {"n": 3, "classes": {"cat": 0, "dog": 0, "emu": 3}},
    }
    assert described.quarantined == 1
    assert described.shape == SHAPE
    assert described.classes == CLASSES
    assert described.content_sha256 == "11" * 32


def test_duplicates_within_and_across_subsets(tmp_path):
    images = pixels(np.arange(9) % 3, SHAPE)
    images[1] = images[2] = images[0]  # three times the same in training …
    images[6] = images[0]  # … and once in the test
    images[7] = images[5]  # one of validation, in the test
    described = card(tmp_path, images, np.arange(9) % 3, [0, 0, 0, 0, 1, 1, 2, 2, 2])
    assert described.duplicates.model_dump() == {
        "within": {"train": 2, "validation": 0, "test": 0},
        "across": {"train_validation": 0, "train_test": 1, "validation_test": 1},
    }


def test_file_has_sorted_keys_and_what_the_card_has(tmp_path):
    labels = [0, 1, 2]
    described = card(tmp_path, pixels(labels, SHAPE), labels, [0, 1, 2])
    described.write(tmp_path / "data.json")
    text = (tmp_path / "data.json").read_text()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"
    assert DataCard.model_validate_json(text) == described
