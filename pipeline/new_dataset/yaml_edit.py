"""Edits of a YAML file: an entry added, and every other line left as it is.

The place is found by ruamel's parser, and the lines are put there as text. Ruamel's round trip
would not do. On ``params.yaml`` it moves the comment above ``defaults`` into ``datasets``, behind
which it stands, and writes ``null`` as nothing. In other files it also changes indentation, spaces
within flow collections and before comments, and line ends (CRLF).
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.emitter import RoundTripEmitter
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from pipeline.core.errors import ParameterError, first_few

WIDTH = 100
"""Columns that a line should not exceed."""
UNLIMITED = 1 << 30
Keys = Sequence[str | int]
"""Keys of mappings and positions in sequences, from the top level down."""


class _Emitter(RoundTripEmitter):
    """Ruamel's, but a text stays on its line: lines are broken between entries alone.

    It would break a class's name at a blank, and leave that blank at the end of the line.
    """

    def write_plain(self, text: str, split: bool = True) -> None:
        """Write a text without quotes."""
        with self._one_line():
            super().write_plain(text, split)

    def write_single_quoted(self, text: str, split: bool = True) -> None:
        """Write a text in single quotes."""
        with self._one_line():
            super().write_single_quoted(text, split)

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        """Write a text in double quotes."""
        with self._one_line():
            super().write_double_quoted(text, split)

    @contextmanager
    def _one_line(self) -> Iterator[None]:
        width, self.best_width = self.best_width, UNLIMITED
        yield
        self.best_width = width


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
        If there is no such mapping, it is written in flow style (``{a: 1}``), or the entry has
        control characters that would not be read again as they are.

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
    node = composed(text, [key])
    end = newline(text)
    if isinstance(node, MappingNode) and not node.value:  # {}
        below = "".join(f"{end}  {line}" for line in dump(entry).splitlines())
        new = text[: node.start_mark.index].rstrip(" ") + below + text[node.end_mark.index :]
        return checked(new, value(text) | {key: entry}, key, first_few(list(entry)))
    if not isinstance(node, MappingNode) or node.flow_style:
        raise ParameterError(f"{key} is no mapping with an entry on each line")
    indent = " " * node.value[0][0].start_mark.column
    lines = text.splitlines(keepends=True)
    last = last_line(node)
    if not lines[last].endswith("\n"):
        lines[last] += end
    added = [indent + line if line.strip() else line for line in dump(entry).splitlines(True)]
    added = [line.replace("\n", end) for line in ["\n"] * blank + added]
    new = "".join([*lines[: last + 1], *added, *lines[last + 1 :]])
    values = value(text)
    return checked(new, values | {key: values[key] | entry}, key, first_few(list(entry)))


def checked(text: str, values: dict[str, Any], key: str, name: str) -> str:
    """Return ``text`` if it is read as ``values``, what is under ``key`` by DVC too.

    Raises
    ------
    ParameterError
        Else, with the ``name`` of what was put there.
    """
    # DVC reads with libyaml, where that is installed, which is stricter.
    if value(text) != values or value(text, pure=False)[key] != values[key]:
        raise ParameterError(f"{name} has characters that YAML changes")
    return text


def value(text: str, *, pure: bool = True) -> Any:
    """Return what YAML holds; ``pure``: by Python's parser, not libyaml."""
    return YAML(typ="safe", pure=pure).load(text)


def newline(text: str) -> str:
    """Return the text's line end."""
    return "\r\n" if "\r\n" in text else "\n"


def inline(value: Any) -> str:
    """Return a value as it is written within a line."""
    yaml = YAML(typ="rt")
    yaml.width = UNLIMITED
    out = io.StringIO()
    yaml.dump({"x": _styled([value], 2)}, out)
    return out.getvalue()[len("x: [") : -len("]\n")]


def dump(entry: dict[str, Any]) -> str:
    """Return an entry as YAML: what fits a line in flow style, the rest in block style."""
    yaml = YAML(typ="rt")  # keeps the styles that are set below
    yaml.Emitter = _Emitter
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


def composed(text: str, keys: Keys) -> Node:
    """Return the node under ``keys``; raise ParameterError if there is none."""
    node: Node = YAML(typ="safe", pure=True).compose(text)
    for key in keys:
        node = child(node, key)
    return node


def child(node: Node, key: str | int) -> Node:
    """Return the node under a key or position of another; raise ParameterError if there is none."""
    if isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
        item: Node = node.value[key]
        return item
    children: list[tuple[Node, Node]] = node.value if isinstance(node, MappingNode) else []
    for name, inner in children:
        if name.value == key:
            return inner
    raise ParameterError(f"there is no {key!r}")


def last_line(node: Node) -> int:
    """Return the line on which a node's last scalar or bracket ends.

    The node's own end is of no use, for it is behind the comments that follow.
    """
    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return last_line(last[1] if isinstance(node, MappingNode) else last)
    start, end = node.start_mark, node.end_mark
    # A block scalar ends at the start of the next line.
    line: int = end.line
    return line - 1 if end.column == 0 and line > start.line else line
