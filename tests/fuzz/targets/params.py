"""``params.yaml``: as text, and all of its sections against the schema."""

import copy
import json
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from ruamel.yaml import YAML

from pipeline import schema
from pipeline.core import errors
from pipeline.core.params import Params
from pipeline.models import families
from tests.fuzz.target import Target
from tests.support.builders import ROOT

SMALL = """\
datasets:
  a:
    kind: parquet
    download: {files: [{name: a.parquet, sources: ["file:a.parquet"]}]}
    extract: {train: [a.parquet]}
    decode: {shape: [8, 8, 3], classes: [cat, "a dog"], classes_at: "*/{class}/?.png"}
    split: {test_fraction: 0.5}
defaults: {model: {}, train: {}, evaluate: {}, report: {}}
runs:
  a: {dataset: a, network: cnn, weights: data/weights/none, model: {filters: [2]}, train: {},
      evaluate: {}, report: {}}
"""
PROJECT = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8"))
VALUES: list[Any] = [
    *(
        None,
        True,
        0,
        1,
        -1,
        1 << 31,
        1 << 63,
        10**30,
        1 << 20_000,
        0.5,
        -0.0,
        1e-320,
        1e308,
        float("nan"),
    ),
    *("", "a", "..", "../a", "/", "*/{class}/?.png", "a" * 5000, "\0", "\ud800", "${a}", "a\n"),
    *([], [[]], {}, {"": None}, {"name": "adam"}, [1] * 200, ["a", "a"], list(map(str, range(99)))),
]
KEYS = {"": None, "1": 1, "t": True, "n": float("nan"), "d": date(2026, 1, 1)}
"""What YAML takes some keys for."""
FAMILY = cache(families.family)  # reads networks' sources, which no input changes


def read(content: bytes, folder: Path) -> None:
    """Check a file."""
    path = folder / "params.yaml"
    path.write_bytes(content)
    check(lambda: Params.read(path))


def read_values(content: bytes, _: Path) -> None:
    """Check the project's values, some of which are replaced, moved or removed."""
    from atheris import FuzzedDataProvider  # here, for make test collects modules without it

    data = FuzzedDataProvider(content)
    values = copy.deepcopy(PROJECT)
    for _step in range(data.ConsumeIntInRange(1, 4)):
        places = list(_places(values))
        if not places:
            break
        owner, key = places[data.ConsumeIntInRange(0, len(places) - 1)]
        kind = data.ConsumeIntInRange(0, 4)
        if kind == 0:
            del owner[key]
        elif kind == 1:
            source, other = places[data.ConsumeIntInRange(0, len(places) - 1)]
            owner[key] = copy.deepcopy(source[other])
        elif kind == 2:
            owner[key] = data.ConsumeUnicode(20)
        elif kind == 3 and isinstance(owner, dict):
            text = data.ConsumeUnicodeNoSurrogates(9)
            owner[KEYS.get(text, text)] = owner.pop(key)
        else:
            owner[key] = copy.deepcopy(VALUES[data.ConsumeIntInRange(0, len(VALUES) - 1)])
    check(lambda: Params(values))


def check(params: Any) -> None:
    """Check parameters; whatever is wrong is said in one printable line."""
    try:
        with mock.patch.object(families, "family", FAMILY):
            schema.check_params(params())
    except errors.PipelineError as error:
        line = errors.explain(error)
        assert line is not None
        assert line.isprintable()
        assert len(line) <= errors.LONGEST
        raise


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place of a value, as what holds it and its key or position."""
    for key in list(value if isinstance(value, dict) else range(len(value))):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def seed(folder: Path) -> None:
    """Write a small file, and each dataset and run of the project alone, as JSON."""
    (folder / "small").write_text(SMALL)
    for key in "datasets", "runs":
        for name, value in PROJECT[key].items():
            (folder / name).write_text(json.dumps({key: {name: value}}))


def seed_values(folder: Path) -> None:
    """Write numbers."""
    for number in range(16):
        (folder / str(number)).write_bytes(bytes(range(number, 64 + number)))


TARGETS = {"params": Target(read, seed), "values": Target(read_values, seed_values)}
