import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from pipeline.subsets.class_weights import balanced


@given(st.lists(st.integers(1, 50), min_size=2, max_size=8))
def test_weights_are_scikit_learns(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    expected = compute_class_weight("balanced", classes=np.arange(len(counts)), y=labels)
    assert (balanced(counts) == expected).all()
    assert balanced(counts)[labels].mean() == pytest.approx(1)


def test_a_class_without_images_has_no_weight():
    with pytest.raises(ZeroDivisionError):
        balanced([3, 0])
