import json

import numpy as np
import pytest

from pipeline.core.errors import DataError
from pipeline.shards import index as shard_index
from pipeline.shards import shard
from tests.support.builders import CLASSES
from tests.support.shards import SHAPE, rows


@pytest.fixture(params=list(shard.FORMATS))
def dataset(request, tmp_path):
    """Three shards of ten rows."""
    files = []
    for number in range(3):
        path = tmp_path / f"part-{number:05}.{request.param}"
        shard.write(path, [rows(10, start=10 * number)], CLASSES, SHAPE)
        files.append(shard_index.ShardFile(name=path.name, rows=10, bytes=1, sha256="00" * 32))
    index = shard_index.Index(
        format=request.param,
        shape=SHAPE,
        classes=CLASSES,
        divisor=255,
        rows=30,
        files=tuple(files),
        quarantined=(shard_index.Quarantined(id="x", name="x.png", reason="has a palette"),),
        content_sha256="11" * 32,
    )
    index.write(tmp_path)
    return tmp_path, index


def test_index_survives_the_disk(dataset):
    folder, index = dataset
    assert shard_index.Index.read(folder) == index
    text = (folder / "index.json").read_text()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"


def test_reading_goes_across_files(dataset):
    folder, index = dataset
    files = [folder / file.name for file in index.files]
    whole = np.concatenate([part for file in files for part in shard.images(file, SHAPE)])
    assert whole.shape == (30, *SHAPE)
    wanted = [29, 0, 10, 9, 11, 0]
    assert (shard_index.take(folder, index, wanted) == whole[wanted]).all()
    assert shard_index.column(folder, index, "id").to_pylist() == [f"ü{n}" for n in range(30)]
    assert shard_index.column(folder, index, "pixel_sum").to_pylist()[29] == (
        (whole[29] * 255).round().sum(axis=(0, 1)).tolist()
    )


def test_statistics_are_those_of_the_normalized_pixels(dataset):
    folder, index = dataset
    wanted = np.array([0, 9, 10, 29])
    images = shard_index.take(folder, index, wanted).astype(np.float64)
    mean, std = shard_index.statistics(folder, index, wanted)
    assert mean == pytest.approx(images.mean(axis=(0, 1, 2)))
    assert std == pytest.approx(images.std(axis=(0, 1, 2)))


@pytest.mark.parametrize(("divisor", "dtype"), [(255, np.uint8), (65535, np.uint16)])
def test_integers_are_exact_for_every_value(divisor, dtype):
    values = np.arange(divisor + 1).astype(dtype)
    integers = shard_index.integers(
        np.divide(values, np.float32(divisor), dtype=np.float32), divisor
    )
    assert integers.dtype == dtype
    assert (integers == values).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "missing; run the stage that writes it"),
        ("{", "not valid JSON"),
        ("[]", "should be an object"),
        ('{"version": 2}', "version 2 is not 1; decode again"),
        ('{"version": 1}', "format: Field required"),
    ],
)
def test_damaged_index_is_named(tmp_path, text, message):
    if text is not None:
        (tmp_path / "index.json").write_text(text)
    with pytest.raises(DataError) as raised:
        shard_index.Index.read(tmp_path)
    assert message in str(raised.value)
    assert "index.json" in str(raised.value)
