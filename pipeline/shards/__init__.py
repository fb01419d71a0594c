"""Shards: a dataset's decoded images and labels in files, and the index that describes them."""

import importlib
import warnings
from typing import Any

_MOVED = {"Index", "column", "take"}
"""Names that the documentation of version 0.1 took from here."""


def __getattr__(name: str) -> Any:
    """Return one of the moved names, with a warning."""
    if name not in _MOVED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    text = f"{__name__}.{name} is now pipeline.{name}; the old name goes with the next release"
    warnings.warn(text, DeprecationWarning, stacklevel=2)
    return getattr(importlib.import_module(f"{__name__}.index"), name)
