from functools import partial

import numpy as np
import pytest

from pipeline.train.params import Augmentation
from tests.support.builders import pixels

pytestmark = pytest.mark.usefixtures("tensorflow")

N = 200
LABELS = (np.arange(N) % 3).astype(np.int32)
SHAPE = (6, 8, 1)


def images(shape=SHAPE, bits=8):
    return pixels(LABELS, shape, bits) + 1  # nothing is black


def augment(data, *, seed=0, epoch=1, step=0, **params):
    """Return augmented images and labels, computed in a graph, as in training."""
    import tensorflow as tf

    from pipeline.train.augmentation.augmenter import Augmenter

    change = tf.function(partial(Augmenter(Augmentation(**params), 3, seed), epoch))
    return [found.numpy() for found in change(tf.constant(step, tf.int64), data, LABELS)]


def one_of(image, candidates):
    return [(image == candidate).all() for candidate in candidates].index(True)


def test_nothing_is_changed_by_default():
    assert Augmentation().changes_nothing
    assert Augmentation(erasing_area=0.1).changes_nothing


@pytest.mark.parametrize(("name", "axis"), [("flip_horizontal", 1), ("flip_vertical", 0)])
@pytest.mark.parametrize("bits", [8, 16])
def test_half_of_the_images_are_flipped(name, axis, bits):
    data = images((6, 8, 3), bits)
    found, labels = augment(data, **{name: True})
    assert found.dtype == data.dtype
    assert (labels == LABELS).all()
    flipped = sum(
        one_of(after, [before, np.flip(before, axis)])
        for before, after in zip(data, found, strict=True)
    )
    assert 0.35 * N < flipped < 0.65 * N


def shifted(image, down, right):
    height, width = image.shape[:2]
    padded = np.pad(image, ((height, height), (width, width), (0, 0)))
    return padded[height - down : 2 * height - down, width - right : 2 * width - right]


def test_shift_moves_by_each_number_of_pixels():
    data = images()
    moves = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]
    found, _ = augment(data, shift=2)
    chosen = [
        one_of(after, [shifted(before, *move) for move in moves])
        for before, after in zip(data, found, strict=True)
    ]
    assert set(chosen) == set(range(25))


def test_crop_is_of_a_part_and_of_the_same_size():
    data = images()
    found, _ = augment(data, crop=0.5)
    assert found.shape == data.shape
    assert found.dtype == data.dtype
    changed = (found != data).any((1, 2, 3))
    assert changed.mean() > 0.9
    # A ramp tells how much of the width is seen, and bilinear interpolation keeps it a ramp.
    ramp = np.broadcast_to((20 * np.arange(8, dtype=np.uint8))[None, None, :, None], data.shape)
    seen = augment(ramp, crop=0.5)[0].astype(float)
    width = (seen[:, :, -1] - seen[:, :, 0])[:, 0, 0] / 140
    assert width.min() >= 0.49
    assert width.max() <= 1
    assert width.min() < 0.55
    assert np.abs(np.diff(seen, 2, axis=2)).max() <= 2


def test_erasing_fills_one_rectangle_with_noise():
    data = images((16, 16, 1))
    found, _ = augment(data, erasing=0.5, erasing_area=0.2)
    changed = (found != data).any((1, 2, 3))
    assert 0.3 * N < changed.sum() < 0.6 * N
    for before, after in zip(data[changed], found[changed], strict=True):
        rows, columns = np.nonzero((before != after)[..., 0])
        box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        assert box <= 0.3 * 16 * 16
        assert len(rows) > 0.8 * box  # all of it, but for noise that is what was there
    noise = found[changed][found[changed] != data[changed]]
    assert noise.std() > 50


def test_mixup_mixes_images_as_labels():
    data = images()
    found, labels = augment(data, mixup=0.5)
    np.testing.assert_allclose(labels.sum(1), 1, rtol=1e-6)
    assert (labels.max(1) < 0.9).sum() > 20
    kept = 0
    for n, (after, shares) in enumerate(zip(found, labels, strict=True)):
        own = shares[LABELS[n]]
        if not 0.05 < own < 0.95:
            continue
        other = (after - own * data[n]) / (1 - own)
        distance = np.abs(data - other).max((1, 2, 3))
        assert distance.min() < 0.1
        kept += 1
    assert kept > 20


def test_cutmix_pastes_a_part_of_another_image():
    data = images((16, 16, 1))
    found, labels = augment(data, cutmix=1.0)
    np.testing.assert_allclose(labels.sum(1), 1, rtol=1e-6)
    pasted = 0
    for n, (after, shares) in enumerate(zip(found, labels, strict=True)):
        own = np.mean(after == data[n])
        other = [np.mean((after == image) | (after == data[n])) for image in data]
        assert max(other[:n] + other[n + 1 :]) == 1
        if shares[LABELS[n]] < 1:
            assert shares[LABELS[n]] <= own + 1e-6
            assert own - shares[LABELS[n]] < 0.1  # pixels that are equal by chance
            pasted += 1
    assert pasted > 0.3 * N


@pytest.mark.slow
def test_mixup_and_cutmix_take_turns():
    data = images()
    blended = [
        bool((augment(data, mixup=1.0, cutmix=1.0, step=step)[0] % 1).any()) for step in range(12)
    ]
    assert 2 <= sum(blended) <= 10


EVERYTHING = {
    "flip_horizontal": True,
    "flip_vertical": True,
    "shift": 1,
    "crop": 0.2,
    "erasing": 0.5,
    "mixup": 0.5,
    "cutmix": 0.5,
    "rotation": 20,
    "zoom": 0.2,
    "brightness": 0.2,
    "contrast": 0.2,
    "trivial": True,
}


def test_turned_images_keep_what_is_alike_on_all_sides():
    data = np.full((N, 9, 9, 1), 50, np.uint8)
    data[:, 4, 4] = 200
    found, _ = augment(data, rotation=180, zoom=0.2)
    assert (found[:, 4, 4] == 200).all()
    assert (found[:, 0, 0] == 50).all()
    assert len({image.tobytes() for image in found}) > 20


def test_light_moves_both_ways_and_stays_within_the_range():
    data = np.full((N, 4, 4, 1), 100, np.uint8)
    data[:, :2] = 120
    found, _ = augment(data, brightness=0.1)
    means = found.mean((1, 2, 3))
    assert 84 <= means.min() < 90 < 130 < means.max() <= 136  # 110 and a tenth of 255 each way
    differences = augment(data, contrast=0.5)[0].astype(int)
    differences = differences[:, 0, 0, 0] - differences[:, 3, 0, 0]
    assert 10 <= differences.min() < 13 < 27 < differences.max() <= 30


@pytest.mark.slow
def test_draws_depend_on_seed_epoch_and_step_alone():
    data = images()

    def all_of(**place):
        return np.concatenate([part.ravel() for part in augment(data, **place, **EVERYTHING)])

    first = all_of()
    assert (first == all_of()).all()
    for place in ({"seed": 1}, {"epoch": 2}, {"step": 1}):
        assert (first != all_of(**place)).any()


def test_operations_draw_apart():
    """Mirroring one way is independent of mirroring the other way."""
    data = images()
    found, _ = augment(data, flip_horizontal=True, flip_vertical=True)
    chosen = [
        one_of(after, [before, before[:, ::-1], before[::-1], before[::-1, ::-1]])
        for before, after in zip(data, found, strict=True)
    ]
    assert min(np.bincount(chosen, minlength=4)) > 0.15 * N
