"""HTML pages, from templates.

Each is a single file that loads nothing and runs nothing: its pictures are inlined, and its
content security policy forbids the rest. Whatever it shows is escaped.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

TEMPLATE = "report.html.j2"
CSS_DPI = 96
"""Pixels an inch in a browser, whatever the screen's own are."""


def flatten(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Dotted keys and values of a section of the parameters, sorted; all but text as JSON.

    Examples
    --------
    >>> flatten({"optimizer": {"name": "adam", "epsilon": 1e-8}, "batch_size": 128})
    [('batch_size', '128'), ('optimizer.epsilon', '1e-08'), ('optimizer.name', 'adam')]
    """
    if not isinstance(value, Mapping) or not value:
        return [(prefix, value if isinstance(value, str) else json.dumps(value))]
    return [
        pair
        for key in sorted(value)
        for pair in flatten(value[key], f"{prefix}.{key}" if prefix else key)
    ]


class Inlined(NamedTuple):
    """A picture as part of a page, with its size in CSS pixels."""

    src: str
    width: int
    height: int


def inline(path: Path, dpi: int) -> Inlined:
    """A PNG file as a ``data:`` address."""
    content = path.read_bytes()
    width, height = struct.unpack(">II", content[16:24])  # of the chunk IHDR, always the first
    return Inlined(
        "data:image/png;base64," + base64.b64encode(content).decode(),
        round(width * CSS_DPI / dpi),
        round(height * CSS_DPI / dpi),
    )


def render(template: str = TEMPLATE, /, **content: Any) -> str:
    """The page, or text, of a template; ``content`` is what that names."""
    environment = templates()
    environment.filters["csp_hash"] = csp_hash
    environment.filters["percent"] = lambda share: f"{share:.2%}"
    environment.filters["count"] = lambda number: f"{number:,}"
    return environment.get_template(template).render(**content)


def templates() -> Environment:
    """Where templates are read and how they are filled; a name that is missing is an error."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def csp_hash(text: str) -> str:
    """What a content security policy calls an inline style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _printable(value: Any) -> Any:
    """Text from the data without control characters, which HTML forbids or a reader cannot see."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
