"""Training on several machines: here a chief and a worker, each a process, on the loopback."""

import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import chdir, contextmanager

import h5py
import numpy as np
import pytest

from pipeline.core import errors
from pipeline.core.errors import ParameterError
from pipeline.train import multi_worker
from tests.support import builders, graph
from tests.support.builders import ROOT, until

pytestmark = pytest.mark.xdist_group("worker")

LOST_SECONDS = 60
"""Time within which the loss of a machine ends the training on the others."""

RUN = "tiny_png"
TWO = {"worker": ["a:1", "b:2"]}
THREE = {"chief": ["c:3"], "worker": ["a:1", "b:2"]}


@pytest.fixture
def given(monkeypatch):
    def give(machines, kind="worker", index=0, **more):
        task = {"type": kind, "index": index}
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": machines, "task": task, **more}))

    return give


@pytest.mark.parametrize(
    ("machines", "kind", "index", "rank"),
    [
        (TWO, "worker", 0, 0),
        (TWO, "worker", 1, 1),
        (THREE, "chief", 0, 0),
        (THREE, "worker", 0, 1),
        (THREE, "worker", 1, 2),
    ],
)
def test_the_chief_and_the_ranks(given, machines, kind, index, rank):
    given(machines, kind, index, environment="cloud")  # which Kubeflow sets
    found = multi_worker.read()
    assert found.rank == rank
    assert found.is_chief == (rank == 0)
    assert found.addresses == (*machines.get("chief", ()), "a:1", "b:2")


def test_one_machine_is_no_cluster(given, monkeypatch):
    given({"worker": ["a:1"]})
    assert multi_worker.read() is None
    monkeypatch.delenv("TF_CONFIG")
    assert multi_worker.read() is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"TF_CONFIG is not JSON"),
        ("[" * 100_000, r"TF_CONFIG is not JSON"),
        (
            '{"cluster": {"worker": ["a\\u001b:1"]}, "task": {"type": "worker", "index": 0}}',
            r"TF_CONFIG: cluster\.worker\[0\]: .* pattern ",
        ),
        ("[]", r"TF_CONFIG must be a mapping of cluster and task, got \[\]"),
        ("{}", r"TF_CONFIG: cluster: is missing; task: is missing"),
        (
            '{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}',
            r"TF_CONFIG: cluster\.worker\[0\]: .* pattern .*, got \"a\"",
        ),
        (
            '{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
            r"cluster\.ps: unknown key.* allowed: chief, worker; task\.type: .*got \"ps\"",
        ),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            r"task is worker 1, but cluster has 1 of them",
        ),
    ],
)
def test_an_impossible_cluster_is_refused(monkeypatch, text, message):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ParameterError, match=message):
        multi_worker.read()


def test_each_machine_starts_its_own_program(given, monkeypatch):
    given(TWO, "worker", 1)
    multi_worker.expect(chief=False, run="mine")
    with pytest.raises(
        ParameterError, match=r"worker b:2; start here: python -m pipeline worker m"
    ):
        multi_worker.expect(chief=True, run="mine")
    given(TWO)
    multi_worker.expect(chief=True, run="mine")
    with pytest.raises(ParameterError, match="makes this machine the chief"):
        multi_worker.expect(chief=False, run="mine")
    monkeypatch.delenv("TF_CONFIG")
    multi_worker.expect(chief=True, run="mine")
    with pytest.raises(ParameterError, match="names no other machine"):
        multi_worker.expect(chief=False, run="mine")


def test_all_code_that_trains_is_compared():
    script = (
        "import sys, stages.train; print(*(name for name in sys.modules if 'pipeline' in name))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    compared = {*done.stdout.split(), *multi_worker.LATER}
    needed = {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path in graph.modules("stages/train.py")
    }
    assert needed - {"stages.train"} <= compared


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Return a project whose data is decoded and split."""
    folder = tmp_path_factory.mktemp("prepared")
    with chdir(folder):
        project = builders.Project(folder)
    project.set("defaults.model", {"filters": [4], "dense": [8], "dropout": 0.3})
    project.set("defaults.train.shuffle", True)
    project.set("defaults.train.drop_remainder", False)
    for stage in "extract", "decode", "split":
        done = project.run(stage, RUN)
        assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def project(prepared, tmp_path):
    """Return the chief's copy of the project."""
    return copy(prepared, tmp_path / "chief")


@pytest.fixture
def other(prepared, tmp_path):
    """Return the worker's copy of the project, which shares no folder with the chief's."""
    return copy(prepared, tmp_path / "worker")


def copy(project, folder):
    shutil.copytree(project.folder, folder)
    return project.copy(folder)


class Machines:
    """Two machines, with the ``TF_CONFIG`` of each."""

    def __init__(self):
        with socket.socket() as one, socket.socket() as two:
            for taken in one, two:
                taken.bind(("127.0.0.1", 0))
            self.addresses = [f"127.0.0.1:{taken.getsockname()[1]}" for taken in (one, two)]

    def env(self, index):
        task = {"type": "worker", "index": index}
        value = {"cluster": {"worker": self.addresses}, "task": task}
        return {multi_worker.TF_CONFIG: json.dumps(value)}


def start_worker(project, machines, index=1, **env):
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", "worker", RUN],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **machines.env(index), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@contextmanager
def killed(process):
    """Yield a process, and kill it at the end."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def end(process):
    """Wait for a process; return its status, output and errors."""
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def together(project, other):
    """Train on both; return the status, output and errors of each."""
    machines = Machines()
    with (
        killed(project.start("train", RUN, env=machines.env(0))) as chief,
        killed(start_worker(other, machines)) as worker,
    ):
        return end(chief), end(worker)


def weights(folder):
    found = {}
    with h5py.File(folder / f"data/models/{RUN}/model.weights.h5") as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


def history(folder):
    with (folder / f"metrics/runs/{RUN}/history.csv").open() as file:
        return [{k: float(v or "nan") for k, v in row.items()} for row in csv.DictReader(file)]


def files_of(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_two_machines_train_as_one(project, other):
    for machine in project, other:
        machine.set("defaults.model.dropout", 0.0)  # its masks are drawn on each machine
    before = files_of(other.folder)
    chief, worker = together(project, other)
    assert (chief[0], chief[2]) == (worker[0], worker[2]) == (0, "")
    epochs = [
        [line.split(";")[0] for line in out.splitlines()[1:-1]] for _, out, _ in (chief, worker)
    ]
    assert epochs[0] == epochs[1]  # the same losses
    assert len(epochs[0]) == 2
    assert files_of(other.folder) == before  # the chief alone has the result
    found = weights(project.folder), history(project.folder)
    alone = project.run("train", RUN)
    assert alone.returncode == 0, alone.stderr
    expected = weights(project.folder), history(project.folder)
    assert found[0].keys() == expected[0].keys()
    for name, values in expected[0].items():
        np.testing.assert_allclose(found[0][name], values, atol=1e-5, err_msg=name)
    for mine, theirs in zip(found[1], expected[1], strict=True):
        assert mine == pytest.approx(theirs, abs=1e-5, nan_ok=True)


@pytest.mark.slow
def test_other_stages_ignore_the_variable(project):
    """Evaluation waits for no other machine."""
    assert project.run("train", RUN).returncode == 0
    assert project.run("evaluate", RUN, env=Machines().env(0)).returncode == 0


def test_the_chiefs_program_is_refused_on_a_worker_and_the_workers_on_the_chief(project):
    machines = Machines()
    failed = project.run("train", RUN, env=machines.env(1))
    assert failed.returncode == 1
    assert f"worker {machines.addresses[1]}; start here: python -m pipeline worker {RUN}" in (
        failed.stderr
    )
    with killed(start_worker(project, machines, 0)) as worker:
        status, _, err = end(worker)
    assert (status, err.count("\n")) == (1, 1)
    assert "makes this machine the chief; start dvc repro here" in err


@pytest.mark.slow
def test_machines_that_differ_are_named_on_all(project, other, tmp_path):
    code = tmp_path / "code"
    for name in ("pipeline", "networks"):
        shutil.copytree(ROOT / name, code / name)
    with (code / "pipeline/train/loop.py").open("a") as file:
        file.write("# changed\n")
    other.set("defaults.train.batch_size", 5)
    other.set(f"datasets.{RUN}.split.seed", 1)
    assert other.run("split", RUN).returncode == 0
    machines = Machines()
    with (
        killed(project.start("train", RUN, env=machines.env(0))) as chief,
        killed(start_worker(other, machines, PYTHONPATH=str(code))) as worker,
    ):
        for status, _, err in (end(chief), end(worker)):
            assert status == 1
            assert err.count("\n") == 1
            differs = (
                f"{machines.addresses[1]} differs from the chief: pipeline/train/loop.py is of "
            )
            assert differs + "other code; other parameters, other data. Bring all" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lost", "number"),
    [(0, signal.SIGSTOP), (1, signal.SIGKILL)],
    ids=["silent chief", "killed worker"],
)
def test_a_machine_that_is_lost_ends_the_other_and_a_restart_goes_on(project, other, lost, number):
    for machine in project, other:
        machine.set("defaults.train.epochs", 40)
    whole = project.copy(project.folder.with_name("whole"))
    shutil.copytree(project.folder, whole.folder)
    machines = Machines()
    with (
        killed(project.start("train", RUN, env=machines.env(0))) as chief,
        killed(start_worker(other, machines)) as worker,
    ):
        until((project.folder / f"data/checkpoints/{RUN}.npz").exists, 300)
        gone, left = (chief, worker) if lost == 0 else (worker, chief)
        gone.send_signal(number)
        since = time.monotonic()
        status, _, err = end(left)
        assert time.monotonic() - since < LOST_SECONDS
        assert status == 1
        assert err.endswith(f": {errors.LOST}\n")
        gone.kill()
    assert not (project.folder / f"data/models/{RUN}").exists()
    chief, worker = together(project, other)
    assert (chief[0], worker[0]) == (0, 0), chief[2] + worker[2]
    for _, out, _ in chief, worker:
        assert "going on after epoch " in out
    together(whole, other)
    model = f"data/models/{RUN}/model.weights.h5"
    assert (project.folder / model).read_bytes() == (whole.folder / model).read_bytes()
