import json

import numpy as np
import pytest

from pipeline.core import paths
from pipeline.core.errors import DataError
from pipeline.predict import drift
from pipeline.predict.drift import Training
from tests.support.builders import ROOT

RNG = np.random.default_rng(0)
COLOURS = Training(0.0, 1.0, (0.4, 0.5, 0.6), (0.2, 0.2, 0.2))
GREYS = Training(0.0, 0.9, (0.4,) * 3, (0.2,) * 3)


def noise(mean, std=0.2, channels=3):
    image = RNG.normal(mean, std, (8, 8, channels)).clip(0, 0.9)
    return np.float32(image)


def test_training_like_images_are_alike():
    images = np.stack([noise([0.4, 0.5, 0.6]) for _ in range(20)])
    assert COLOURS.differences(images) == [[]] * 20


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (noise([0.8, 0.8, 0.8]), [drift.BRIGHTER]),
        (noise([0.0, 0.5, 0.6]), [drift.DARKER]),
        (np.full((8, 8, 3), 0.5, np.float32), [drift.ONE_COLOUR]),
    ],
)
def test_each_difference_is_told(image, words):
    alike = noise([0.4, 0.5, 0.6])
    assert COLOURS.differences(np.stack([alike, image])) == [[], words]


def test_colours_and_values_that_training_images_lack():
    grey = noise([0.4], channels=1).repeat(3, axis=2)
    tinted = grey * np.float32([1, 0.7, 0.5])
    light = grey.copy()
    light[0, 0] = 1
    found = GREYS.differences(np.stack([grey, tinted, light]))
    assert found == [[], [drift.COLOUR], [drift.OUTSIDE]]
    one = GREYS._replace(mean=(0.4,), std=(0.2,)).differences(grey[None, ..., :1])
    assert one == [[]]


def test_a_negative_of_dark_images_is_told():
    dark = Training(0.0, 1.0, (0.3,), (0.3,))
    ones = np.float32(RNG.choice([0.0, 0.3, 1.0], (20, 16, 16, 1), p=[0.2, 0.7, 0.1]))
    assert dark.differences(ones) == [[]] * 20
    assert dark.differences(1 - ones) == [[drift.NEGATIVE]] * 20
    middle = dark._replace(mean=(0.5,))  # of which a negative would look no more like them
    assert not any(drift.NEGATIVE in words for words in middle.differences(1 - ones))


def test_the_data_card_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"data\.json is missing"):
        Training.read("cats")
    path = tmp_path / "metrics/datasets/cats/data.json"
    path.parent.mkdir(parents=True)
    pixels = {"min": 0.0, "max": 0.9, "mean": [0.4] * 3, "std": [0.2] * 3}
    card = json.loads((ROOT / paths.data_card("demo_png")).read_text())
    path.write_text(json.dumps(card | {"training_pixels": pixels}))
    assert Training.read("cats") == GREYS
    assert GREYS.is_grey
    assert not COLOURS.is_grey
