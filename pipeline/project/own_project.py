"""What a project of one's own is made of: the pipeline without what was made with it here."""

import re
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Template

from pipeline.core import files, paths, places
from pipeline.core.params import read_yaml
from pipeline.project import removal, yaml_change

DEMO = "demo_idx"
"""The dataset and the run that stay."""
DEMO_FILES = Path("data/demo/idx")
LEFT_OUT = (
    *(".ci", ".git-blame-ignore-revs", "benchmarks", "data/demo/build.py", "dvc.lock"),
    *(".github/ISSUE_TEMPLATE", ".github/pull_request_template.md", ".github/workflows/ci.yml"),
    *("CITATION.cff", "CONTRIBUTING.md", "SECURITY.md", "metrics", "tests"),
)
"""Files and folders that develop the pipeline itself, or record its runs."""
REPLACED = (
    ("pyproject.toml", r'"benchmarks", "website", "tests", "data/demo/build.py"', '"website"'),
    ("Makefile", r"RUN( ?= ?)fashion_mnist", rf"RUN\1{DEMO}"),
    ("gate.yaml", r"(reproduced: \[)[^]]*", rf"\1{DEMO}"),
    (".github/workflows/full.yml", r"report@fashion_mnist", f"report@{DEMO}"),
)
"""Texts that name what is left out: file, pattern, what stands there instead."""
README = Path("README.md")
TEMPLATE = Path(__file__).with_name("templates") / "README.md.j2"


def strip(folder: Path) -> None:
    """Make a project of one's own of the pipeline's files, all of them in a folder."""
    for graph in sorted(folder.glob("*/dvc.yaml")):  # the study, and others beside the main one
        places.remove(graph.parent)
    for name in LEFT_OUT:
        places.remove(folder / name)
    for path in sorted((folder / DEMO_FILES.parent).iterdir()):
        if path.is_dir() and path.name != DEMO_FILES.name:
            places.remove(path)
    gone = _without_bundled(folder)
    _ignored_no_more(folder / ".gitignore", gone)
    for name, pattern, text in REPLACED:
        old = files.read_text(folder / name)
        files.write_text(folder / name, re.sub(pattern, text, old))


def readme(name: str) -> str:
    """Return the README of a new project."""
    template = Template(files.read_text(TEMPLATE), keep_trailing_newline=True)
    text: str = template.render(name=name, demo=DEMO)
    return text


def _without_bundled(folder: Path) -> set[str]:
    """Remove datasets and runs from the parameters and the graph; return their names."""
    path, graph = folder / paths.PARAMS, folder / removal.GRAPH
    params = read_yaml(path)
    text, gone = files.read_text(path), set()
    owned: list[Path] = []
    for section, outputs in (
        ("runs", removal.outputs_of_run),
        ("datasets", removal.outputs_of_dataset),
    ):
        for name in params[section]:
            if name != DEMO:
                text = yaml_change.remove(text, (section, name))
                gone.add(name)
                owned += outputs(name)
    files.write_text(path, text)
    text = files.read_text(graph)
    for keys in removal.in_graph(read_yaml(graph), owned):
        text = yaml_change.remove(text, keys)
    files.write_text(graph, text)
    return gone


def _ignored_no_more(path: Path, names: set[str]) -> None:
    """Remove the lines of ``.gitignore`` that name datasets or runs, and what explains them."""

    def kept() -> Iterator[str]:
        comment = ""
        for line in files.read_text(path).splitlines(keepends=True):
            if line.startswith("#"):
                comment += line
                continue
            if names.isdisjoint(line.strip().split("/")):
                yield comment + line
            comment = ""
        yield comment

    files.write_text(path, "".join(kept()))
