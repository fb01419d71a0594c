"""A real Dask scheduler and workers on the loopback."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import pytest

from pipeline.core import paths
from pipeline.core.errors import ClusterError
from pipeline.decode.archive import decode_archive
from pipeline.decode.idx import decode_idx
from pipeline.decode.params import ArchiveDecode, IdxDecode
from pipeline.execution import dask as dask_cluster
from pipeline.execution import workers
from pipeline.extract.archive import ArchiveExtract, extract_archive
from pipeline.extract.idx import IdxExtract, extract_idx
from tests.support import builders, dask
from tests.support.builders import CLASSES, ROOT, until

pytestmark = [
    pytest.mark.xdist_group("dask"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # distributed's sockets
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The project's folder, which the cluster shares."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def cluster(folder):
    with dask.running(folder) as started:
        yield started


@pytest.fixture
def project(folder, monkeypatch):
    """An empty project in the shared folder, entered."""
    monkeypatch.chdir(folder)
    shutil.rmtree("published", ignore_errors=True)
    shutil.rmtree("data", ignore_errors=True)
    return builders.Project(folder)


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A cluster's folder that no other test uses, entered."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def run(tasks, address):
    return dict(dask_cluster.run(tasks, address))


@pytest.mark.slow
def test_the_same_bytes_as_alone(project, cluster, monkeypatch):
    pairs = builders.IDX_FILES
    found = []
    for name in "alone", "cluster":
        for kind in "idx", "png":
            paths.extracted(f"{name}_{kind}").parent.mkdir(parents=True, exist_ok=True)
        extract_idx(
            paths.raw("tiny_idx"), IdxExtract.model_validate(pairs), paths.extracted(f"{name}_idx")
        )
        extract_archive(
            paths.raw("tiny_png"),
            ArchiveExtract(archive="train.7z", labels="trainLabels.csv", part_rows=7),
            paths.extracted(f"{name}_png"),
        )
        decode_idx(
            paths.extracted(f"{name}_idx"),
            IdxDecode(classes=CLASSES, shard_rows=9),
            paths.shards(f"{name}_idx"),
        )
        decode_archive(
            paths.extracted(f"{name}_png"),
            ArchiveDecode(classes=CLASSES, shape=(8, 8, 3)),
            paths.shards(f"{name}_png"),
        )
        folders = [
            of(f"{name}_{k}") for k in ("idx", "png") for of in (paths.extracted, paths.shards)
        ]
        found.append([content(folder) for folder in folders])
        monkeypatch.setenv(workers.SCHEDULER, cluster.address)
    assert found[0] == found[1]
    assert [len(files) for files in found[0]] == [4, 7, 6, 6]
    logs = [(project.folder / f"worker-{n}.log").read_text() for n in (1, 2)]
    assert all("Run out-of-band function 'check'" in log for log in logs)
    assert not list(project.folder.glob("data/.client-*"))


@pytest.mark.slow
def test_a_stage_on_a_cluster(project, cluster):
    """The program: what it prints, and an error in the data, which is the task's own."""
    project.run("extract", "tiny_png")
    env = {workers.SCHEDULER: cluster.address}
    done = project.run("decode", "tiny_png", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("decode tiny_png: 30 images")
    project.set("datasets.tiny_png.decode.shape", [8, 9, 3])
    failed = project.run("decode", "tiny_png", env=env)
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert "is 8x8 pixels, not 9x8" in failed.stderr
    assert not list(project.folder.glob("data/shards/*.incomplete"))


@pytest.mark.slow
def test_an_interruption_ends_it_and_keeps_what_is_finished(project, cluster):
    builders.archive_dataset(project.folder / "data/raw/tiny_png", n=200, shape=(99, 99, 3))
    project.set("datasets.tiny_png.extract.part_rows", 2)
    project.set("datasets.tiny_png.decode.shape", [99, 99, 3])
    project.run("extract", "tiny_png")
    work = project.folder / "data/shards/tiny_png.incomplete"
    with project.start("decode", "tiny_png", env={workers.SCHEDULER: cluster.address}) as process:
        until(lambda: list(work.glob("*.record.json")))
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait() == 130
        assert process.stderr.read() == "\ndecode tiny_png: interrupted\n"
    assert list(work.glob("*.record.json"))
    done = project.run("decode", "tiny_png", env={workers.SCHEDULER: cluster.address})
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_killed_worker_costs_only_its_part(alone, monkeypatch):
    builders.archive_dataset(alone / "raw", n=60, shape=(99, 99, 3))
    extract = ArchiveExtract(archive="train.7z", labels="trainLabels.csv", part_rows=2)
    extract_archive(alone / "raw", extract, alone / "extracted")
    decode = ArchiveDecode(classes=CLASSES, shape=(99, 99, 3))
    finished = {}

    def kill(work, worker):
        until(lambda: list(work.glob("*.record.json")))
        finished.update({p.name: p.stat().st_ino for p in work.glob("part-*.parquet")})
        worker.kill()

    with dask.running(alone) as cluster:
        monkeypatch.setenv(workers.SCHEDULER, cluster.address)
        killing = threading.Thread(
            target=kill, args=(alone / "shards.incomplete", cluster.workers[0])
        )
        killing.start()
        decode_archive(alone / "extracted", decode, alone / "shards")
        killing.join()
    found = {path.name: path.stat().st_ino for path in (alone / "shards").iterdir()}
    assert len(found) == 31
    assert 1 <= len(finished) < 30
    assert finished.items() <= found.items()  # they were not made again
    monkeypatch.delenv(workers.SCHEDULER)
    decode_archive(alone / "extracted", decode, alone / "alone")
    assert content(alone / "shards") == content(alone / "alone")


def test_no_scheduler(alone, monkeypatch):
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 0.2)
    for address in "tcp://127.0.0.1:1", "nowhere://127.0.0.1:1":
        with pytest.raises(ClusterError, match=f"no scheduler answers at {address} .*start one"):
            run([int], address)


@pytest.mark.slow
def test_workers_that_are_not_like_this_process(alone, monkeypatch):
    """None at all, then one after the other of other code, versions, and in other folders."""
    monkeypatch.setattr(dask_cluster, "WORKER_SECONDS", 0.5)
    other = alone / "other"
    shutil.copytree(ROOT / "pipeline", other / "code/pipeline")
    with (other / "code/pipeline/shards/shard.py").open("a") as file:
        file.write("# changed\n")
    (other / "libraries/pyarrow-1.2.3.dist-info").mkdir(parents=True)
    metadata = other / "libraries/pyarrow-1.2.3.dist-info/METADATA"
    metadata.write_text("Metadata-Version: 2.1\nName: pyarrow\nVersion: 1.2.3\n")
    kinds = [
        (
            {"env": {"PYTHONPATH": str(other / "code")}},
            r"pipeline/shards/shard\.py is of other code",
        ),
        (
            {"env": {"PYTHONPATH": f"{other / 'libraries'}:{ROOT}"}},
            r"pyarrow is 1\.2\.3, not \d+\.",
        ),
        ({"folder": other}, f"runs in {other}; start it in {alone}"),
    ]
    with dask.running(alone, workers=0) as cluster:
        with pytest.raises(ClusterError, match=r"has had no worker for 0\.5 s; start some with"):
            run([int], cluster.address)
        monkeypatch.setattr(dask_cluster, "WORKER_SECONDS", 60)
        for options, message in kinds:
            worker = cluster.add_worker(**options)
            with pytest.raises(ClusterError, match=rf"^worker tcp://\S+ .*{message}"):
                run([int], cluster.address)
            worker.kill()
            worker.wait()
        cluster.add_worker()
        assert run([int, partial(int, "5")], cluster.address) == {0: 0, 1: 5}
        late = dask_cluster.run([partial(time.sleep, 0.1)] * 600, cluster.address)
        next(late)
        cluster.add_worker(**kinds[0][0])  # it joins while the others are at work
        with pytest.raises(ClusterError, match=kinds[0][1]):
            list(late)


def test_a_copy_of_the_folder_is_not_shared(alone):
    (alone / "data").mkdir()
    assert "has a " in dask_cluster.check(str(alone / "data/.client-1"), {})


def die():
    os._exit(1)


@pytest.mark.slow
def test_a_task_that_ends_its_workers(alone, monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    with (
        dask.running(alone, workers=1) as cluster,
        pytest.raises(ClusterError, match="one task ended 1 workers, most often because memory"),
    ):
        run([die], cluster.address)


@pytest.mark.slow
def test_a_scheduler_that_is_lost(alone):
    with dask.running(alone, workers=1) as cluster:
        results = dask_cluster.run([int, partial(time.sleep, 60)], cluster.address)
        assert next(results) == (0, 0)
        cluster.scheduler.kill()
        with pytest.raises(ClusterError, match=r"the scheduler at \S+ is lost"):
            next(results)


def test_dask_is_not_imported_where_it_is_not_used():
    script = (
        "import sys, stages.decode, stages.extract\n"
        "print({'dask', 'distributed'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
