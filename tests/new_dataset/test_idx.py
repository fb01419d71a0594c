"""IDX files: pairs with and without a test set, and what is no pair."""

import gzip

import numpy as np
import pytest

from pipeline.core.errors import DataError
from pipeline.images import idx
from pipeline.new_dataset.choices import Choices
from pipeline.new_dataset.detect import detect
from tests.support import builders


def test_idx(tmp_path):
    builders.idx_dataset(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    findings = detect(tmp_path, names, Choices())
    assert findings.extract == builders.IDX_FILES
    assert findings.classes == ["0", "1", "2"]
    assert findings.split == {"validation_fraction": 0.1, "seed": 42, "stratify": True}
    assert findings.images.classes == {"0": 14, "1": 14, "2": 14}
    assert dict(findings.images.described())["sizes"] == "8x8 pixels (width, height)"


def test_an_idx_pair(tmp_path):
    idx.write(tmp_path / "images", builders.pixels([0, 1, 1], (5, 7)))
    (tmp_path / "y.gz").write_bytes(gzip.compress(idx.dumps(np.array([0, 1, 1], np.uint8))))
    findings = detect(tmp_path, ["y.gz", "images"], Choices())
    assert findings.extract == {"train": {"images": "images", "labels": "y.gz"}}
    assert findings.split["test_fraction"] == 0.2
    with pytest.raises(DataError, match="there is no file of images for train"):
        detect(tmp_path, ["y.gz"], Choices())
    idx.write(tmp_path / "floats", np.zeros((3, 5, 7), np.float32))
    with pytest.raises(DataError, match="floats: images must be uint8, these are float32"):
        detect(tmp_path, ["y.gz", "floats"], Choices())
    idx.write(tmp_path / "high", np.array([0, 1, 2**30], np.int32))
    with pytest.raises(DataError, match="a label is 1,073,741,824, of 3 images"):
        detect(tmp_path, ["high", "images"], Choices())
    (tmp_path / "z").write_bytes(b"what is this?")
    with pytest.raises(DataError, match=r"z: is neither an archive .* nor Parquet, nor an IDX"):
        detect(tmp_path, ["z"], Choices())
