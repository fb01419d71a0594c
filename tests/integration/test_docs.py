"""README and docs: links lead somewhere, examples are valid, the table of variables is complete."""

import re
import shlex

import pytest

from pipeline import __main__, schema
from pipeline.core.params import Params, read_yaml
from pipeline.extract.kind import Kind
from tests.support.builders import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "data/demo/README.md"]
OTHERS = {"CUDA_VISIBLE_DEVICES", "HTTPS_PROXY", "KAGGLEHUB_CACHE", "NO_PROXY"}
"""Environment variables that libraries read, not this project."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    for link in links:
        assert link.startswith("https://") or (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    code = re.findall(r"```sh\n(.*?)```|`(make [a-z-]+)`", page.read_text(), re.S)
    used = re.findall(r"^make ([a-z-]+)", "\n".join(map("".join, code)), re.M)
    assert set(used) <= targets


def commands(page):
    """Yield the commands of ``python -m pipeline`` in a page's blocks, without what follows."""
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
        for line in block.replace("\\\n", " ").splitlines():
            if found := re.match(r" *(?:\.venv/bin/)?python -m pipeline (.*)", line):
                yield re.split(r" \| | > | && |;", found[1])[0]


def test_commands_are_known_with_their_options():
    parser = __main__.parser()
    pages = [page for page in PAGES if page.name != "extending.md"]  # it adds one
    shown = [command for page in pages for command in commands(page)]
    assert len(shown) > 40
    for command in shown:
        parser.parse_args(shlex.split(command, comments=True))


def examples():
    for page in PAGES:
        for block in re.findall(r"```yaml\n(runs:.*?)```", page.read_text(), re.S):
            yield pytest.param(block, id=page.name)


def datasets_in_pages():
    for page in PAGES:
        yield from re.findall(r"```yaml\n(datasets:.*?)```", page.read_text(), re.S)


@pytest.mark.parametrize("block", list(datasets_in_pages()))
def test_examples_of_datasets_are_valid(block, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(block)
    params = read_yaml(ROOT / "params.yaml")
    added = params["datasets"] | read_yaml(path)["datasets"]
    schema.check_params(Params(params | {"datasets": added}))


@pytest.mark.parametrize("block", list(examples()))
def test_examples_of_runs_are_valid(block, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(block)
    params = read_yaml(ROOT / "params.yaml")
    schema.check_params(Params(params | {"runs": read_yaml(path)["runs"]}))


def test_running_names_every_environment_variable():
    named = set(re.findall(r"`([A-Z][A-Z_]{4,})`", (ROOT / "docs/running.md").read_text()))
    source = "".join(path.read_text() for path in (ROOT / "pipeline").rglob("*.py"))
    read = set(re.findall(r'"((?:PIPELINE|DATA|TF)_[A-Z_]+)"', source))
    assert read <= named
    assert all(name in source for name in named - OTHERS - {"PYTHON", "VERBOSE"})


def test_every_kind_of_dataset_has_an_example():
    kinds = {dataset["kind"] for dataset in read_yaml(ROOT / "params.yaml")["datasets"].values()}
    for block in datasets_in_pages():
        kinds |= set(re.findall(r"kind: (\w+)", block))
    assert kinds == set(Kind.__args__)
