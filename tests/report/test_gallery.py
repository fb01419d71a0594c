import numpy as np
import pytest

from pipeline.evaluate.predictions import Predictions
from pipeline.report import gallery
from tests.support import reports

LABELS = np.array([0, 0, 0, 1, 1, 1], np.int32)
PROBABILITIES = np.array(
    [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7], [0.55, 0.45], [0.05, 0.95]], np.float32
)
SMALL = Predictions(
    list("abcdef"), LABELS, PROBABILITIES.argmax(axis=1).astype(np.int32), PROBABILITIES
)


def ids(positions):
    return "".join(SMALL.ids[position] for position in positions)


def test_mistakes_are_the_most_confident_first():
    assert ids(gallery.mistakes(SMALL)) == "ce"


def test_uncertain_images_are_right_or_wrong():
    assert ids(gallery.uncertain(SMALL)) == "ebdcaf"


def test_cells_take_turns_and_mistakes_come_first():
    assert ids(gallery.cells(SMALL, 9)) == "ce" + "af" + "bd"
    assert ids(gallery.cells(SMALL, 1)) == "ceaf"


def test_no_images_have_no_cells():
    none = Predictions([], LABELS[:0], LABELS[:0], PROBABILITIES[:0])
    assert list(gallery.cells(none, 3)) == []


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reports.make(wrong=7)
    return reports.results().gallery


def test_an_image_is_shown_with_its_most_probable_classes(made):
    (first,) = made.show([2], 10_000)
    assert (first["id"], first["label"], first["predicted"]) == ("002", 2, 0)
    labels, shares = zip(*first["top"], strict=True)
    assert labels == (0, 1, 2)
    expected = np.sort(made.predictions.probabilities[2])[::-1]
    np.testing.assert_allclose(shares, expected, atol=5e-5)
    assert first["src"].startswith("data:image/png;base64,")


def test_a_budget_leaves_the_last_ones_out(made):
    every = made.show(range(10), 10_000)
    assert len(every) == 10
    room = sum(len(one["src"]) for one in every[:4])
    assert made.show(range(10), room) == every[:4]


def test_behind_cells_are_as_many_as_wanted(made):
    found = made.behind_cells(2)
    counts = np.minimum(made.predictions.confusion(), 2)
    for actual, predicted in np.ndindex(counts.shape):
        mine = [one for one in found if (one["label"], one["predicted"]) == (actual, predicted)]
        assert len(mine) == counts[actual, predicted]
