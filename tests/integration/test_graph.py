"""dvc.yaml: every stage depends on exactly what its program imports, reads and is computed with."""

import ast
import importlib
import json
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import dvc.api
import grimp
import pytest
from dvc.utils.hydra import apply_overrides

from pipeline.core.libraries import TRACKED
from pipeline.core.params import read_yaml
from tests.support import graph
from tests.support.builders import ROOT
from tests.support.graph import GRAPH, RESIDUAL, STAGES, STUDY, TRANSFER, of

PARAMS = read_yaml(ROOT / "params.yaml")
BUNDLED_DATASETS = {"fashion_mnist", "demo_idx", "demo_png"}
BUNDLED_RUNS = BUNDLED_DATASETS | {"fashion_mnist_fast", "fashion_mnist_best"}
"""What the repository brings; a user's own may stand beside it in ``params.yaml``."""
ALL = [
    *((stage, GRAPH) for stage in STAGES),
    *((stage, STUDY) for stage in ("train", "evaluate", "ablation")),
    ("transfer", TRANSFER),  # the others are the main graph's
]


def name(value):
    named = {"main": GRAPH, "study": STUDY, "transfer": TRANSFER}
    return value if isinstance(value, str) else next(n for n in named if named[n] is value)


def libraries(stage, of_graph):
    for entry in of(stage, of_graph)["params"]:
        if isinstance(entry, dict):
            ((path, names),) = entry.items()
            if path.removeprefix("main/") == "libraries.yaml":
                return names
    return []


def test_the_stages_are_the_designs():
    assert tuple(GRAPH["stages"]) == STAGES
    assert list(STUDY["stages"]) == ["train", "evaluate", "ablation"]
    named = json.dumps(STUDY).replace("--graph ablation", "--graph residual")
    assert (
        json.loads(named.replace("stages.ablation ablation", "stages.ablation residual"))
        == RESIDUAL
    )
    own = {stage: GRAPH["stages"][stage] for stage in STAGES if stage != "report"}
    assert {**own, "transfer": TRANSFER["stages"]["transfer"]} == TRANSFER["stages"]


@pytest.mark.parametrize(("stage", "of_graph"), ALL, ids=name)
def test_code_that_a_stage_depends_on_is_what_its_program_imports(stage, of_graph):
    declared, program = graph.declared(stage, of_graph), f"stages/{stage}.py"
    assert declared == graph.expected(program)
    assert graph.code(stage, of_graph) == set(graph.opened(graph.expected(program)))


@pytest.mark.parametrize(("stage", "of_graph"), ALL, ids=name)
def test_a_stage_depends_on_at_most_eight_places_of_code(stage, of_graph):
    """Packages and modules, beside its program and ``pipeline/__init__.py``."""
    places = graph.places(graph.declared(stage, of_graph))
    assert len(places - {f"stages/{stage}.py", "pipeline/__init__.py"}) <= 8


@pytest.mark.parametrize(("stage", "of_graph"), ALL, ids=name)
def test_no_value_of_parameters_stands_in_a_command(stage, of_graph):
    """A shell runs it: a name would be a part of its text."""
    command = of(stage, of_graph)["cmd"]
    assert "$" not in command
    assert command.removeprefix("cd .. && ").startswith(f"python -m stages.{stage}")


def test_packages_but_three_have_an_empty_init():
    """So that a stage need not depend on them."""
    inits = ROOT.glob("pipeline/**/__init__.py")
    found = {path.parent.name for path in inits if path.stat().st_size}
    assert found == {"pipeline", "commands", "shards"}


def test_no_modules_import_each_other():
    imports = grimp.build_graph("pipeline")
    TopologicalSorter(
        {module: imports.find_modules_directly_imported_by(module) for module in imports.modules}
    ).prepare()  # raises CycleError


def test_packages_are_small():
    top = {path.stem for path in (ROOT / "pipeline").glob("*.py")}
    assert top == {"__init__", "__main__", "schema", "runs"}
    for folder in {path.parent for path in (ROOT / "pipeline").glob("*/**/*.py")}:
        assert len([path for path in folder.glob("*.py") if path.stem != "__init__"]) <= 12, folder


@pytest.mark.parametrize("of_graph", [GRAPH, STUDY], ids=name)
def test_what_only_predicts_compares_reports_or_shares_does_not_retrain(of_graph):
    elsewhere = "predict", "compare", "report", "repository", "commands", "doctor", "new_dataset"
    folders = tuple(f"pipeline/{folder}/" for folder in (*elsewhere, "evaluate", "ablation"))
    assert [path for path in graph.code("train", of_graph) if path.startswith(folders)] == []


@pytest.mark.parametrize(("stage", "of_graph"), ALL, ids=name)
def test_library_versions_are_those_that_the_program_uses(stage, of_graph):
    uses = importlib.import_module(f"stages.{stage}").USES
    assert list(libraries(stage, of_graph)) == list(uses) == sorted(uses)
    assert set(uses) <= set(TRACKED)


@pytest.mark.parametrize("stage", STAGES)
def test_imported_libraries_that_can_change_an_output_are_tracked(stage):
    """A stage's modules import no tracked library that it does not list."""
    by_module = {
        "PIL": "pillow",
        "cv2": "opencv-python-headless",
        "sklearn": "scikit-learn",
        "vl_convert": "vl-convert-python",
        **{library: library for library in TRACKED},
    }
    imported = set()
    for path in graph.modules(f"stages/{stage}.py"):
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module]
            imported |= {by_module.get(found.split(".")[0]) for found in names} - {None}
    # h5py and Pillow are used by Keras and Matplotlib. NumPy passes through extract untouched:
    # what it maps there is counted, not written.
    allowed = {"extract": {"numpy"}}.get(stage, set())
    assert imported - allowed <= set(libraries(stage, GRAPH))


def test_a_dataset_or_run_of_ones_own_needs_no_edit_here():
    """What is listed by name is the repository's own."""
    for artifact in GRAPH["artifacts"].values():
        place, own = Path(artifact["path"]).parts[1:]
        assert own in {"shards": BUNDLED_DATASETS, "models": BUNDLED_RUNS}[place]
        assert artifact["type"] == {"shards": "dataset", "models": "model"}[place]
        assert artifact["desc"]
        assert artifact["labels"]
    for plot in GRAPH["plots"]:
        for definition in plot.values():
            assert {Path(source).parts[2] for source in definition["y"]} <= BUNDLED_RUNS


def test_an_experiment_changes_the_line_of_its_value_alone(tmp_path):
    """DVC writes the file anew, lists and long lines in its own form."""
    if set(PARAMS["datasets"]) != BUNDLED_DATASETS or set(PARAMS["runs"]) != BUNDLED_RUNS:
        pytest.skip("what is here beside what the repository brings has a form of its own")
    before = (ROOT / "params.yaml").read_text()
    path = tmp_path / "params.yaml"
    path.write_text(before)
    apply_overrides(path, ["defaults.train.optimizer.learning_rate=0.5"])
    assert path.read_text() == before.replace("learning_rate: 0.001,", "learning_rate: 0.5,")
    path.write_text(before)
    apply_overrides(path, ["++runs.demo_idx.model.dropout=0.3"])
    head, tail = before.split("  demo_idx:\n    dataset: demo_idx\n")
    tail = tail.replace("    model: {}\n", "    model:\n      dropout: 0.3\n", 1)
    assert path.read_text() == f"{head}  demo_idx:\n    dataset: demo_idx\n{tail}"


def test_no_parameter_has_a_name_that_dvcs_run_cache_ignores():
    def keys(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from keys(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from keys(inner)

    bundled = {part: dict(PARAMS[part]) for part in ("datasets", "runs", "defaults")}
    assert not {"size", "nfiles"} & set(keys(bundled))


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
        sections = {"model", "train", "evaluate", "report"}
        assert set(run) == {"dataset", "network", "weights"} | sections
        assert run["dataset"] in PARAMS["datasets"]


@pytest.mark.parametrize("of_graph", [GRAPH, STUDY], ids=name)
def test_a_run_depends_on_its_own_network_and_start_alone(of_graph):
    deps = graph.deps("train", of_graph)
    assert [dep for dep in deps if dep.startswith("networks")] == ["networks/${item.network}.py"]
    assert "${item.weights}" in deps


@pytest.mark.parametrize(("stage", "of_graph"), ALL, ids=name)
def test_what_dvc_collects_as_metrics_is_short(stage, of_graph):
    """Each value of a file that is declared as a metric is a column of ``dvc exp show``."""
    declared = [path for entry in of(stage, of_graph).get("metrics", []) for path in entry]
    short = {"evaluate": "metrics/runs/${key}/metrics.json"}
    short |= {study: f"metrics/{study}.json" for study in ("ablation", "transfer")}
    assert declared == ([short[stage]] if stage in short else [])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC
def test_other_projects_read_the_metrics_of_every_run():
    if set(PARAMS["runs"]) != BUNDLED_RUNS:
        pytest.skip("a run of one's own may not have been evaluated")
    shown = dvc.api.metrics_show(repo=str(ROOT))
    assert {Path(key).parent.name for key in shown} == BUNDLED_RUNS
    assert shown["metrics/runs/fashion_mnist/metrics.json:accuracy"] == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_can_cache_every_stages_run(stage):
    """DVC keeps no run of a stage with an uncached output that is neither metric nor plot."""
    for out in of(stage).get("outs", []):
        assert isinstance(out, str) or "cache" not in next(iter(out.values()))
