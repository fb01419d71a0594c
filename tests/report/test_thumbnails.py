import numpy as np
import pytest

from pipeline.report import thumbnails
from pipeline.subsets.images import Dataset
from tests.support import reports
from tests.support.reports import decoded


@pytest.mark.parametrize("channels", [1, 3])
def test_small_images_are_exact(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), np.uint8)
    kind, found = decoded(thumbnails.address(pixels.astype(np.float32) / np.float32(255)))
    assert kind == "png"
    expected = pixels[..., 0] if channels == 1 else pixels[..., ::-1]  # OpenCV reads BGR
    np.testing.assert_array_equal(found, expected)


def test_sixteen_bits_become_eight():
    image = np.float32([0, 32768 / 65535, 1]).reshape(1, 3, 1)
    assert decoded(thumbnails.address(image))[1].tolist() == [[0, 128, 255]]


@pytest.mark.parametrize("shape", [(200, 100, 3), (100, 300, 1), (1000, 2, 3)])
def test_large_images_are_reduced(shape):
    image = np.full(shape, 0.5, np.float32)
    kind, found = decoded(thumbnails.address(image))
    assert kind == "jpeg"
    assert found.shape[:2] == thumbnails.shown_shape(shape)
    assert max(found.shape[:2]) == thumbnails.REDUCED_SIDE
    assert abs(int(found.mean()) - 128) <= 1


def test_rows_are_read_once_each_across_chunks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(thumbnails, "AT_ONCE", 4)
    reports.make()
    rows = [41, 3, 3, 58, 0, 17, 22, 9]
    found = thumbnails.read(Dataset.read("tiny"), rows)
    assert {row: int(decoded(src)[1][0, 0]) for row, src in found.items()} == {
        row: row for row in rows
    }


def test_a_budget_that_is_spent_ends_the_list():
    images = {0: "a" * 5, 1: "a" * 6, 2: "a"}
    assert thumbnails.within([0, 1, 2], images, 12) == [0, 1, 2]
    assert thumbnails.within([0, 1, 2], images, 11) == [0, 1]
    assert thumbnails.within([0, 1, 2], images, 4) == []


def test_samples_are_the_first_training_images_of_each_class(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reports.make()
    results = reports.results()
    shown = thumbnails.samples(results.dataset, results.samples())
    assert [name for name, _ in shown] == ["cat", "dog", "emu"]
    assert [one["id"] for _, images in shown for one in images] == [
        "030", "033", "031", "034", "032", "035",
    ]  # fmt: skip
    assert decoded(shown[2][1][1]["src"])[1][0, 0] == 35
    room = sum(len(images[0]["src"]) for _, images in shown)
    monkeypatch.setattr(thumbnails, "SAMPLE_BUDGET", room)
    fewer = thumbnails.samples(results.dataset, results.samples())
    assert [len(images) for _, images in fewer] == [1, 1, 1]
