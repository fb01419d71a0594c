import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import DataError
from pipeline.evaluate.predictions import Predictions

THREE = Predictions(
    ids=["test-0", "ü,\n", "test-2"],
    labels=np.array([0, 1, 1], np.int32),
    predicted=np.array([0, 0, 1], np.int32),
    probabilities=np.array([[0.75, 0.25, 0], [0.5, 0.25, 0.25], [0, 1, 0]], np.float32),
)


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "predictions" / "run.parquet"
    THREE.write(path)
    read = Predictions.read(path)
    assert read.ids == THREE.ids
    for name in ("labels", "predicted", "probabilities"):
        mine, theirs = getattr(THREE, name), getattr(read, name)
        assert theirs.dtype == mine.dtype
        np.testing.assert_array_equal(theirs, mine)
    assert [entry.name for entry in path.parent.iterdir()] == ["run.parquet"]


def test_the_columns_are_as_designed(tmp_path):
    THREE.write(tmp_path / "p.parquet")
    schema = pq.read_schema(tmp_path / "p.parquet")
    assert {field.name: field.type for field in schema} == {
        "id": pa.string(),
        "label": pa.int32(),
        "predicted": pa.int32(),
        "probabilities": pa.list_(pa.float32(), 3),
    }


def test_the_bytes_depend_on_the_predictions_alone(tmp_path):
    THREE.write(tmp_path / "a.parquet")
    fortran = THREE._replace(probabilities=np.asfortranarray(THREE.probabilities))
    fortran.write(tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_none_at_all(tmp_path):
    none = Predictions(
        [], np.empty(0, np.int32), np.empty(0, np.int32), np.empty((0, 7), np.float32)
    )
    none.write(tmp_path / "p.parquet")
    assert Predictions.read(tmp_path / "p.parquet").probabilities.shape == (0, 7)


def test_columns_of_unequal_length_are_not_written(tmp_path):
    with pytest.raises(pa.ArrowInvalid):
        THREE._replace(ids=["test-0"]).write(tmp_path / "p.parquet")
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"p\.parquet is missing; run the evaluate stage"):
        Predictions.read(tmp_path / "p.parquet")


@pytest.mark.parametrize("keep", [0, 3, 200])
def test_a_damaged_file_is_named(tmp_path, keep):
    path = tmp_path / "p.parquet"
    THREE.write(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"p\.parquet is damaged \(.+\); delete it"):
        Predictions.read(path)


def test_confusion_counts_true_classes_in_rows():
    assert THREE.confusion().tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]


def test_correct_and_confidence_are_of_the_predicted_class():
    assert THREE.correct.tolist() == [True, False, True]
    assert THREE.confidence.tolist() == [0.75, 0.5, 1.0]
    assert THREE.confidence.dtype == np.float32
