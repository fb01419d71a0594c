import subprocess
import sys

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from pipeline.core.errors import DataError
from pipeline.split.divide import divide
from pipeline.split.params import ArchiveSplit
from tests.support import builders

ROWS = np.array([7, 0, 5, 3, 9, 2, 11, 4], np.int64)
LABELS = (np.arange(12) % 2).astype(np.int32)


@pytest.mark.parametrize("stratify", [False, True])
@pytest.mark.parametrize("fraction", [0.25, 0.4])
def test_rows_are_those_of_scikit_learn_in_its_order(stratify, fraction):
    params = ArchiveSplit(seed=7, stratify=stratify)
    rest, chosen = divide(ROWS, LABELS, fraction, params)
    expected_rest, expected = train_test_split(
        ROWS, test_size=fraction, random_state=7, stratify=LABELS[ROWS] if stratify else None
    )
    assert set(rest) == set(expected_rest)
    assert chosen.tolist() == expected.tolist()


def test_class_of_one_image_cannot_be_stratified():
    labels = np.array([0] * 11 + [1], np.int32)
    with pytest.raises(DataError, match="cannot be divided in proportion"):
        divide(ROWS, labels, 0.25, ArchiveSplit(stratify=True))


def test_scikit_learn_is_imported_only_where_it_is_needed():
    """A random division starts without it: its import takes longer than the rest of the stage."""
    code = """
import sys, numpy as np, stages.split
from pipeline.split.divide import divide
from pipeline.split.params import ArchiveSplit
divide(np.arange(9), np.zeros(9, np.int32), 0.5, ArchiveSplit())
print("sklearn" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=builders.ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
