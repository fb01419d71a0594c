"""A FIFO in the place of any file that stages and commands read: one line, and nobody waits."""

import os
import shutil
import socket
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.archives.limits import Limits
from pipeline.compare import gate
from pipeline.core import files, libraries, paths, process_lock
from pipeline.core.errors import PipelineError, explain
from pipeline.core.params import Params
from pipeline.evaluate import confusion
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.predictions import Predictions
from pipeline.execution.checkpoints import Checkpoint
from pipeline.models import history, weights
from pipeline.predict import inputs
from pipeline.shards.index import Index
from pipeline.subsets import split as split_file
from pipeline.subsets.data_card import DataCard
from stages import decode, download, extract, split

SECONDS = 5
STAGES = {"download": download, "extract": extract, "decode": decode, "split": split}
INPUTS = {"extract": paths.raw, "decode": paths.extracted, "split": paths.shards}


@contextmanager
def nobody_waits(fifo):
    """Fail if a reader waits at a FIFO for some seconds; let it go on then."""
    waited, done = [], threading.Event()

    def watch():
        if not done.wait(SECONDS):
            try:
                os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
                waited.append(True)
            except OSError:  # nobody reads
                pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    assert not waited, f"something waited at {fifo}"


def refused(fifo, read):
    """Call ``read``; return the line in which it ends."""
    with nobody_waits(fifo), pytest.raises((PipelineError, OSError)) as caught:
        read()
    line = explain(caught.value)
    assert line
    assert "\n" not in line
    return line


def instead(path):
    """Put a FIFO in the place of a file."""
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("name", ["tiny_idx", "tiny_png"])
@pytest.mark.parametrize("stage", INPUTS)
def test_what_a_stage_reads(project, tmp_path_factory, stage, name):
    for earlier in list(STAGES)[: list(STAGES).index(stage)]:
        STAGES[earlier].work(name)
    kept = tmp_path_factory.mktemp("kept")
    for path in sorted(INPUTS[stage](name).iterdir()):
        shutil.move(path, kept / path.name)
        line = refused(instead(path), lambda: STAGES[stage].work(name))
        assert "plain file" in line, line
        path.unlink()
        shutil.move(kept / path.name, path)


def test_what_is_there_already_and_a_source(project):
    path = next(paths.raw("tiny_idx").iterdir())
    with nobody_waits(instead(path)):
        download.work("tiny_idx")
    assert path.is_file()
    path.unlink()
    source = instead(project.folder / "published/tiny_idx" / path.name)
    assert "could not be fetched" in refused(source, lambda: download.work("tiny_idx"))


@pytest.mark.parametrize("name", ["params.yaml", "libraries.yaml"])
def test_parameters(project, name):
    read = (lambda: libraries.check(["numpy"])) if name == "libraries.yaml" else Params.read
    assert "plain file" in refused(instead(Path(name)), read)


READERS = {
    "index.json": lambda path: Index.read(path.parent),
    "split.parquet": split_file.read,
    "predictions.parquet": Predictions.read,
    "data.json": DataCard.read,
    "evaluation.json": Evaluation.read,
    "history.csv": history.read,
    "confusion.csv": confusion.read,
    "gate.yaml": lambda path: Params.read(path).section(gate.GateParams),
    "requirements.lock": libraries.write,
    "sha256": files.sha256,
    "model.weights.h5": weights.opened,
}


@pytest.mark.parametrize("name", READERS)
def test_what_else_is_read(tmp_path, name):
    path = instead(tmp_path / name)

    def read():
        found = READERS[name](path)
        if hasattr(found, "__enter__"):
            with found:
                pass

    refused(path, read)


def test_checkpoints_and_locks(tmp_path):
    path = instead(tmp_path / "state.npz")
    with nobody_waits(path):
        assert Checkpoint(path, "key").read() is None
    for name in ("train.lock", "train.pid"):
        lock = instead(tmp_path / name)

        def hold():
            with process_lock.held("train", tmp_path):
                pass

        assert "is no lock of this project's" in refused(lock, hold)
        lock.unlink()


@pytest.mark.parametrize("name", ["a.png", "a.idx", "a.zip", "a.tar.gz"])
def test_an_image_to_classify(tmp_path, name):
    path = instead(tmp_path / name)
    with nobody_waits(path):
        for source in inputs.find([str(path)], Limits(1 << 20, 1 << 20)):
            if not isinstance(source, Exception):
                for item in source.items():
                    with pytest.raises((PipelineError, OSError)):
                        item.read()


@pytest.mark.parametrize("name", ["dvc.lock", "dvc.yaml", ".dvc/config", "params.yaml"])
def test_what_dvc_reads(project, name):
    from dvc.repo import Repo

    from pipeline.repository import lock_edit

    Repo.init(".", no_scm=True).close()
    Path("dvc.yaml").write_text("stages: {}\n")
    fifo = instead(Path(name))
    assert refused(fifo, lambda: lock_edit.recorded(["train@x"])).startswith(f"{name} is no plain")


def test_a_socket_and_a_device(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        for path in (Path("s"), Path(os.devnull), Path("/dev/zero")):
            for read in (Params.read, files.read_json, files.sha256, files.read_text):
                with pytest.raises((PipelineError, OSError)):
                    read(path)
