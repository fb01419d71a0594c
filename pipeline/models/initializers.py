"""Initializers of weights, each with a seed of its own, and the seeds.

A change of one layer leaves the other layers' initial weights as they are.
"""

from typing import Any

import numpy as np

from pipeline.models.params import Initializer


def seeds(seed: int, layer: int) -> tuple[int, int]:
    """Return two seeds of 31 bits, of a layer's kernel (or dropout) and of its bias."""
    first, second = np.random.SeedSequence([seed, layer]).generate_state(2)
    return int(first) >> 1, int(second) >> 1


def initializer(name: Initializer, seed: int) -> Any:
    """Return Keras's initializer of that name."""
    import keras

    config = {} if name == "zeros" else {"seed": seed}
    return keras.initializers.get({"class_name": name, "config": config})
