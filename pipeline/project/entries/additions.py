"""Entries that two branches added to ``params.yaml``, a conflict to Git: both are taken."""

from collections.abc import Iterator
from typing import Any

from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode

from pipeline.core import paths
from pipeline.core.errors import PipelineError, first_few
from pipeline.new_dataset import yaml_edit
from pipeline.project import yaml_change
from pipeline.repository import merge
from pipeline.repository.merge import Sides

SECTIONS = "datasets", "runs"


def settle() -> str:
    """Settle a conflict in ``params.yaml``, if all that is in conflict are added entries.

    Returns
    -------
    str
        What was taken; empty if there is no conflict, or one that is left to the user.
    """
    sides = merge.conflict(paths.PARAMS)
    if sides is None:
        return ""
    try:
        text, names = combined(*_texts(sides))
    except (PipelineError, YAMLError, ValueError):
        return ""
    merge.settle(paths.PARAMS, text)
    return f"{paths.PARAMS}: settled; added by the branches: {first_few(names)}"


def combined(base: str, ours: str, theirs: str) -> tuple[str, list[str]]:
    """Return a text with the entries that either side added to a section, and their names.

    The rest is merged by Git, line by line.

    Raises
    ------
    ValueError
        If anything else is in conflict, or both added an entry of the same name.
    """
    texts = (ours, theirs)
    before = yaml_change.values(base)
    added = [list(_new(yaml_change.values(text), before)) for text in texts]
    if twice := set(added[0]) & set(added[1]):
        raise ValueError(f"added by both: {twice}")
    rest = list(texts)
    for side, places in enumerate(added):
        for place in places:
            rest[side] = yaml_change.remove(rest[side], place)
    merged = merge.by_line(base, *rest)
    if merged is None:
        raise ValueError("other lines are in conflict")
    for text, places in zip(texts, added, strict=True):
        for section, name in places:
            merged = _appended(merged, section, _block(text, section, name))
            if yaml_change.values(merged)[section][name] != yaml_change.values(text)[section][name]:
                raise ValueError(f"{name} is read otherwise at another place")
    return merged, [".".join(place) for places in added for place in places]


def _new(values: dict[str, Any], before: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the section and name of each entry that was not there before."""
    for section in SECTIONS:
        for name in values.get(section, {}):
            if name not in before.get(section, {}):
                yield section, name


def _texts(sides: Sides) -> tuple[str, str, str]:
    texts = [side.decode() for side in sides if side is not None]
    base, ours, theirs = texts  # ValueError where a side removed the file
    return base, ours, theirs


def _block(text: str, section: str, name: str) -> str:
    """Return the lines of an entry, with the comment that stands right above it."""
    parent = yaml_edit.composed(text, [section])
    if not isinstance(parent, MappingNode) or parent.flow_style:
        raise ValueError(section)
    key, node = next((key, node) for key, node in parent.value if key.value == name)
    lines = text.splitlines(keepends=True)
    first, last = key.start_mark.line, yaml_edit.last_line(node)
    indent = " " * key.start_mark.column
    while first and lines[first - 1].startswith(f"{indent}#"):
        first -= 1
    if first and not lines[first - 1].strip() and key is not parent.value[0][0]:
        first -= 1
    return "".join(lines[first : last + 1]).rstrip("\r\n") + yaml_edit.newline(text)


def _appended(text: str, section: str, block: str) -> str:
    """Put an entry's lines at the end of a section."""
    parent = yaml_edit.composed(text, [section])
    if not isinstance(parent, MappingNode) or parent.flow_style:
        raise ValueError(section)
    lines = text.splitlines(keepends=True)
    last = yaml_edit.last_line(parent)
    if not lines[last].endswith("\n"):
        lines[last] += yaml_edit.newline(text)
    return "".join([*lines[: last + 1], block, *lines[last + 1 :]])
