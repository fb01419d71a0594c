import cv2
import numpy as np
import pytest

from pipeline.images import truncated
from pipeline.images.formats import ImageError


@pytest.fixture
def content():
    """Return a JPEG whose bytes are spread evenly over its rows."""
    noise = np.random.default_rng(0).integers(0, 256, (160, 64, 3)).astype(np.uint8)
    return cv2.imencode(".jpg", noise)[1].tobytes()


def test_the_mark_stands_at_the_end(content):
    assert truncated.has_end(content)
    assert truncated.has_end(content + bytes(10))
    assert not truncated.has_end(content[:-2])


def test_rows_before_the_end_are_those_of_the_whole_image(content):
    found = truncated.decode(content[: int(len(content) * 0.96)], 0)
    whole = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert found.shape == whole.shape
    assert np.abs(found[:136].astype(int) - whole[:136]).max() <= 3  # two decoders
    assert (found[-4:] != whole[-4:]).any()


@pytest.mark.parametrize(("share", "lacks"), [(0.8, 0), (0.96, 2)])
def test_more_than_a_tenth_that_is_missing_is_refused(content, share, lacks):
    with pytest.raises(ImageError, match="more than a tenth of its rows is missing"):
        truncated.decode(content[: int(len(content) * share)], lacks)
