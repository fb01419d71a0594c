"""The cache: a stage depends on what its program is seen to read, and on nothing else.

``test_graph.py`` computes from the sources what the programs may import. Here they run, on the tiny
project, each in a folder with its declared dependencies and nothing else.
"""

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from contextlib import chdir, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import h5py
import pyarrow.parquet as pq
import pytest
from dvc.dependency import ParamsDependency
from dvc.repo import Repo
from dvc.utils.serialize import dump_yaml

from pipeline.core.params import read_yaml
from tests.support.builders import ROOT, Project
from tests.support.graph import STAGES, code, declared, of, opened
from tests.support.repository import Copy

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("cache"),
    pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning"),  # in DVC
]

NAMES = "tiny_idx", "tiny_png"
USER = "a-user-of-no-such-name"
START = {"${item.network}": "cnn", "${item.weights}": "data/weights/none"}
"""What the runs here are of; both are read from the repository."""
SIDE_EFFECTS = "data/locks", "data/checkpoints", "logs"
"""Folders that a stage may write to beside its outputs; no result depends on them."""


def named(entries, name):
    """Yield the paths of dependencies or outputs, with ``name`` for the item."""
    for entry in entries:
        path = entry if isinstance(entry, str) else next(iter(entry))
        for key, value in {"${key}": name, "${item.dataset}": name, **START}.items():
            path = path.replace(key, value)
        yield path


def outputs(stage, name):
    do = of(stage)
    return set(named([*do.get("outs", []), *do.get("metrics", []), *do.get("plots", [])], name))


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if source.is_dir() else shutil.copy)(source, target)


class Recorded:
    """All stages of the tiny project, each run in a folder of its own.

    Attributes
    ----------
    project : Project
        With the outputs of all stages.
    records : dict
        Written by ``tests/support/recorder.py``, by (stage, name).
    surplus : dict
        Files that a stage wrote and does not declare, by (stage, name).
    folders : list of Path
        Where the programs ran.
    """

    def __init__(self, folder):
        self.folder = folder
        (folder / "all").mkdir()
        with chdir(folder / "all"):
            self.project = Project(folder / "all")
        self.project.set("datasets.tiny_png.decode.format", "npz")
        shutil.rmtree(self.project.folder / "data")
        self.records, self.surplus, self.folders = {}, {}, []
        for stage in STAGES:
            for name in NAMES:
                self.run(stage, name)

    def run(self, stage, name):
        alone, everything = self.folder / f"{stage} {name}", self.project.folder
        self.folders.append(alone)
        given = {"params.yaml", "libraries.yaml", *named(of(stage)["deps"], name)}
        given -= {*declared(stage), "networks/cnn.py", "data/weights/none"}
        for path in [*given, *["published"] * (stage == "download")]:
            copy(everything / path, alone / path)
        record = self.folder / f"{stage}-{name}.json"
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.recorder", stage, name],
            cwd=alone,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "RECORD": str(record),
                "USER": USER,
                "LOGNAME": USER,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{stage} {name}: {done.stderr}"
        self.records[stage, name] = json.loads(record.read_text())
        made = outputs(stage, name)
        for path in made:
            copy(alone / path, everything / path)
        allowed = tuple(f"{path}/" for path in (*given, *made, *SIDE_EFFECTS, "published"))
        files = {path.relative_to(alone).as_posix() for path in alone.rglob("*") if path.is_file()}
        self.surplus[stage, name] = {path for path in files if not f"{path}/".startswith(allowed)}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return Recorded(tmp_path_factory.mktemp("recorded"))


@pytest.mark.parametrize("stage", STAGES)
def test_code_that_a_stage_depends_on_is_what_its_program_loads(recorded, stage):
    loaded = {
        path
        for name in NAMES
        for kind in ("modules", "files")
        for path in recorded.records[stage, name][kind]
    }
    assert loaded == code(stage)


def leaves(value, place=()):
    """Return the leaves of nested mappings as tuples of keys; an empty mapping is a leaf too."""
    if not isinstance(value, dict) or not value:
        return {place}
    return {leaf for key in value for leaf in leaves(value[key], (*place, key))}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stage", STAGES)
def test_parameters_that_a_stage_depends_on_are_those_that_its_program_reads(recorded, stage, name):
    tracked = {"params.yaml": set(), "libraries.yaml": set()}
    for entry in of(stage)["params"]:
        for path, keys in (entry if isinstance(entry, dict) else {"params.yaml": [entry]}).items():
            values = read_yaml(recorded.project.folder / path)
            for key in keys:
                place = tuple(key.replace("${key}", name).split("."))
                value = values
                for part in place:
                    value = value[part]
                tracked[path] |= leaves(value, place)
    values = recorded.records[stage, name]["values"]
    for path, expected in tracked.items():
        assert {tuple(place) for place in values.get(path, [])} == expected, path


def test_a_stage_writes_what_it_declares_alone(recorded):
    assert recorded.surplus == {(stage, name): set() for stage in STAGES for name in NAMES}


def texts(path):
    """Yield all text of a file, unpacked."""
    content = path.read_bytes()
    yield content.decode("latin-1")
    if path.suffix == ".parquet":
        file = pq.ParquetFile(path)
        yield f"{file.metadata.created_by} {file.metadata.metadata} {file.schema_arrow.metadata}"
        for column in file.read():
            if str(column.type) in ("string", "binary"):
                yield repr(column.to_pylist())
    elif path.suffix == ".npz":
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                assert info.date_time == (1980, 1, 1, 0, 0, 0)
                yield archive.read(info).replace(b"\0\0\0", b"").decode("latin-1")  # UTF-32
    elif path.suffix == ".h5":
        with h5py.File(path) as file:
            seen = [repr([*file.attrs.items()])]
            file.visititems(lambda name, item: seen.append(f"{name} {[*item.attrs.items()]}"))
            yield "".join(seen)
    elif path.suffix == ".png":
        names, start = [], 8
        while start < len(content):
            names.append(content[start + 4 : start + 8])
            start += 12 + int.from_bytes(content[start : start + 4], "big")
        assert set(names) <= {b"IHDR", b"PLTE", b"pHYs", b"IDAT", b"IEND"}, names


def test_no_output_holds_a_clock_a_path_or_a_name_of_host_or_user(recorded):
    now = datetime.now(UTC)
    days = [now + timedelta(hours=hours) for hours in (-14, -1, 0, 14)]
    formats = "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%Y%m%d", "%b %d %Y", "%d %b %Y", "%Y:%m:%d"
    marks = {
        USER,
        socket.gethostname(),
        getpass.getuser(),
        str(ROOT),
        str(Path.home()),
        str(recorded.folder),
        sys.prefix,
        *(day.strftime(form) for day in days for form in formats),
    }
    marks = {mark for mark in marks if len(mark) > 4}  # shorter ones may stand there by chance
    seen = 0
    for stage in STAGES:
        for name in NAMES:
            for output in outputs(stage, name):
                path = recorded.project.folder / output
                for file in path.rglob("*") if path.is_dir() else [path]:
                    seen += 1
                    for text in texts(file):
                        assert not [mark for mark in marks if mark in text], file
    assert seen > 40


# What DVC makes of it


class Dry(Copy):
    """A copy of the repository with the demos alone, whose lock is of its own code.

    Nothing is run in it.
    """

    def __init__(self, folder):
        super().__init__(folder)
        self.forget_all_but("demo")
        params = read_yaml(folder / "params.yaml")
        for part in ("datasets", "runs"):
            params[part] = {name: params[part][name] for name in ("demo_idx", "demo_png")}
        dump_yaml(folder / "params.yaml", params)
        reports = {f"report@{name}" for name in params["runs"]}  # not committed on all machines
        self.locked = sorted({*self.lock(), *reports})
        with chdir(folder), Repo() as repo:
            stages = [stage for stage in repo.index.stages if stage.addressing in self.locked]
            for stage in stages:
                stage.save_deps(allow_missing=True)
            stages[0].dvcfile.dump_stages(stages, update_pipeline=False)

    def stale(self):
        """Return the stages that DVC would run, without datasets and runs."""
        with chdir(self.folder), Repo() as repo:
            status = repo.status()
        return self._stages(
            (name, state)
            for name in self.locked
            for entry in status.get(name, [])
            for state in entry.get("changed deps", {}).values()
        )

    def changed(self, path, text):
        """Return the stages that DVC would run if ``path`` had this text."""
        with self._written(path, text):
            return self.stale()

    def touched(self, paths):
        """Yield each of the files with the stages that DVC would run if it alone were changed.

        It is asked for the status of files and folders alone, whose graph is read once.
        """
        with chdir(self.folder), Repo() as repo:
            deps = [
                (stage.addressing, dep)
                for stage in repo.index.stages
                for dep in stage.deps
                if not isinstance(dep, ParamsDependency)
            ]
            for path in paths:
                with self._written(path, (self.folder / path).read_text() + "# touched\n"):
                    states = [
                        (name, state) for name, dep in deps for state in dep.status().values()
                    ]
                yield path, self._stages(states)

    @contextmanager
    def _written(self, path, text):
        file = self.folder / path
        before = file.read_text()
        file.write_text(text)
        try:
            yield
        finally:
            file.write_text(before)

    def _stages(self, states):
        """Return the stages of which all items are stale; none may have only some."""
        stale = {name for name, state in states if state != "deleted"}  # there is no data
        stages = {name.split("@")[0] for name in stale}
        assert stale == {name for name in self.locked if name.split("@")[0] in stages}
        return stages


@pytest.fixture(scope="module")
def dry(tmp_path_factory):
    return Dry(tmp_path_factory.mktemp("dry"))


def test_touching_a_module_runs_the_stages_that_load_it_and_no_other(recorded, dry):
    paths = list(opened(["pipeline", "stages"]))
    assert len(paths) > 120
    stale = dict(dry.touched(paths))
    loads = {
        path: {
            stage
            for (stage, _), record in recorded.records.items()
            if path in record["modules"] + record["files"]
        }
        for path in paths
    }
    assert stale == loads
    retrain = {Path(path).parts[1] for path in paths if "train" in stale[path]}
    assert {"core", "models", "train"} <= retrain
    elsewhere = {"predict", "evaluate", "report", "compare", "repository", "commands"}
    assert retrain & elsewhere == set()


LITTER = (
    "__pycache__/fit.cpython-311.pyc",
    ".ipynb_checkpoints/fit-checkpoint.py",
    ".idea/workspace.xml",
    "fit.py~",
    "fit.py.bak",
    "fit.py.orig",
    ".fit.py.swp",
    "#fit.py#",
    ".#fit.py",
    ".DS_Store",
)
"""Files that Python, Jupyter, editors and desktops leave beside code."""


def test_what_python_and_editors_leave_beside_code_runs_nothing(dry):
    folders = [path for path in (dry.folder / "pipeline").iterdir() if path.is_dir()]
    left = [folder / name for folder in folders for name in LITTER]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_text("left here")
    try:
        assert dry.stale() == set()
    finally:
        for path in left:
            path.unlink()


def test_a_new_module_runs_the_stages_that_depend_on_its_folder(dry):
    path = dry.folder / "pipeline/labels/another.py"
    path.write_text("# new\n")
    try:
        assert dry.stale() == {"decode"}
    finally:
        path.unlink()


def test_a_changed_module_is_seen_by_dvc_status(dry):
    """``touched`` asks for less than the command ``dvc status`` does, with the same answer."""
    path = "pipeline/train/loop.py"
    assert dry.changed(path, "# changed\n") == {"train"} == dict(dry.touched([path]))[path]


def test_an_untouched_tree_runs_nothing(dry):
    assert dry.changed("README.md", "Touched.\n") == set()
    assert (
        dry.changed("params.yaml", "# touched\n" + (dry.folder / "params.yaml").read_text())
        == set()
    )


@pytest.mark.parametrize(
    ("library", "stages"),
    [
        ("tensorflow", {"train", "evaluate"}),
        ("scikit-learn", {"split", "evaluate"}),
        ("py7zr", {"extract"}),
        ("matplotlib", {"report"}),
        ("pyarrow", set(STAGES) - {"download"}),
    ],
)
def test_another_version_of_a_library_runs_the_stages_that_use_it(dry, library, stages):
    text = (dry.folder / "libraries.yaml").read_text()
    version = read_yaml(dry.folder / "libraries.yaml")[library]
    changed = text.replace(f'{library}: "{version}"', f'{library}: "{version}.1"')
    assert changed != text
    assert dry.changed("libraries.yaml", changed) == stages


def test_another_version_of_a_tool_runs_nothing(dry):
    text = (dry.folder / "requirements-dev.lock").read_text()
    assert "\npytest==" in text
    assert dry.changed("requirements-dev.lock", text.replace("\npytest==", "\npytest==1.")) == set()
