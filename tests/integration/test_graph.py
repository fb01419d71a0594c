"""dvc.yaml: every stage depends on exactly what its program imports, reads and is computed with."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.core.libraries import TRACKED
from pipeline.core.yaml import read_yaml

ROOT = Path(__file__).parents[2]
GRAPH = read_yaml(ROOT / "dvc.yaml")
PARAMS = read_yaml(ROOT / "params.yaml")
STAGES = ["download", "extract", "decode", "split", "train", "evaluate", "report"]
TEMPLATES = {
    "report": {
        "pipeline/report/templates/data_card.md.j2",
        "pipeline/report/templates/macros.html.j2",
        "pipeline/report/templates/model_card.md.j2",
        "pipeline/report/templates/page.css",
        "pipeline/report/templates/page.html.j2",
        "pipeline/report/templates/page.js",
        "pipeline/report/templates/report.html.j2",
        "pipeline/report/templates/report.js",
    }
}
"""Files of the code that are read, not imported."""


def imports(path):
    """The project's modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            base = ROOT / name.replace(".", "/")
            yield from (p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file())


def closure(program):
    found, waiting = set(), [program]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(imports(path))
    return {path.relative_to(ROOT).as_posix() for path in found}


def of(stage):
    return GRAPH["stages"][stage]["do"]


def code(stage):
    return {dep for dep in of(stage)["deps"] if dep.startswith(("pipeline/", "stages/"))}


def libraries(stage):
    for entry in of(stage)["params"]:
        if isinstance(entry, dict):
            return entry["libraries.yaml"]
    return []


def test_the_stages_are_the_designs():
    assert list(GRAPH["stages"]) == STAGES
    count = 4 * len(PARAMS["datasets"]) + 3 * len(PARAMS["runs"])
    assert count < 40


@pytest.mark.parametrize("stage", STAGES)
def test_code_that_a_stage_depends_on_is_what_its_program_imports(stage):
    assert code(stage) == closure(ROOT / f"stages/{stage}.py") | TEMPLATES.get(stage, set())


@pytest.mark.parametrize("stage", STAGES)
def test_library_versions_are_those_that_the_program_uses(stage):
    uses = importlib.import_module(f"stages.{stage}").USES
    assert list(libraries(stage)) == list(uses) == sorted(uses)
    assert set(uses) <= set(TRACKED)


@pytest.mark.parametrize("stage", STAGES)
def test_imported_libraries_that_can_change_an_output_are_tracked(stage):
    """A stage's modules import no tracked library that it does not list."""
    by_module = {
        "PIL": "pillow",
        "cv2": "opencv-python-headless",
        "sklearn": "scikit-learn",
        "vl_convert": "vl-convert-python",
        **{name: name for name in TRACKED},
    }
    imported = set()
    for path in code(stage) - TEMPLATES.get(stage, set()):
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module]
            imported |= {by_module.get(name.split(".")[0]) for name in names} - {None}
    # h5py and Pillow are used by Keras and Matplotlib. NumPy passes through extract untouched:
    # what it maps there is counted, not written.
    allowed = {"extract": {"numpy"}}.get(stage, set())
    assert imported - allowed <= set(libraries(stage))


def test_every_run_is_in_the_plots():
    for plot in GRAPH["plots"]:
        for name, definition in plot.items():
            runs = [Path(source).parts[2] for source in definition["y"]]
            assert runs == list(PARAMS["runs"]), name


def test_every_dataset_and_model_is_an_artifact():
    found = [(artifact["path"], artifact["type"]) for artifact in GRAPH["artifacts"].values()]
    expected = [(f"data/shards/{name}", "dataset") for name in PARAMS["datasets"]]
    expected += [(f"data/models/{name}", "model") for name in PARAMS["runs"]]
    assert sorted(found) == sorted(expected)
    for artifact in GRAPH["artifacts"].values():
        assert artifact["desc"]
        assert artifact["labels"]


def test_no_parameter_has_a_name_that_dvcs_run_cache_ignores():
    def keys(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from keys(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from keys(inner)

    assert not {"size", "nfiles"} & set(keys(PARAMS))


@pytest.mark.parametrize("stage", [s for s in STAGES if s not in ("train", "evaluate")])
def test_only_training_and_evaluation_import_tensorflow(stage):
    heavy = "tensorflow", "keras", "sklearn", "scipy"
    script = f"import sys, stages.{stage}; print(*sorted(set(sys.modules) & set({heavy!r})))"
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == []


def test_every_run_names_a_dataset_and_all_its_sections():
    for run in PARAMS["runs"].values():
        assert set(run) == {"dataset", "model", "train", "evaluate", "report"}
        assert run["dataset"] in PARAMS["datasets"]


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_can_cache_every_stages_run(stage):
    """DVC keeps no run of a stage with an uncached output that is neither metric nor plot."""
    assert all(isinstance(out, str) for out in of(stage).get("outs", []))
