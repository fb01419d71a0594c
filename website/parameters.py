"""Reference of ``params.yaml``, from the typed models that validate it."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

import griffe
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import pipeline
from pipeline.core import console, files
from pipeline.core.params import Section
from pipeline.evaluate.params import EvaluateParams
from pipeline.models import families
from pipeline.report.params import ReportParams
from pipeline.runs import Run
from pipeline.schema import DATASETS
from pipeline.train.params import TrainParams

SINCE = Path(__file__).with_name("since.json")
"""Keys by the version that had them first. What is in none is new in the version at hand."""
PACKAGES = ("pipeline", "networks")
NETWORKS = ("cnn", "residual", "application")
INTRODUCTION = """# Parameters

All of `params.yaml`, as the code validates it (`python -m pipeline check`). Unknown keys are
refused. What a run leaves out is taken from `defaults`; what that leaves out is the default here.
"""
LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "pattern": "as `{}`",
}
"""What is said of JSON Schema's keywords."""


class Table(NamedTuple):
    """A section's parameters."""

    heading: str
    model: type[BaseModel]


def page(version: str) -> str:
    """Return the page, in Markdown."""
    since = {key: number for number, keys in json.loads(SINCE.read_text()).items() for key in keys}
    lines = [INTRODUCTION]
    for heading, tables in sections():
        lines.append(f"\n## {heading}\n")
        for table in tables:
            lines += _table(table, since, version)
    return "\n".join(lines) + "\n"


def freeze(version: str) -> int:
    """Enter the parameters that are new in a version into ``since.json``; return their number.

    A release does so: ``python -m website.parameters``.
    """
    lists = json.loads(SINCE.read_text())
    known = {key for keys in lists.values() for key in keys}
    new = [key for key in keys() if key not in known]
    lists[version] = sorted({*lists.get(version, ()), *new})
    files.write_text(SINCE, json.dumps(lists, indent=1) + "\n")
    return len(new)


def keys() -> list[str]:
    """Return all parameters' full keys, as ``since.json`` has them."""
    return sorted(
        f"{table.heading}.{name}"
        for _, tables in sections()
        for table in tables
        for name in table.model.model_fields
    )


def sections() -> Iterator[tuple[str, list[Table]]]:
    """Yield the page's headings, each with the tables below it."""
    for kind, model in DATASETS.items():
        tables = [
            table
            for name in ("download", "extract", "decode", "split")
            for table in _nested(f"datasets.<{kind}>.{name}", model.model_fields[name].annotation)
        ]
        yield f"A dataset of kind {kind}", tables
    yield "A run", [Table("runs.<run>", Run)]
    for name in NETWORKS:
        yield (
            f"A run's network: {name}",
            [*_nested(f"model ({name})", families.family(name).params)],
        )
    yield "A run's training", [*_nested("train", TrainParams)]
    yield "A run's evaluation", [*_nested("evaluate", EvaluateParams)]
    yield "A run's report", [*_nested("report", ReportParams)]


def _nested(heading: str, annotation: Any) -> Iterator[Table]:
    """Yield the tables of the sections within a type, outer ones first."""
    models = list(dict.fromkeys(_models(annotation)))
    for model in models:
        name = _name(model)
        own = f"{heading} ({name})" if len(models) > 1 and name else heading
        yield Table(own, model)
        for field, info in model.model_fields.items():
            yield from _nested(f"{own}.{field}", info.annotation)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _name(model: type[BaseModel]) -> str:
    """Return the value of ``name`` that chooses a model among others."""
    field = model.model_fields.get("name")
    options = get_args(field.annotation) if field else ()
    return str(options[0]) if options and isinstance(options[0], str) else ""


def _table(table: Table, since: Mapping[str, str], version: str) -> list[str]:
    """Return the lines of a section's table."""
    schema = table.model.model_json_schema()
    required = set(schema.get("required", ()))
    lines = [f"\n### {table.heading}\n", _one_line(_summary(table.model)), ""]
    lines += [
        "| name | type | default | allowed | meaning | since |",
        "|---|---|---|---|---|---|",
    ]
    for name, info in table.model.model_fields.items():
        entry = resolved(schema["properties"][name], schema)
        default = "*required*" if name in required else f"`{_default(info)}`"
        cells = [
            f"`{name}`",
            _type(entry, schema),
            default,
            ", ".join(_limits(entry, schema)),
            _one_line(meaning(table.model, name, entry)),
            since.get(f"{table.heading}.{name}", version),
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def _default(info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return json.dumps(value.model_dump(mode="json", exclude_defaults=True))
    return json.dumps(value, default=str, ensure_ascii=False)


def resolved(entry: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an entry of a JSON schema refers to."""
    if "$ref" not in entry:
        return entry
    found: Mapping[str, Any] = schema["$defs"][entry["$ref"].rpartition("/")[2]]
    return found


def _type(entry: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return an entry's type in words."""
    entry = resolved(entry, schema)
    several = entry.get("anyOf") or entry.get("oneOf")
    if several:
        return " or ".join(dict.fromkeys(_type(one, schema) for one in several))
    if "enum" in entry or "const" in entry:
        return "one of"
    if entry.get("type") == "array":
        inner = entry.get("items") or {}
        of = _type(inner, schema) if inner else "values"
        return f"list of {of}"
    names = {"object": "section", "null": "none", "number": "number", "boolean": "true or false"}
    kind = str(entry.get("type", "value"))
    return names.get(kind, kind)


def _limits(entry: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is allowed of an entry."""
    entry = resolved(entry, schema)
    for keyword, text in LIMITS.items():
        if keyword in entry:
            yield text.format(entry[keyword])
    if "enum" in entry:
        yield ", ".join(f"`{value}`" for value in entry["enum"])
    if "const" in entry:
        yield f"`{entry['const']}`"
    for key in ("anyOf", "oneOf"):
        for one in entry.get(key, ()):
            yield from _limits(one, schema)
    items = entry.get("items")
    if isinstance(items, Mapping):
        yield from (f"each {limit}" for limit in _limits(items, schema))


@cache
def _package(name: str) -> griffe.Object | griffe.Alias:
    """Return what the sources of a package at the top say."""
    return griffe.load(name, search_paths=[Path(__file__).parents[1]])


def _source(model: type[Any]) -> griffe.Object | griffe.Alias | None:
    """Return what the sources say of a class; None of one that is made while running."""
    top, _, place = model.__module__.partition(".")
    if top not in PACKAGES:
        return None
    try:
        found: griffe.Object | griffe.Alias = _package(top)[f"{place}.{model.__qualname__}"]
    except KeyError:
        return None
    return found


def _summary(model: type[BaseModel]) -> str:
    """Return a class's docstring, first paragraph."""
    source = _source(model)
    text = source.docstring.value if source and source.docstring else model.__doc__ or ""
    return text.split("\n\n")[0]


def meaning(model: type[BaseModel], name: str, entry: Mapping[str, Any]) -> str:
    """Return what the sources say of a field: below it, in its type, or of the section it is."""
    if name == "name" and "const" in entry:
        return "Chooses this one."
    for one in model.__mro__:
        source = _source(one)
        member = source.members.get(name) if source else None
        if member is None:
            continue
        if member.docstring:
            return member.docstring.value
        if alias := _alias(member):
            return alias
    info = model.model_fields[name]
    if info.description:
        return info.description
    sections = dict.fromkeys(_models(info.annotation))
    return "; ".join(_summary(section) for section in sections) if len(sections) == 1 else ""


def _alias(member: griffe.Object | griffe.Alias) -> str:
    """Return what stands below the type of a field, if that has a name."""
    annotation = getattr(member, "annotation", None)
    if not isinstance(annotation, griffe.Expr):
        return ""
    top, _, place = annotation.canonical_path.partition(".")
    if top not in PACKAGES:
        return ""
    try:
        docstring = _package(top)[place].docstring
    except (KeyError, griffe.AliasResolutionError):
        return ""
    return docstring.value if docstring else ""


def _one_line(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


if __name__ == "__main__":
    console.result(f"{SINCE}: {freeze(pipeline.__version__)} parameters entered")
