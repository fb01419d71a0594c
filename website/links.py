"""Links of pages that GitHub shows as well, as the site needs them.

The pages stand in ``docs/``, the first one is the README above it. What a link leads to outside of
``docs/`` is no page: its text stays.
"""

import re
from pathlib import PurePosixPath

LINK = re.compile(r"(?P<picture>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)")
MOVED = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "notebooks/tutorial.ipynb": "notebook.md",
}
"""Files above ``docs/`` that are pages, by their places in the site."""


def of_page(text: str, place: str) -> str:
    """Return a page's text with links that lead somewhere in the site.

    Parameters
    ----------
    text : str
        Markdown.
    place : str
        The file's place in the repository, such as ``docs/teams.md``.

    Examples
    --------
    >>> of_page("[own data](docs/own-data.md#zip), [params](params.yaml)", "README.md")
    '[own data](own-data.md#zip), params'
    >>> of_page("[README](../README.md), [gate](gate.md)", "docs/teams.md")
    '[README](index.md), [gate](gate.md)'
    """

    def changed(link: re.Match[str]) -> str:
        target = link["target"]
        if "://" in target or target.startswith(("#", "mailto:")):
            return link[0]
        path, mark, anchor = target.partition("#")
        inside = _within_docs(_joined(PurePosixPath(place).parent, path))
        if inside is None:
            return link["text"]
        here = PurePosixPath(_within_docs(place) or "index.md").parent
        return f"{link['picture']}[{link['text']}]({_relative(inside, here)}{mark}{anchor})"

    return LINK.sub(changed, text)


def _within_docs(path: str) -> str | None:
    """Return a page's place in the site; None if the file is none of its."""
    if path in MOVED:
        return MOVED[path]
    inside = PurePosixPath(path)
    if inside.parts[:1] != ("docs",) or not inside.suffix:
        return None
    return inside.relative_to("docs").as_posix()


def _joined(folder: PurePosixPath, path: str) -> str:
    """Return a relative path from the repository's top, without ``..``."""
    parts: list[str] = []
    for part in (folder / path).parts:
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return "/".join(parts)


def _relative(path: str, folder: PurePosixPath) -> str:
    """Return a path in the site relative to a folder in it."""
    up = [".."] * len(folder.parts)
    return "/".join([*up, path])
