import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.evaluate.tta import Views

IMAGES = np.random.default_rng(0).random((2, 4, 5, 3), np.float32) + 1


def test_by_default_the_image_alone():
    (view,) = Views().all()
    assert (view(IMAGES) == IMAGES).all()


def test_the_mirror_image_too():
    same, mirrored = Views(flip_horizontal=True).all()
    assert (same(IMAGES) == IMAGES).all()
    assert (mirrored(IMAGES) == IMAGES[:, :, ::-1]).all()


def test_moved_by_some_pixels():
    found = [view(IMAGES) for view in Views(shift=1).all()]
    assert len(found) == 5
    same, down, up, right, left = found
    assert (same == IMAGES).all()
    assert (down[:, 1:] == IMAGES[:, :-1]).all()
    assert not down[:, 0].any()
    assert (up[:, :-1] == IMAGES[:, 1:]).all()
    assert (right[:, :, 1:] == IMAGES[:, :, :-1]).all()
    assert (left[:, :, :-1] == IMAGES[:, :, 1:]).all()
    assert not left[:, :, -1].any()


def test_both():
    assert len(Views(shift=2, flip_horizontal=True).all()) == 10


def test_impossible_parameters_are_refused():
    with pytest.raises(ValidationError):
        Views(shift=-1)
