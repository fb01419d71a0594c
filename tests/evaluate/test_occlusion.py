import hashlib

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import DataError
from pipeline.evaluate import occlusion
from pipeline.evaluate.occlusion import GRID, Occlusion
from pipeline.evaluate.predictions import Predictions
from pipeline.subsets.images import Dataset
from tests.support import reports


def corner(images):
    """Predict by the upper left pixel alone, of which white is the second class."""
    share = images[:, 0, 0, 0]
    return np.stack([1 - share, share], axis=1)


def test_a_network_that_looks_at_one_corner_is_found_out():
    image = np.zeros((12, 16, 1), np.float32)
    image[:3, :4] = 0.9
    map_ = np.array(occlusion.drops(image, 1, corner))
    assert map_.shape == (GRID, GRID)
    mean = image.mean()
    # The cover, a quarter of the sides, is on that pixel at the first place alone.
    assert map_[0, 0] == pytest.approx(0.9 - mean, abs=1e-4)
    map_[0, 0] = 0
    assert not map_.any()


def test_keras_is_found_out_too(tensorflow):
    import keras

    built = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    kernel = np.zeros((64, 2), np.float32)
    kernel[-1, 1] = 5  # the lower right pixel
    built.set_weights([kernel, np.zeros(2, np.float32)])
    image = np.random.default_rng(0).random((8, 8, 1)).astype(np.float32) / 2
    image[-1, -1] = 1

    def probabilities(images):
        return keras.ops.convert_to_numpy(keras.ops.softmax(built(images)))

    map_ = np.array(occlusion.drops(image, 1, probabilities))
    assert map_.argmax() == GRID * GRID - 1
    assert map_[-1, -1] > 0.05
    assert np.count_nonzero(map_) < GRID  # places that round to the last pixel


@pytest.mark.parametrize(("shape", "length"), [((3, 3, 1), 1), ((40, 8, 3), 10)])
def test_covers_go_from_edge_to_edge(shape, length):
    places = list(occlusion._places(shape[0]))
    assert (places[0].start, places[-1].stop, len(places)) == (0, shape[0], GRID)
    assert {place.stop - place.start for place in places} == {length}


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reports.make(wrong=7)
    (test,) = Dataset.read("tiny").images("test")
    return reports.results().gallery.predictions, test


def test_the_surest_mistakes_and_the_surest_hit_of_each_class_are_chosen(made):
    """Confidence ascends by row; the first seven are wrong, of classes in turn."""
    predictions, _ = made
    assert occlusion.chosen(predictions, 3).tolist() == [6, 5, 4, 29, 28, 27]
    assert len(occlusion.chosen(predictions, 100)) == 30


def test_maps_stand_beside_predictions_that_stay_as_they_are(made, tmp_path):
    predictions, test = made

    def probabilities(images):
        return np.tile(np.float32([0.2, 0.3, 0.5]), (len(images), 1))

    plain, beside = tmp_path / "plain.parquet", tmp_path / "beside.parquet"
    predictions.write(plain, occlusion.of(predictions, test, 0, probabilities))
    predictions.write(beside, occlusion.of(predictions, test, 2, probabilities))
    assert Occlusion.read(plain) is None
    assert list(Occlusion.read(beside).maps) == ["006", "005", "029", "028"]
    assert pq.read_table(plain).equals(pq.read_table(beside))
    np.testing.assert_array_equal(Predictions.read(beside).labels, predictions.labels)
    bare = tmp_path / "bare.parquet"  # as files are that no map was asked for
    pq.write_table(pq.read_table(plain).cast(predictions.schema), bare, compression="zstd")
    assert hashlib.sha256(plain.read_bytes()).digest() == hashlib.sha256(bare.read_bytes()).digest()
    assert pq.ParquetFile(plain).metadata.metadata.keys() == {b"ARROW:schema"}
    assert pq.ParquetFile(plain).schema_arrow.metadata is None


@pytest.mark.parametrize("text", ["", "3", '{"maps": {"a": [[0]]}}', '{"maps": {"a": "x"}}'])
def test_damaged_maps_are_one_line(made, tmp_path, text):
    predictions, _ = made
    path = tmp_path / "p.parquet"
    predictions.write(path, {occlusion.KEY: text})
    with pytest.raises(DataError, match="evaluate again") as caught:
        Occlusion.read(path)
    assert str(caught.value).isprintable()
