"""Hooks of MkDocs: the pages that are made from other files, and links."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import pipeline
from website import commands, links, notebook, parameters

ROOT = Path(__file__).parents[1]
API = "# Public API\n\n" + "\n\n".join(
    f"::: {place.replace(':', '.')}" for place in vars(pipeline)["_PUBLIC"].values()
)
OUTSIDE = {"index.md": "README.md", "changelog.md": "CHANGELOG.md"}
"""Files above ``docs/``, by the pages that they are."""
SHIM = Path(__file__).with_name("iframe-worker.js")
"""A published script, as it is, with its licence."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not stand in ``docs/``."""
    pages = {
        **{page: (ROOT / file).read_text(encoding="utf-8") for page, file in OUTSIDE.items()},
        "notebook.md": notebook.page(),
        "assets/iframe-worker.js": SHIM.read_text(encoding="utf-8"),
        "reference/parameters.md": parameters.page(pipeline.__version__),
        "reference/commands.md": commands.page(),
        "reference/api.md": API,
    }
    for place, content in pages.items():
        files.append(File.generated(config, place, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Return a page's text with links that lead somewhere in the site."""
    place = page.file.src_uri
    if place.startswith("reference/"):
        return markdown
    return links.of_page(markdown, OUTSIDE.get(place, f"docs/{place}"))
