import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("tensorflow")


@pytest.fixture
def images():
    noise = np.random.default_rng(0).integers(30, 220, (1, 16, 16, 1))
    return np.repeat(noise, 11, axis=0).astype(np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_each_way_changes_its_image_alone_and_in_another_way(images, dtype):
    from pipeline.train.augmentation import trivial

    images = images.astype(dtype) * (np.iinfo(dtype).max // 255)
    strength = np.full(11, 0.7, np.float32)
    ways = np.arange(11, dtype=np.int32)
    found = trivial.changed(images, ways, strength, strength).numpy()
    assert found.dtype == dtype
    assert (found[0] == images[0]).all()
    assert len({image.tobytes() for image in found}) == len(trivial.WAYS) == 11


def test_without_strength_only_what_has_none_changes(images):
    from pipeline.train.augmentation import trivial

    none = np.zeros(11, np.float32)
    found = trivial.changed(images, np.arange(11, dtype=np.int32), none, none).numpy()
    same = [(after == before).all() for after, before in zip(found, images, strict=True)]
    assert [trivial.WAYS[number] for number in range(11) if not same[number]] == ["stretch"]


def test_all_ways_are_drawn_alike(images):
    from pipeline.train.augmentation import trivial
    from pipeline.train.augmentation.draw import Draw

    many = np.repeat(images[:1], 1100, axis=0)
    draw = Draw(np.array([0, 1], np.int64), 0, 1100)
    found = trivial.trivial(many, draw).numpy()
    unchanged = sum((after == many[0]).all() for after in found)
    # One way in eleven is none; others do nothing where the strength that was drawn is small.
    assert 70 < unchanged < 260
