"""Edits of a YAML file: an entry added, and every other line left as it is.

The place is found by ruamel's parser, and the lines are put there as text. Ruamel's round trip
would not do. On ``params.yaml`` it moves the comment above ``defaults`` into ``datasets``, behind
which it stands, and writes ``null`` as nothing. In other files it also changes indentation, spaces
within flow collections and before comments, and line ends (CRLF).
"""

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from pipeline.core.errors import ParameterError, first_few

WIDTH = 100
"""Columns that a line should not exceed."""


def append(text: str, key: str, entry: dict[str, Any], *, blank: bool) -> str:
    r"""Add an entry at the end of the mapping under a key of the top level.

    Parameters
    ----------
    text : str
        A YAML file, with line ends of either kind.
    key : str
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
    >>> print(append("a:\n  b: 1  # one\n\n# two\nc: 2\n", "a", {"d": [3]}, blank=False))
    a:
      b: 1  # one
      d: [3]
    <BLANKLINE>
    # two
    c: 2
    <BLANKLINE>
    """
    node = _child(YAML(typ="safe", pure=True).compose(text), key)
    if not isinstance(node, MappingNode) or node.flow_style or not node.value:
        raise ParameterError(f"{key} is no mapping with an entry on each line")
    newline = "\r\n" if "\r\n" in text else "\n"
    indent = " " * node.value[0][0].start_mark.column
    lines = text.splitlines(keepends=True)
    last = _last_line(node)
    if not lines[last].endswith("\n"):
        lines[last] += newline
    added = [indent + line if line.strip() else line for line in dump(entry).splitlines(True)]
    added = [line.replace("\n", newline) for line in ["\n"] * blank + added]
    new = "".join([*lines[: last + 1], *added, *lines[last + 1 :]])
    expected = _value(text, key, pure=True) | entry
    # DVC reads with libyaml, where that is installed, which is stricter.
    if not all(_value(new, key, pure=pure) == expected for pure in (True, False)):
        raise ParameterError(f"{first_few(list(entry))} has characters that YAML changes")
    return new


def _value(text: str, key: str, *, pure: bool) -> Any:
    return YAML(typ="safe", pure=pure).load(text)[key]


def dump(entry: dict[str, Any]) -> str:
    """Return an entry as YAML: what fits a line in flow style, the rest in block style."""
    yaml = YAML(typ="rt")  # keeps the styles that are set below
    yaml.width = WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(_styled(entry, 0), out)
    return out.getvalue()


def _styled(value: Any, depth: int) -> Any:
    """Return a copy for ruamel; below the second level small collections are in flow style."""
    if isinstance(value, dict):
        mapping = CommentedMap(
            {_quoted(key): _styled(inner, depth + 1) for key, inner in value.items()}
        )
        nested = any(_holds_mappings(inner) for inner in value.values())
        if (depth > 1 and not nested and _is_short(value)) or not value:
            mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list | tuple):
        items = CommentedSeq([_styled(inner, depth + 1) for inner in value])
        if not _holds_mappings(value):
            items.fa.set_flow_style()
        return items
    return _quoted(value) if isinstance(value, str) else value


def _quoted(text: str) -> str:
    """Return a text that ruamel quotes unless it is plainly words: it forgets some that need it."""
    plain = re.fullmatch(r"[A-Za-z_][\w ./-]*", text)
    return text if plain else DoubleQuotedScalarString(text)


def _holds_mappings(value: Any) -> bool:
    return bool(value) and (
        isinstance(value, dict) or (isinstance(value, list) and any(map(_holds_mappings, value)))
    )


def _is_short(value: dict[str, Any]) -> bool:
    return len(str(value)) < WIDTH - 12


def _child(node: Node, key: str) -> Node:
    children: list[tuple[Node, Node]] = node.value if isinstance(node, MappingNode) else []
    for name, child in children:
        if name.value == key:
            return child
    raise ParameterError(f"there is no {key!r}")


def _last_line(node: Node) -> int:
    """Return the line on which a node's last scalar or bracket ends.

    The node's own end is of no use, for it is behind the comments that follow.
    """
    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last_line(last[1] if isinstance(node, MappingNode) else last)
    start, end = node.start_mark, node.end_mark
    # A block scalar ends at the start of the next line.
    line: int = end.line
    return line - 1 if end.column == 0 and line > start.line else line
