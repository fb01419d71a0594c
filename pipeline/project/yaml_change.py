"""Changes of a YAML file: a value replaced or an entry removed, all else left as it is."""

from collections.abc import Callable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode

from pipeline.new_dataset import yaml_edit
from pipeline.new_dataset.yaml_edit import Keys, composed, inline, last_line, newline


def put(text: str, keys: Keys, value: Any, *, after: str = "") -> str:
    r"""Put a scalar, or a list of scalars, in place of the value under ``keys``.

    Of a list, items that stay keep their text.

    Parameters
    ----------
    text : str
        A YAML file, with line ends of either kind.
    keys : sequence of str or int
    value : Any
    after : str
        Where there is no value yet, the key of the same mapping behind which it is put.

    Raises
    ------
    ParameterError
        If there is no such place, or the value has characters that would not be read again.

    Examples
    --------
    >>> print(put("a:\n  - {b: 1, c: [x, y]}  # one\n", ["a", 0, "c"], ["x", "z"]), end="")
    a:
      - {b: 1, c: [x, z]}  # one
    >>> print(put("a:\n  b: 1  # one\n", ["a", "d"], 2, after="b"), end="")
    a:
      b: 1  # one
      d: 2
    """
    parent, last = composed(text, keys[:-1]), keys[-1]
    if isinstance(parent, MappingNode) and last not in [key.value for key, _ in parent.value]:
        new = _inserted(text, parent, after, f"{last}: {inline(value)}")
    else:
        node = yaml_edit.child(parent, last)
        if isinstance(node, SequenceNode) and isinstance(value, list) and value:
            new = _with_items(text, node, value)
        else:
            new = text[: node.start_mark.index] + inline(value) + text[node.end_mark.index :]

    def change(holder: Any) -> None:
        holder[last] = value

    return _checked(new, text, keys, change)


def remove(text: str, keys: Keys) -> str:
    r"""Remove an entry of a mapping or list, with the comment that stands right above it.

    Of what has no other entry ``{}`` or ``[]`` stays.

    Parameters
    ----------
    text : str
        A YAML file, with line ends of either kind.
    keys : sequence of str or int

    Raises
    ------
    ParameterError
        If there is no such entry.

    Examples
    --------
    >>> print(remove("a:\n  # one\n  b: 1\n  # two\n  c: 2\n", ["a", "b"]), end="")
    a:
      # two
      c: 2
    """
    parent: Any = composed(text, keys[:-1])
    node = yaml_edit.child(parent, keys[-1])
    is_list = isinstance(parent, SequenceNode)
    entries = [(child, child) for child in parent.value] if is_list else parent.value
    place = next(number for number, (_, child) in enumerate(entries) if child is node)
    if len(entries) == 1:
        new = _emptied(text, keys[:-1], parent, "[]" if is_list else "{}")
    elif parent.flow_style:
        spans = [(key.start_mark.index, child.end_mark.index) for key, child in entries]
        new = _without(text, spans, place)
    else:
        lines = text.splitlines(keepends=True)
        start = entries[place][0].start_mark.line
        first, last = _span(lines, start, last_line(node), is_first=not place)
        new = "".join(lines[:first] + lines[last + 1 :])
    return _checked(new, text, keys, lambda holder: holder.pop(keys[-1]))


def _span(lines: list[str], first: int, last: int, *, is_first: bool) -> tuple[int, int]:
    """Return the first and last line of an entry, with its comment and one blank line beside it."""
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    while first and lines[first - 1].startswith(f"{indent}#"):
        first -= 1
    if first and not lines[first - 1].strip():
        return first - 1, last
    if is_first and last + 1 < len(lines) and not lines[last + 1].strip():
        return first, last + 1
    return first, last


def _emptied(text: str, keys: Keys, node: CollectionNode, empty: str) -> str:
    """Return the text with ``{}`` for a mapping, or ``[]`` for a list."""
    if node.flow_style:
        return text[: node.start_mark.index] + empty + text[node.end_mark.index :]
    above = composed(text, keys[:-1])
    start = node.start_mark.index
    name = next(key for key, child in above.value if child.start_mark.index == start)
    colon = text.index(":", name.end_mark.index) + 1
    lines = (text[:colon] + f" {empty}" + text[colon:]).splitlines(keepends=True)
    return "".join(lines[: name.start_mark.line + 1] + lines[last_line(node) + 1 :])


def _inserted(text: str, parent: MappingNode, after: str, entry: str) -> str:
    """Put an entry behind another one of a mapping, on a line of its own in block style."""
    before = yaml_edit.child(parent, after)
    if parent.flow_style:
        return text[: before.end_mark.index] + f", {entry}" + text[before.end_mark.index :]
    lines = text.splitlines(keepends=True)
    last = last_line(before)
    indent = " " * parent.value[0][0].start_mark.column
    if not lines[last].endswith("\n"):
        lines[last] += newline(text)
    return "".join([*lines[: last + 1], indent + entry + newline(text), *lines[last + 1 :]])


def _with_items(text: str, node: SequenceNode, items: list[Any]) -> str:
    """Remove the items of a sequence that are not in ``items``, and append those that are new."""
    kept = [child for child in node.value if _scalar(child) in items]
    old = [_scalar(child) for child in kept]
    added = [inline(item) for item in items[len(old) :]]
    lines = text.splitlines(keepends=True)
    if not kept or items[: len(old)] != old:  # another order
        last = last_line(node)
        end = sum(map(len, lines[:last])) + len(lines[last].rstrip())
        end = node.end_mark.index if node.flow_style else end
        return text[: node.start_mark.index] + inline(items) + text[end:]
    if node.flow_style:
        end = node.value[-1].end_mark.index
        text = text[:end] + "".join(f", {item}" for item in added) + text[end:]
        spans = [(child.start_mark.index, child.end_mark.index) for child in node.value]
        if added:
            spans.append((end + 2, end + 2))
        for place in reversed(range(len(node.value))):
            if node.value[place] not in kept:
                text = _without(text, spans, place)
                del spans[place]
        return text
    last = last_line(node)
    if not lines[last].endswith("\n"):
        lines[last] += newline(text)
    indent = " " * node.start_mark.column
    lines[last + 1 : last + 1] = [f"{indent}- {item}{newline(text)}" for item in added]
    for child in reversed(node.value):
        if child not in kept:
            del lines[child.start_mark.line : last_line(child) + 1]
    return "".join(lines)


def _without(text: str, spans: list[tuple[int, int]], place: int) -> str:
    """Remove an entry of a flow collection, with the comma that parts it from its neighbour."""
    if place + 1 < len(spans):
        return text[: spans[place][0]] + text[spans[place + 1][0] :]
    return text[: spans[place - 1][1]] + text[spans[place][1] :]


def _scalar(node: Node) -> Any:
    return YAML(typ="safe", pure=True).constructor.construct_document(node)


def _checked(new: str, text: str, keys: Keys, change: Callable[[Any], object]) -> str:
    """Return ``new`` if it is ``text`` with the last key's mapping changed, else raise."""
    values = yaml_edit.value(text)
    holder = values
    for key in keys[:-1]:
        holder = holder[key]
    change(holder)
    return yaml_edit.checked(new, values, str(keys[0]), ".".join(map(str, keys)))


def values(text: str) -> dict[str, Any]:
    """Return what a YAML file's text holds."""
    found: dict[str, Any] = yaml_edit.value(text)
    return found
