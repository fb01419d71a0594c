"""The site, built as `make docs` does it."""

import os
import re
import subprocess
import sys

import pytest

from pipeline import commands
from tests.support.builders import ROOT
from website import commands as page
from website import links


@pytest.mark.parametrize(
    ("place", "link", "expected"),
    [
        ("README.md", "[a](docs/teams.md)", "[a](teams.md)"),
        ("README.md", "![a](docs/pictures/a.png)", "![a](pictures/a.png)"),
        ("README.md", "[a](CHANGELOG.md)", "[a](changelog.md)"),
        ("README.md", "[`params.yaml`](params.yaml#L3)", "`params.yaml`"),
        ("docs/teams.md", "[a](../README.md#start)", "[a](index.md#start)"),
        ("docs/teams.md", "[a](../benchmarks/results.md)", "a"),
        ("docs/decisions/0001-a.md", "[a](../formats.md)", "[a](../formats.md)"),
        ("docs/decisions/0001-a.md", "[a](0002-b.md)", "[a](../decisions/0002-b.md)"),
        ("docs/teams.md", "[a](#here), [b](https://host/b)", "[a](#here), [b](https://host/b)"),
    ],
)
def test_links_lead_somewhere_in_the_site(place, link, expected):
    assert links.of_page(link, place) == expected


def test_every_command_is_there_with_its_help():
    text = page.page()
    for group in commands.by_group().values():
        for name in group:
            assert f"### {name}\n" in text
            assert f"usage: pipeline {name} " in text


@pytest.mark.slow
def test_the_site_builds_strictly_and_fetches_nothing(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        check=True,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 40
    for path in pages:
        fetched = re.findall(r'(?:src|<link[^>]*href)="(https?:[^"]*)"', path.read_text())
        assert fetched == [], path
    api = (tmp_path / "reference" / "api.html").read_text()
    assert "load_model" in api
    assert (tmp_path / "assets" / "iframe-worker.js").exists()  # or search fails on the disk
