import base64

import numpy as np
import pytest

from pipeline.report.sections.pictured import matrix
from tests.support import reports


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("shape", [(6, 5, 3), (40, 50, 1)])
def test_matrices_hold_the_exact_integers_of_the_middle(shape):
    reports.make(shape=shape, noise=True)
    dataset = reports.results().dataset
    found = matrix.matrices(dataset)
    rows, columns = min(shape[0], 32), min(shape[1], 32)
    assert (found["rows"], found["columns"], found["bytes"]) == (rows, columns, 1)
    assert (found["top"], found["left"]) == ((shape[0] - rows) // 2, (shape[1] - columns) // 2)
    values = np.frombuffer(base64.b64decode(found["images"][0]["values"]), np.uint8)
    row = dataset.split.rows("train")[:1]
    whole = np.rint(dataset.take(row)[0] * 255)
    expected = whole[found["top"] :, found["left"] :][:rows, :columns]
    np.testing.assert_array_equal(values.reshape(rows, columns, shape[2]), expected)
    assert len(found["images"]) == matrix.MATRICES


def test_photographs_have_none():
    reports.make(shape=(70, 20, 1))
    assert matrix.matrix(reports.results()) is None
