"""HTML pages from templates: each a single file that loads nothing and runs its own scripts alone.

Pictures, style, scripts and data are inlined. A content security policy names style and scripts by
their hashes and forbids everything else, the network and code made from text included. Whatever a
page shows is escaped.
"""

import base64
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from pipeline.report import html as report_html

FOLDER = Path(__file__).parent / "templates"


SHARED = ("macros.html.j2", "page.css", "page.html.j2", "page.js")
"""What every page is made from, beside a template and a script of its own."""


def flatten(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Dotted keys and values of a section of the parameters, sorted; all but text as JSON.

    Examples
    --------
    >>> flatten({"optimizer": {"name": "adam", "epsilon": 1e-8}, "batch_size": 128})
    [('batch_size', '128'), ('optimizer.epsilon', '1e-08'), ('optimizer.name', 'adam')]
    """
    if not isinstance(value, Mapping) or not value:
        return [(prefix, spelled(value))]
    return [
        pair
        for key in sorted(value)
        for pair in flatten(value[key], f"{prefix}.{key}" if prefix else key)
    ]


def spelled(value: Any) -> str:
    """A parameter's value: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def render(name: str, data: Any, *, folder: Path = FOLDER, **content: Any) -> str:
    """A page that runs scripts.

    Parameters
    ----------
    name : str
        Of its template ``<name>.html.j2`` and its script ``<name>.js``.
    data
        What its scripts read, as JSON.
    folder : Path
        Where these two lie.
    **content
        What its template names.
    """
    files = FOLDER / "page.js", folder / f"{name}.js"
    scripts = [report_html.bundle(), *(report_html.safe(_read(file)) for file in files)]
    style = _read(FOLDER / "page.css")
    return fill(
        f"{name}.html.j2", folder=folder, **content, data=data, scripts=scripts, style=style
    )


def fill(template: str, /, *, folder: Path = FOLDER, **content: Any) -> str:
    """The page, or text, of a template in ``folder``; ``content`` is what that names."""
    environment = templates(folder)
    environment.filters |= {
        "as_is": Markup,
        "csp_hash": csp_hash,
        "count": lambda number: f"{number:,}",
        "json": _json,
        "percent": lambda share: f"{share:.2%}",
        "spelled": spelled,
    }
    return environment.get_template(template).render(**content)


def templates(folder: Path = FOLDER) -> Environment:
    """Where templates are read and how they are filled; a name that is missing is an error."""
    return Environment(
        loader=FileSystemLoader([folder, FOLDER]),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def csp_hash(text: str) -> str:
    """What a content security policy calls an inline style or script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _json(value: Any) -> Markup:
    """A value for a script element that is data: nothing in it reads as markup."""
    text = json.dumps(_spelled_out(value), separators=(",", ":"), sort_keys=True, allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704


def _spelled_out(value: Any) -> Any:
    """A value whose texts are shown as ``_printable`` has them."""
    if isinstance(value, Mapping):
        return {key: _spelled_out(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_spelled_out(inner) for inner in value]
    return _printable(value)


def _printable(value: Any) -> Any:
    """Text from the data without control characters, which HTML forbids or a reader cannot see."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)


SCRIPT = "window.vegaEmbed = vegaEmbed;"


@functools.cache
def bundle() -> str:
    """The JavaScript, which defines ``vegaEmbed``: about 900 kB, made in some seconds."""
    import vl_convert  # 70 ms, and only who writes a page needs it

    return safe(vl_convert.javascript_bundle(SCRIPT))


def safe(script: str) -> str:
    r"""A script as it may stand in a page: nothing in its literals reads as the page's markup.

    Raises
    ------
    ValueError
        If it would end the element that it stands in.

    Examples
    --------
    >>> print(safe("x = '<!--'"))
    x = '\x3c!--'
    """
    if "</script" in script.lower():
        raise ValueError("the script has an end tag")
    return script.replace("<!--", "\\x3c!--").replace("<script", "\\x3cscript")
