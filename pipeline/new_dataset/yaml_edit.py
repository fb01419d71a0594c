"""Insertion: lines added to a YAML file, every other line of which stays as it is.

Writing a file anew, even with its comments kept, would change how it is laid out. So the place is
found by a parser, and the lines are put there as text.
"""

import io
import re
from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from pipeline.core.errors import ParameterError, first_few

WIDTH = 100
"""Columns that a line should not exceed."""


def append(text: str, keys: Sequence[str | int], entry: dict[str, Any], *, blank: bool) -> str:
    r"""Add an entry at the end of the mapping under ``keys``.

    Parameters
    ----------
    text : str
        A YAML file.
    keys : sequence of str or int
        Names in mappings and numbers in sequences that lead to the mapping.
    entry : dict
        What to add; short collections are written in flow style.
    blank : bool
        Whether a blank line goes before it.

    Raises
    ------
    ParameterError
        If there is no such mapping, it is written in flow style (``{}``), or the entry has control
        characters that would not be read again as they are.

    Examples
    --------
    >>> print(append("a:\n  b: 1  # one\n\n# two\nc: 2\n", ["a"], {"d": [3]}, blank=False))
    a:
      b: 1  # one
      d: [3]
    <BLANKLINE>
    # two
    c: 2
    <BLANKLINE>
    """
    node = YAML(typ="safe", pure=True).compose(text)
    for key in keys:
        node = _child(node, key)
    if not isinstance(node, MappingNode) or node.flow_style or not node.value:
        raise ParameterError(f"{'.'.join(map(str, keys))} is no mapping with an entry on each line")
    indent = " " * node.value[0][0].start_mark.column
    lines = text.splitlines(keepends=True)
    last = _last_line(node)
    if not lines[last].endswith("\n"):
        lines[last] += "\n"
    added = [indent + line if line.strip() else line for line in dump(entry).splitlines(True)]
    found = "".join([*lines[: last + 1], *["\n"] * blank, *added, *lines[last + 1 :]])
    expected = _value(text, keys, pure=True) | entry
    # DVC reads with libyaml, where that is installed, which is stricter.
    if not all(_value(found, keys, pure=pure) == expected for pure in (True, False)):
        raise ParameterError(f"{first_few(list(entry))} has characters that YAML changes")
    return found


def _value(text: str, keys: Sequence[str | int], *, pure: bool) -> Any:
    value = YAML(typ="safe", pure=pure).load(text)
    for key in keys:
        value = value[key]
    return value


def dump(entry: dict[str, Any]) -> str:
    """An entry as YAML: what fits a line in flow style, the rest in block style."""
    yaml = YAML(typ="rt")  # keeps styles; makes plain values alone, as "safe" does
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(_styled(entry, 0), out)
    return out.getvalue()


def _styled(value: Any, depth: int) -> Any:
    """A copy for ruamel, whose small collections are in flow style below the second level."""
    if isinstance(value, dict):
        found = CommentedMap({key: _styled(inner, depth + 1) for key, inner in value.items()})
        nested = any(_holds_mappings(inner) for inner in value.values())
        if (depth > 1 and not nested and _is_short(value)) or not value:
            found.fa.set_flow_style()
        return found
    if isinstance(value, list | tuple):
        items = CommentedSeq([_styled(inner, depth + 1) for inner in value])
        if not _holds_mappings(value):
            items.fa.set_flow_style()
        return items
    if isinstance(value, str) and not re.fullmatch(r"[A-Za-z_][\w ./-]*", value):
        return DoubleQuotedScalarString(value)
    return value


def _holds_mappings(value: Any) -> bool:
    return bool(value) and (
        isinstance(value, dict) or (isinstance(value, list) and any(map(_holds_mappings, value)))
    )


def _is_short(value: dict[str, Any]) -> bool:
    return len(str(value)) < WIDTH - 12


def _child(node: Node, key: str | int) -> Node:
    found: Node
    if isinstance(node, SequenceNode) and isinstance(key, int):
        found = node.value[key]
        return found
    if isinstance(node, MappingNode):
        for name, found in node.value:
            if name.value == key:
                return found
    raise ParameterError(f"there is no {key!r}")


def _last_line(node: Node) -> int:
    """The line on which a node's last scalar or bracket ends; its own end is behind comments."""
    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(node, MappingNode) else last)
    start, end = node.start_mark, node.end_mark
    # A block scalar ends at the start of the next line.
    line: int = end.line
    return line - 1 if end.column == 0 and line > start.line else line
