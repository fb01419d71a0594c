import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from sklearn.model_selection import train_test_split

from pipeline.core.errors import DataError
from pipeline.shards.index import Index, Quarantined, ShardFile
from pipeline.split.divide import divide, refuse_untrained
from pipeline.split.params import ArchiveSplit
from pipeline.subsets.split import Split
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


def index(*left_out):
    return Index(
        format="parquet",
        shape=(8, 8, 3),
        classes=builders.CLASSES,
        divisor=255,
        rows=4,
        files=(ShardFile(name="a.parquet", rows=4, bytes=1, sha256="00" * 32),),
        quarantined=tuple(
            Quarantined(id="", name="", reason="", class_name=one) for one in left_out
        ),
        content_sha256="00" * 32,
    )


@pytest.mark.parametrize(
    ("labels", "left_out", "message"),
    [
        ([0, 1, 2, 2], [], "class emu has no image for training (1 is for validation, 1 is for t"),
        ([0, 1, 1, 2], ["emu", "emu"], "class emu has no image for training (1 is for test, 2 are"),
        ([0, 1, 1, 1], [], "class emu has no image; take it out of decode.classes in params.yaml"),
    ],
)
def test_a_class_without_an_image_for_training_is_refused(labels, left_out, message):
    split = Split(pa.chunked_array([["a", "b", "c", "d"]]), np.array([0, 0, 1, 2], np.int8))
    with pytest.raises(DataError) as caught:
        refuse_untrained(split, np.array(labels, np.int32), index(*left_out))
    assert str(caught.value).startswith(message)


def test_remedies_are_those_that_help():
    split = Split(pa.chunked_array([["a", "b", "c", "d"]]), np.array([0, 0, 2, 2], np.int8))
    for own, left_out, remedies in (
        (False, [], "; add images of it or choose another split.seed in params.yaml"),
        (True, [], "; add images of it or change the data's own division"),
        (
            True,
            ["emu"],
            "; add images of it or mend those left out or change the data's own division",
        ),
    ):
        with pytest.raises(DataError) as caught:
            refuse_untrained(split, np.array([0, 1, 2, 2], np.int32), index(*left_out), own=own)
        assert str(caught.value).endswith(remedies)


def test_numbers_may_have_gaps_and_every_other_class_is_trained():
    split = Split(pa.chunked_array([["a", "b", "c", "d"]]), np.array([0, 0, 1, 2], np.int8))
    refuse_untrained(split, np.array([0, 2, 2, 2], np.int32), index("cat"), gaps=True)
    with pytest.raises(DataError, match="class dog has no image; take it"):
        refuse_untrained(split, np.array([0, 2, 2, 2], np.int32), index("cat"))


def test_scikit_learn_is_imported_only_where_it_is_needed():
    """A random division starts without it: its import takes longer than the rest of the stage."""
    code = """
import sys, numpy as np, stages.split
from pipeline.shards.index import Index, Quarantined, ShardFile
from pipeline.split.divide import divide, refuse_untrained
from pipeline.split.params import ArchiveSplit
from pipeline.subsets.split import Split
divide(np.arange(9), np.zeros(9, np.int32), 0.5, ArchiveSplit())
print("sklearn" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=builders.ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
