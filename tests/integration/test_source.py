"""What no module may do: run data as code, or let clock, machine or user into an output."""

import ast

import pytest

from tests.support.builders import ROOT

FILES = [
    path
    for folder in ("pipeline", "stages", "data/demo")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
EXECUTING = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml", "code"}
"""Modules that turn data into code; ``yaml`` is PyYAML, whose ``load`` does."""
REFUSED = {"eval", "exec", "__import__", "read_pickle", "to_pickle", "system"}
OURS = "pipeline.models.saved.load_model", "saved.load_model", "load_model"
"""Keras's function of the same name makes whatever classes a file names: no other is called."""
SAFE = {
    "np.load": ("allow_pickle", {False}),
    "np.savez": ("allow_pickle", {False}),
    "YAML": ("typ", {"safe", "rt"}),
    "keras.saving.deserialize_keras_object": ("safe_mode", {True}),
}
"""Calls that need an option to be safe."""
REVEALING = {"datetime", "getpass", "platform", "random", "secrets", "socket", "uuid"}
CLOCKS = {"perf_counter", "monotonic", "sleep"}
"""What there is in ``time`` that tells no time of day."""


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def module(request):
    return request.param.name, ast.parse(request.param.read_text(encoding="utf-8"))


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(tree):
    """Dotted name and keyword arguments of every call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {word.arg: word.value for word in node.keywords}


def test_no_data_is_run_as_code(module):
    _, tree = module
    assert not EXECUTING & {name.split(".")[0] for name in imported(tree)}
    models = {name for name in imported(tree) if name.split(".")[-1] == "load_model"}
    assert models <= {"pipeline.models.saved.load_model"}
    for name, options in calls(tree):
        assert name.split(".")[-1] not in REFUSED
        assert name.split(".")[-1] != "load_model" or name in OURS
        assert "shell" not in options
        if name in SAFE:
            option, allowed = SAFE[name]
            assert ast.literal_eval(options[option]) in allowed, name


def test_no_module_asks_for_the_day_the_machine_or_the_user(module):
    name, tree = module
    names = set(imported(tree))
    assert not REVEALING & {name.split(".")[0] for name in names}
    if "time" in names and name != "http.py":  # where a server says until when to wait
        used = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        assert {node.attr for node in used if ast.unparse(node.value) == "time"} <= CLOCKS
    assert not {name for name in names if name.startswith("time.")}


def test_the_calls_that_these_tests_look_for_are_there():
    found = {name for path in FILES for name, _ in calls(ast.parse(path.read_text()))}
    assert set(SAFE) <= found
