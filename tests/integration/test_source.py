"""Rules for all modules: no data is run as code; no clock, machine or user reaches an output."""

import ast

import pytest

from tests.support.builders import ROOT

FILES = [
    path.relative_to(ROOT).as_posix()
    for folder in ("pipeline", "stages", "data/demo")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
EXECUTING = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml", "code"}
"""Modules that turn data into code; ``yaml`` is PyYAML, whose ``load`` does."""
REFUSED = {"eval", "exec", "__import__", "read_pickle", "to_pickle", "system"}
OURS = "pipeline.models.saved.load_model", "saved.load_model", "load_model"
"""Keras's function of the same name makes whatever classes a file names: no other is called."""
SAFE = {
    "np.savez": ("allow_pickle", {False}),
    "npy.read_array": ("allow_pickle", {False}),
    "YAML": ("typ", {"safe", "rt"}),
    "keras.saving.deserialize_keras_object": ("safe_mode", {True}),
}
"""Calls that need an option to be safe."""
REVEALING = {"datetime", "getpass", "platform", "random", "secrets", "socket", "uuid"}
CLOCKS = {"perf_counter", "monotonic", "sleep"}
"""Functions of ``time`` that do not tell the time of day."""
ALLOWED = {
    "pipeline/download/bounds.py": {"socket"},
    "pipeline/train/machine_type.py": {"platform"},
    "pipeline/repository/unused/objects.py": {"datetime"},
}
"""Modules that close sockets, record the type of processor, and spare what was pushed lately."""
UNTIL = "pipeline/download/http.py"
"""The module that may ask for it, where a server says until when to wait."""


def parsed(path):
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


@pytest.fixture(params=FILES)
def module(request):
    """A module's path, relative to the checkout, and its syntax tree."""
    return request.param, parsed(request.param)


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(tree):
    """Yield the dotted name and the keyword arguments of every call."""
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
    path, tree = module
    names = set(imported(tree))
    assert not (REVEALING - ALLOWED.get(path, set())) & {name.split(".")[0] for name in names}
    assert "gethostname" not in (ROOT / path).read_text(encoding="utf-8")
    if "time" in names and path != UNTIL:
        used = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        assert {node.attr for node in used if ast.unparse(node.value) == "time"} <= CLOCKS
    assert not {name for name in names if name.startswith("time.")}


def test_the_calls_that_these_tests_look_for_are_there():
    called = {name for path in FILES for name, _ in calls(parsed(path))}
    assert set(SAFE) <= called
    assert "time" in imported(parsed(UNTIL))
