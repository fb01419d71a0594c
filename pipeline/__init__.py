"""The library behind the stages: from published image archives to a trained, measured CNN.

``__all__`` is the public API. It is loaded on first use, so that importing a part of the library
loads that part alone. Everything else may change without notice. ``stages/`` calls the library,
never the reverse; ``docs/architecture.md`` has the map.
"""

import importlib
import importlib.util
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

# Before Arrow is loaded: its own allocators keep what every thread has freed, a quarter of what
# decoding takes at most.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

_NEEDED = ("pydantic", "ruamel", "tensorflow")
"""Modules that tell the project's Python from another one."""

_PUBLIC = {
    "Adapter": "pipeline.predict.adapt:Adapter",
    "Dataset": "pipeline.subsets.images:Dataset",
    "Index": "pipeline.shards.index:Index",
    "column": "pipeline.shards.index:column",
    "configure": "pipeline.models.runtime:configure",
    "load_model": "pipeline.models.saved:load_model",
    "predict_images": "pipeline.evaluate.predict:predict",  # pipeline.predict is a package
    "take": "pipeline.shards.index:take",
}
"""Module and name in it of each public object; ``__init__.pyi`` has them for type checkers."""

_MOVED = {
    "adaptation": "pipeline.predict.adapt",
    "idx": "pipeline.images.idx",
    "model": "pipeline.models.saved",
    "runtime": "pipeline.models.runtime",
}
"""Modules of version 0.1 that its documentation showed, and where their content is now."""

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Return a public object, or the version of the installed distribution."""
    if name == "__version__":
        from importlib import metadata

        return metadata.version("image-pipeline")
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PUBLIC[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    """Return the names of the public API."""
    return sorted(__all__)


def _refuse_another_python() -> None:
    """Exit with one line if a program of the project runs in a Python without its libraries.

    So it is in a shell without the environment, also for DVC's stages, wherever ``dvc`` itself
    stands: they are run by the first ``python`` that the shell finds.
    """
    program = Path(sys.argv[0])
    if program.name != "-m" and program.parent.name != "stages":
        return  # nobody's program: an error of the import says enough
    lacking = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if lacking:
        name = "pipeline" if program.name == "-m" else program.stem
        sys.exit(
            f"{name}: {sys.executable} has no {lacking[0]}, so it is not the project's Python; "
            "run in this shell: source .venv/bin/activate (make setup makes .venv)"
        )


def _stand_in(old: str, new: str) -> ModuleType:
    """Return a module that takes its names from ``new``, with a warning."""
    module = ModuleType(old, f"Moved to {new}.")

    def get(name: str) -> Any:
        if name.startswith("_"):  # tools ask every module for such names
            raise AttributeError(f"module {old!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(new), name)
        text = f"{old} is now {new}; the old name goes with the next release"
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return value

    module.__getattr__ = get  # type: ignore[method-assign]
    return module


_refuse_another_python()
for _name, _new in _MOVED.items():
    _old = f"{__name__}.{_name}"
    globals()[_name] = sys.modules[_old] = _stand_in(_old, _new)
