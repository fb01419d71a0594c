"""Comparison of records: floats may differ by rounding."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def different(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    """Return the keys whose values differ by more than the rounding of floats."""
    return sorted(key for key in {*one, *two} if not same(one.get(key), two.get(key)))


def same(one: Any, two: Any) -> bool:
    """Return True if two values differ by no more than the rounding of floats."""
    if isinstance(one, dict) and isinstance(two, dict):
        return not different(one, two)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, float) and isinstance(two, float):
        return bool(np.isclose(one, two, rtol=1e-9, atol=0))
    return type(one) is type(two) and bool(one == two)
