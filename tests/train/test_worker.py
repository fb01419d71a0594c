"""Training on two machines: a chief and a worker, each a process of its own, on the loopback."""

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
from pipeline.train import multi_worker
from pipeline.train import multi_worker as cluster
from tests.support import builders
from tests.support.builders import ROOT, until

pytestmark = pytest.mark.xdist_group("worker")

RUN = "tiny_png"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A project whose data is decoded and divided."""
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
    """The project on the chief."""
    return copy(prepared, tmp_path / "chief")


@pytest.fixture
def other(prepared, tmp_path):
    """The project on the worker, which shares no folder with the chief."""
    return copy(prepared, tmp_path / "worker")


def copy(project, folder):
    shutil.copytree(project.folder, folder)
    return project.copy(folder)


class Machines:
    """What ``TF_CONFIG`` is on each of two machines."""

    def __init__(self):
        with socket.socket() as one, socket.socket() as two:
            for taken in one, two:
                taken.bind(("127.0.0.1", 0))
            self.addresses = [f"127.0.0.1:{taken.getsockname()[1]}" for taken in (one, two)]

    def env(self, index):
        task = {"type": "worker", "index": index}
        value = {"cluster": {"worker": self.addresses}, "task": task}
        return {cluster.TF_CONFIG: json.dumps(value)}


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
    """The process, which is ended at last."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def end(process):
    """Its status, output and errors."""
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def together(project, other):
    """Train on both; return what they said."""
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
def test_no_other_stage_heeds_the_variable(project):
    """Nor does it wait for anybody."""
    assert project.run("train", RUN).returncode == 0
    assert project.run("evaluate", RUN, env=Machines().env(0)).returncode == 0


def test_what_is_for_the_chief_is_refused_on_a_worker_and_the_other_way_round(project):
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
    shutil.copytree(ROOT / "pipeline", code / "pipeline")
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
            differs = f"{machines.addresses[1]} differs from the chief: pipeline.train.loop is of "
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
        assert time.monotonic() - since < multi_worker.LOST_SECONDS
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
