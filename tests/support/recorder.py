"""A recorder of what a stage reads: ``python -m tests.support.recorder STAGE NAME``.

The record is a JSON file, named by the variable ``RECORD``. Its ``modules`` are those of the
project that the program imported, early or late, without empty ones. Its ``files`` are other files
below ``pipeline/`` that it opened. Its ``values`` are the leaves that it read of each YAML file, as
lists of keys.
"""

import atexit
import json
import os
import runpy
import sys
from pathlib import Path

from pipeline.core import params

CODE = Path(__file__).parents[2]


class Recorded(dict):
    """A mapping that records the leaves that are read; an empty mapping is a leaf too."""

    def __init__(self, value, read, place=()):
        self.read = read
        self.place = place
        super().__init__(
            {
                key: Recorded(inner, read, (*place, key)) if isinstance(inner, dict) else inner
                for key, inner in value.items()
            }
        )

    def __getitem__(self, key):
        value = super().__getitem__(key)
        if not isinstance(value, Recorded) or not len(value):
            self.read.add((*self.place, key))
        return value

    def __iter__(self):  # without it, dict(...) would copy past __getitem__
        return super().__iter__()

    def items(self):
        return [(key, self[key]) for key in self]

    def values(self):
        return [self[key] for key in self]

    def get(self, key, default=None):
        return self[key] if key in self else default  # noqa: SIM401


def main(stage, name):
    opened, values = set(), {}
    read = params.read_yaml

    def read_yaml(path):
        return Recorded(read(path), values.setdefault(str(path), set()))

    def hear(event, arguments):
        if event == "open" and isinstance(arguments[0], str | os.PathLike):
            path = Path.cwd() / os.fspath(arguments[0])
            is_code = path.suffix == ".py" or "__pycache__" in path.parts
            if path.is_relative_to(CODE / "pipeline") and not is_code:
                opened.add(path.relative_to(CODE).as_posix())

    def write():
        loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
        paths = [Path(path) for path in loaded if path and Path(path).is_relative_to(CODE)]
        modules = {path.relative_to(CODE).as_posix() for path in paths if path.stat().st_size}
        record = {
            "modules": [f"stages/{stage}.py", *(m for m in modules if m.startswith("pipeline/"))],
            "files": list(opened),
            "values": {path: list(leaves) for path, leaves in values.items()},
        }
        Path(os.environ["RECORD"]).write_text(json.dumps(record))

    params.read_yaml = read_yaml
    sys.addaudithook(hear)
    atexit.register(write)
    sys.argv = [f"stages/{stage}.py", name]
    runpy.run_module(f"stages.{stage}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
