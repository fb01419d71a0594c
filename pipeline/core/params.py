"""Parameters file: reading ``params.yaml``, and validating its sections into frozen, typed models.

Each section's model derives from ``Section`` and stands in the package that uses it. A section
refuses unknown keys, wrong types and impossible values with a message that names the full key.
"""

import difflib
import json
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate, islice
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLWarning
from ruamel.yaml.events import AliasEvent

from pipeline.core import errors, files, paths
from pipeline.core.errors import ParameterError, PipelineError, first_few, redact, shown

# Both for ``re.fullmatch`` too: by ``re.match``, "$" would let a last line end pass.
NAME = r"^[a-z0-9][a-z0-9_]*$"
LONGEST_NAME = 64

Name = Annotated[str, StringConstraints(pattern=NAME, max_length=LONGEST_NAME)]
"""A dataset's or run's name: it becomes a file name, a DVC stage's name and a parameter's key."""

FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
FileName = Annotated[str, StringConstraints(pattern=FILE_NAME, max_length=255)]
"""A plain file name, without a folder."""

ClassName = Annotated[str, AfterValidator(errors.printable)]

MAX_BYTES = 1 << 20
"""Of a YAML file. One with 20,000 classes, as ImageNet has, takes half of it."""
MAX_VALUES = 50_000
"""Values in a YAML file, about; ten thousand are read in a second or two."""
MAX_DEPTH = 100
"""Lists and mappings in each other."""
FAULTS = 10
"""Faults that are told; the others are counted."""
Text = Annotated[str, StringConstraints(max_length=1000)]
"""A name, pattern or path of any kind."""


def is_name(text: str) -> bool:
    """Return True if a text can be a dataset's or run's name."""
    return len(text) <= LONGEST_NAME and re.fullmatch(NAME, text) is not None


def like_name(text: str, otherwise: str) -> str:
    """Return a name that is like a text, as my_pets is like "My pets"; else ``otherwise``."""
    return "_".join(re.findall("[a-z0-9]+", text.lower()))[:LONGEST_NAME] or otherwise


class Section(BaseModel):
    """A section of the parameters: frozen, strict about types, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


S = TypeVar("S", bound=Section)


class Params:
    """A parameters file, read once.

    Examples
    --------
    >>> params = Params({"datasets": {"a": {"kind": "idx"}}})
    >>> params.value("datasets", "a", "kind")
    'idx'
    """

    def __init__(self, values: Mapping[str, Any], path: Path = paths.PARAMS) -> None:
        self.values = values
        self.path = path

    @classmethod
    def read(cls, path: Path = paths.PARAMS) -> "Params":
        """Read a parameters file; raises ParameterError if it is missing or not YAML."""
        return cls(read_yaml(path), path)

    def value(self, *keys: str) -> Any:
        """Return the value under ``keys``.

        Raises
        ------
        ParameterError
            If there is none; it names the keys that there are.
        """
        value: Any = self.values
        for depth, key in enumerate(keys):
            if not isinstance(value, Mapping) or key not in value:
                parent = ".".join(keys[:depth]) or "the top level"
                known = [str(name) for name in value] if isinstance(value, Mapping) else []
                raise ParameterError(
                    f"{self.path}: {'.'.join(keys[: depth + 1])} is missing; "
                    f"{_suggestion(key, known)}{parent} has: {first_few(known, 50) or 'nothing'}"
                )
            value = value[key]
        return value

    def section(self, model: type[S], *keys: str) -> S:
        """Return the section under ``keys`` as a validated ``model``; raises ParameterError."""
        return self.validate(model, self.value(*keys), lambda _: ".".join(keys))

    def validate(self, model: type[S], value: Any, prefix: Callable[[tuple[str, ...]], str]) -> S:
        """Return ``value`` as a ``model``.

        Parameters
        ----------
        model : type
            Derived from ``Section``.
        value : Any
            What the YAML file holds.
        prefix : callable
            Takes the keys of a place inside ``value``, returns the full key of ``value`` itself.

        Raises
        ------
        ParameterError
            With one clause for each fault: its full key, the fault, the given value.
        """
        try:
            # As JSON, so that strict types still take YAML's lists for tuples.
            return model.model_validate_json(json.dumps(value, default=str))
        except ValidationError as error:
            faults = []
            for fault in error.errors(include_url=False)[:FAULTS]:
                place, siblings = _locate(model, fault["loc"])
                key = _join(prefix(place), place)
                faults.append(f"{key}: {_explain(dict(fault), siblings)}")
            more = error.error_count() - len(faults)
            faults += [f"and {more:,} more faults"] if more else []
            raise ParameterError(f"{self.path}: " + "; ".join(faults)) from None
        except (TypeError, ValueError, RecursionError) as error:  # YAML allows lists as keys
            raise ParameterError(f"{self.path}: {prefix(())}: {error}") from None


def merge(base: Any, change: Any) -> Any:
    """Merge ``change`` into ``base``, deeply.

    Mappings are merged key by key; any other value replaces the base's. So does a mapping whose
    ``name`` differs from the base's, such as another optimizer.

    Examples
    --------
    >>> merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
    {'a': {'x': 1, 'y': 3}}
    >>> merge({"name": "adam", "epsilon": 1e-8}, {"name": "sgd"})
    {'name': 'sgd'}
    """
    if not isinstance(base, Mapping) or not isinstance(change, Mapping):
        return change
    if "name" in base and change.get("name", base["name"]) != base["name"]:
        return change
    merged = dict(base)
    for key, value in change.items():
        merged[key] = merge(base[key], value) if key in base else value
    return merged


def _locate(
    model: type[BaseModel], loc: tuple[int | str, ...]
) -> tuple[tuple[str, ...], list[str]]:
    """Return a fault's keys without the tags of unions, and the keys allowed beside it."""
    place: list[str] = []
    siblings: list[str] = []
    current: Any = model
    for part in loc:
        tagged = _models(current)
        if isinstance(current, type) and issubclass(current, BaseModel):
            siblings = list(current.model_fields)
            field = current.model_fields.get(str(part))
            current = field.annotation if field else None
        elif part in tagged:
            current = tagged[str(part)]
            continue
        else:
            siblings = []
            current = next((arg for arg in get_args(current) if arg is not Ellipsis), None)
        place.append(str(part))
    return tuple(place), siblings


def _models(annotation: Any) -> dict[str, type[BaseModel]]:
    """Return the models of a union, by the value of their ``name``."""
    models = {}
    for arg in get_args(annotation):
        if isinstance(arg, type) and issubclass(arg, BaseModel) and "name" in arg.model_fields:
            for tag in get_args(arg.model_fields["name"].annotation):
                models[tag] = arg
    return models


def _join(prefix: str, place: tuple[str, ...]) -> str:
    text = prefix
    for part in place:
        text += f"[{part}]" if part.isdigit() else f".{shown(part)}"
    return text.removeprefix(".")


def _suggestion(unknown: str, known: list[str]) -> str:
    close = difflib.get_close_matches(unknown, known, 1)
    return f"did you mean {close[0]}? " if close else ""


def _explain(fault: dict[str, Any], siblings: list[str]) -> str:
    if fault["type"] == "extra_forbidden":
        unknown = str(fault["loc"][-1])[:LONGEST_NAME]
        return f"unknown key; {_suggestion(unknown, siblings)}allowed: {', '.join(siblings)}"
    if fault["type"] == "missing":
        return "is missing"
    if fault["type"] == "union_tag_invalid":
        tag = shown(repr(fault["ctx"]["tag"]))
        return f"unknown name {tag}; allowed: {fault['ctx']['expected_tags']}"
    message = fault["msg"].removeprefix("Value error, ")
    message = re.sub(r"^(Input|Tuple|String|Dictionary) should", "must", message)
    whole = fault["input"]
    if isinstance(whole, list | tuple | dict) and len(whole) > FAULTS:
        return f"{message}, got {len(whole):,} values"
    # A credential that is cut in two would not be seen as one: what is redacted is longer.
    given = shown(redact(json.dumps(whole, default=str, ensure_ascii=False)[:10_000]))
    return f"{message}, got {given}"


def told(faults: Iterable[str]) -> str:
    """Return faults on one line, each once, and the number of those above ``FAULTS``."""
    different = list(dict.fromkeys(islice(faults, 1000)))
    more = [f"and {len(different) - FAULTS:,} more faults"] if len(different) > FAULTS else []
    return "; ".join([*different[:FAULTS], *more])


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping.

    Raises
    ------
    ParameterError
        If the file is missing, too large, not YAML or no mapping, or has aliases. ``dvc exp run
        -S`` loses or expands aliases, and a few of them can stand for gigabytes.
    """
    # Pure Python: libyaml crashes on what is nested too deeply.
    yaml = YAML(typ="safe", pure=True)
    try:
        text = _text(path)
        if "*" in text:
            for event in yaml.parse(text):
                if isinstance(event, AliasEvent):
                    raise ParameterError(
                        f"{path} has an alias in line {event.start_mark.line + 1}, "
                        f"*{event.anchor}; write out what it stands for"
                    )
        with warnings.catch_warnings():
            warnings.simplefilter("error", YAMLWarning)  # as over an anchor that is there twice
            value = yaml.load(text)
    except FileNotFoundError:
        raise ParameterError(
            f"{path} is missing; run this in the folder of dvc.yaml (the project's root)"
        ) from None
    except RecursionError:
        raise ParameterError(f"{path} is nested too deeply") from None
    except (PipelineError, OSError, MemoryError):
        raise
    except Exception as error:  # YAMLError, no UTF-8, a 13th month, or whatever else YAML can hold
        raise ParameterError(f"{path} is not valid YAML: {_reason(error)}") from None
    if not isinstance(value, dict):
        raise ParameterError(f"{path} must hold a mapping of names to values")
    return value


def _text(path: Path) -> str:
    """Return the text of a YAML file that a parser reads in seconds."""
    with files.open_regular(path) as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ParameterError(f"{path} has more than {MAX_BYTES:,} bytes, too many to be read")
    text = content.decode("utf-8")
    steps = (1 if found in "[{" else -1 for found in re.findall(r"[\[{\]}]", text))
    if max(accumulate(steps), default=0) > MAX_DEPTH:
        raise ParameterError(f"{path} is nested too deeply")
    if len(re.findall(r"[\n,:\[{]|- ", text)) > 2 * MAX_VALUES:
        raise ParameterError(f"{path} has more than {MAX_VALUES:,} values, too many to be read")
    return text


def _reason(error: Exception) -> str:
    """Return a YAML error's fault and place on one line."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if not mark or not problem:
        return " ".join(str(error).split())
    context = getattr(error, "context", None)
    within = f" ({context})" if context else ""
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}{within}"
