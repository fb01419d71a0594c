"""HTML pages from templates: each a single file that loads nothing and runs its own scripts alone.

Pictures, style, scripts and data are inlined. A content security policy names style and scripts by
their hashes. It forbids everything else: the network, and code made from text. All content is
escaped.
"""

import base64
import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

FOLDER = Path(__file__).parent / "templates"
"""Templates that any page may extend or import, the style and the script of all pages."""
EMBED = "window.vegaEmbed = vegaEmbed;"
PROPERTIES = frozenset(
    [
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
        "__proto__",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
    ]
)
"""What every object of JavaScript has."""


def page(template: Path, data: Any, **content: Any) -> str:
    """Return a page that runs scripts.

    Parameters
    ----------
    template : Path
        ``NAME.html.j2``; the page's own script is ``NAME.js`` beside it, its own style, if any,
        ``NAME.css``.
    data
        What the scripts read, as JSON.
    **content
        The template's variables.
    """
    name = template.name.removesuffix(".html.j2")
    own, look = template.with_name(f"{name}.js"), template.with_name(f"{name}.css")
    scripts = [bundle(), *(safe(_read(path)) for path in (FOLDER / "page.js", own))]
    style = "".join(_read(path) for path in (FOLDER / "page.css", look) if path.exists())
    return fill(template, **content, data=data, scripts=scripts, style=style)


def fill(template: Path, /, **content: Any) -> str:
    """Return a template's text; ``content`` are its variables, and a missing one is an error."""
    return _environment(template.parent).get_template(template.name).render(**content)


def leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted key and the value of each leaf of nested mappings, in their order.

    An empty mapping is a leaf.

    Examples
    --------
    >>> dict(leaves({"optimizer": {"name": "adam", "decay": {}}, "epochs": 3}))
    {'optimizer.name': 'adam', 'optimizer.decay': {}, 'epochs': 3}
    """
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, value


def flatten(section: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return dotted keys and values of a section of the parameters as text, sorted by key.

    Examples
    --------
    >>> flatten({"optimizer": {"name": "adam", "epsilon": 1e-8}, "batch_size": 128})
    [('batch_size', '128'), ('optimizer.epsilon', '1e-08'), ('optimizer.name', 'adam')]
    """
    return sorted((key, spelled(value)) for key, value in leaves(section))


def spelled(value: Any) -> str:
    """Return a parameter's value: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def short(number: int) -> str:
    """Return a count with three digits and the word of its size.

    Examples
    --------
    >>> short(987), short(49_120_512), short(999_999_999)
    ('987', '49.1 million', '1 billion')
    """
    for size, word in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if number >= 0.9995 * size:  # rounded, it is that much
            return f"{number / size:.3g} {word}"
    return str(number)


def csp_hash(text: str) -> str:
    """Return the name of an inline style or script in a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@functools.cache
def bundle() -> str:
    """Return the JavaScript that defines ``vegaEmbed``: about 900 kB, made in some seconds."""
    import vl_convert  # 70 ms, which the ablation study's report need not wait for

    return safe(vl_convert.javascript_bundle(EMBED))


def safe(script: str) -> str:
    r"""Return a script as it may stand in a page: no literal in it reads as the page's markup.

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


def key(name: str) -> str:
    """Return a class's name for a chart: none that every object of JavaScript has already.

    Vega keeps what it counts by such names, and would find ``constructor`` there.

    Examples
    --------
    >>> key("constructor"), key("cat")
    ('constructor ', 'cat')
    """
    return f"{name} " if name in PROPERTIES else name


@functools.cache
def _environment(folder: Path) -> Environment:
    """Return the environment of the templates in ``folder``, which may use those of ``FOLDER``."""
    environment = Environment(
        loader=FileSystemLoader([folder, FOLDER]),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "as_is": Markup,
        "count": lambda number: f"{number:,}",
        "csp_hash": csp_hash,
        "decimals": lambda values: ", ".join(f"{value:.4f}" for value in values),
        "json": _json,
        "md": _markdown,
        "megabytes": lambda count: f"{count / 1e6:,.1f} MB",
        "percent": lambda share: f"{share:.2%}",
        "short": short,
        "spelled": spelled,
    }
    return environment


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a value of mappings and sequences with ``change`` applied to all that they hold."""
    if isinstance(value, Mapping):
        return {key: mapped(inner, change) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [mapped(inner, change) for inner in value]
    return change(value)


def _markdown(text: str) -> str:
    """Return text as Markdown that shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]<>|#&])", r"\\\1", text)


def _json(value: Any) -> Markup:
    """Return a value as JSON for a script element that is data: nothing in it reads as markup."""
    text = json.dumps(
        mapped(value, _printable), separators=(",", ":"), sort_keys=True, allow_nan=False
    )
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704


def _printable(value: Any) -> Any:
    """Return text with control characters, which HTML forbids or a reader cannot see, escaped."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
