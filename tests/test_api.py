"""The public API, which loads what it needs alone, and the import paths of version 0.1."""

import ast
import importlib
import subprocess
import sys
from importlib import metadata

import pytest

import pipeline
from tests.support.builders import ROOT


@pytest.mark.parametrize("name", pipeline.__all__)
def test_each_public_name_is_there(name):
    assert getattr(pipeline, name)
    assert name in dir(pipeline)


def test_the_version_is_the_distributions():
    assert pipeline.__version__ == metadata.version("image-pipeline")


def test_an_unknown_name_is_an_error():
    with pytest.raises(AttributeError, match="'pipeline' has no attribute 'train_everything'"):
        pipeline.train_everything  # noqa: B018


def test_type_checkers_see_the_same_names():
    stub = ast.parse((ROOT / "pipeline/__init__.pyi").read_text(encoding="utf-8"))
    names = {
        alias.asname or alias.name
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert names | {"__version__"} == set(pipeline.__all__)
    assert (ROOT / "pipeline/py.typed").exists()


def test_importing_the_package_loads_no_library():
    script = (
        "import sys\nbefore = set(sys.modules)\nimport pipeline\n"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) <= {"pipeline", *sys.stdlib_module_names}


@pytest.mark.parametrize("program", ["pipeline", "stages.evaluate"])
def test_a_python_without_the_libraries_is_refused_in_one_line(program):
    python = [sys.executable, "-I", "-S", "-c"]  # -S: what is installed is out of reach
    script = (
        f"import runpy, sys; sys.path.insert(0, '')\nsys.argv = ['-m', 'demo_idx']\n"
        f"runpy.run_module({program!r}, run_name='__main__', alter_sys=True)"
    )
    done = subprocess.run([*python, script], cwd=ROOT, capture_output=True, text=True, check=False)
    name = program.rpartition(".")[2]
    assert done.stderr == (
        f"{name}: {sys.executable} has no pydantic, so it is not the project's Python; "
        "run in this shell: source .venv/bin/activate (make setup makes .venv)\n"
    )
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("old", "name", "new"),
    [
        ("pipeline.model", "load_model", "pipeline.models.saved"),
        ("pipeline.adaptation", "Adapter", "pipeline.predict.adapt"),
        ("pipeline.idx", "loads", "pipeline.images.idx"),
        ("pipeline.runtime", "configure", "pipeline.models.runtime"),
        ("pipeline.shards", "Index", "pipeline.shards.index"),
        ("pipeline.shards", "take", "pipeline.shards.index"),
        ("pipeline.shards", "column", "pipeline.shards.index"),
    ],
)
def test_an_old_path_works_with_a_warning(old, name, new):
    expected = getattr(importlib.import_module(new), name)
    here = {}
    for statement in (
        f"from {old} import {name} as value",
        f"import {old}\nvalue = {old}.{name}",
        f"from pipeline import {old.partition('.')[2]} as module\nvalue = module.{name}",
    ):
        with pytest.warns(DeprecationWarning, match="goes with the next release") as caught:
            exec(compile(statement, "a_users_file.py", "exec"), here)
        assert here["value"] is expected
        assert {warning.filename for warning in caught} == {"a_users_file.py"}


def test_an_old_module_has_no_other_names():
    with pytest.raises(AttributeError, match="nonesuch"):
        importlib.import_module("pipeline.model").nonesuch  # noqa: B018
