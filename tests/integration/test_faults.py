"""Faults of a machine, end to end: disk, memory, network and signals."""

import os
import re
import shutil
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from pipeline.download import fetch
from tests.support import builders
from tests.support.builders import ROOT, until
from tests.support.graph_project import DvcProject
from tests.support.http_server import Reply, serve

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]

STAGES = {
    "download": "data/raw",
    "extract": "data/extracted",
    "decode": "data/shards",
    "split": "data/splits",
    "train": "data/models",
    "evaluate": "data/predictions",
    "report": "metrics/runs/tiny_idx",
}
"""The folder that each stage's output is made in."""


def made(project, stage):
    """Return the names of a stage's outputs for ``tiny_idx``, complete or not."""
    return {path.name for path in (project.folder / STAGES[stage]).glob("*tiny_idx*")}


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    project = DvcProject(tmp_path_factory.mktemp("project"))
    project.set("defaults.model.dense", [2000])  # more weights than HDF5 keeps in its buffers
    done = project.repro("report@tiny_idx")
    assert done.returncode == 0, done.stdout
    return project


@pytest.fixture
def dvc_project(tmp_path):
    return DvcProject(tmp_path)


@cache
def mounting():
    """Return a command that starts another one with mounts of its own, or None."""
    for command in (["unshare", "-m"], ["unshare", "-Urm"]):
        try_ = [*command, "/bin/sh", "-c", "mount -t tmpfs none /mnt"]
        if shutil.which("unshare") and not subprocess.run(try_, capture_output=True).returncode:
            return command
    return None


EPOCH = "(epoch|going on after epoch)"
"""How a training's lines begin."""

needs_mount = pytest.mark.skipif(
    not mounting(), reason="no file system can be mounted: neither root nor user namespaces"
)

FULL = """
cp -a "$1" "$2"
mount -t tmpfs -o size=16m none "$1"
cp -a "$2"/. "$1"
rm -rf "$1"/tiny_idx* "$1"/figures "$1"/report.html
cat /dev/zero > "$1"/filler
truncate --size=-"$FREE" "$1"/filler
shift 2
"$@"; echo "status $?:" $(ls "$FOLDER")
rm "$FOLDER"/filler
"$@"; echo "status $?:" $(ls "$FOLDER")
"""
"""A script that runs a command twice: with its folder on a full disk, then with some space."""


@needs_mount
@pytest.mark.parametrize(("stage", "folder"), [*STAGES.items(), ("train", "data/checkpoints")])
def test_a_full_disk_is_one_line_and_the_next_repro_goes_on(reproduced, tmp_path, stage, folder):
    repro = ["dvc", "repro", "-s", "-f", "--no-run-cache", f"{stage}@tiny_idx"]
    script = ["/bin/sh", "-c", FULL, "sh", folder, str(tmp_path / "copy"), *repro]
    (reproduced.folder / folder).mkdir(exist_ok=True)
    free = "200K" if folder == "data/models" else "0"  # for HDF5 to begin, and not to end
    out = reproduced.call(*mounting(), *script, FOLDER=folder, FREE=free).stdout
    (first, there), (second, then) = re.findall(r"^status (\d+):(.*)$", out, re.M)
    assert (first == "0", second) == (False, "0"), out
    assert re.search(
        rf"^{stage} tiny_idx: No space left on device: {folder}.*; free some space there and run "
        rf"this again\nERROR: failed to reproduce '{stage}@tiny_idx'.* exited with 1$",
        out,
        re.M,
    ), out
    assert "Traceback" not in out
    expected = ["tiny_idx.incomplete"] if stage in ("download", "decode") else []  # they resume
    assert [name for name in there.split() if re.match("tiny_idx|fig|rep", name)] == expected
    assert "incomplete" not in then


# The limit of a file's length is met as a full disk is, and needs no mount.
@pytest.mark.parametrize("stage", STAGES)
def test_a_limit_of_file_sizes_is_one_line(reproduced, stage, tmp_path):
    blocks = 16 if stage == "train" else 1  # TensorFlow writes temporary files of its own
    limited = ["/bin/sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh", sys.executable]
    raw = reproduced.folder / "data/raw/tiny_idx"
    if stage == "download":  # which fetches only what is missing
        raw.rename(tmp_path / "raw")
    done = reproduced.call(*limited, "-m", f"stages.{stage}", "tiny_idx")
    if stage == "download":
        (tmp_path / "raw").rename(raw)
    assert done.returncode == 1, done.stdout
    assert re.fullmatch(
        rf"({EPOCH} .*\n)*{stage} tiny_idx: .*File too large.* run this again\n", done.stdout
    ), done.stdout


READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'


@needs_mount
@pytest.mark.parametrize(
    ("stage", "folder"), [*STAGES.items(), ("train", "logs"), ("extract", "data/locks")]
)
def test_a_read_only_folder_is_one_line(reproduced, stage, folder):
    (reproduced.folder / folder).mkdir(exist_ok=True)
    script = ["/bin/sh", "-c", READ_ONLY, "sh", folder, sys.executable, "-m", f"stages.{stage}"]
    done = reproduced.call(*mounting(), *script, "tiny_idx")
    assert done.returncode == 1, done.stdout
    assert re.fullmatch(
        rf"({EPOCH} .*\n)*{stage} tiny_idx: .*Read-only file system.*make it writable.* again\n",
        done.stdout,
    ), done.stdout
    assert folder in done.stdout


ENDS = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "terminated")}


def stop(process, number, is_at_work):
    """Wait until a process is at work, send a signal to its group, and return its output."""
    until(lambda: process.poll() is not None or is_at_work())
    assert process.poll() is None, process.stdout.read()
    os.killpg(process.pid, number)
    with process:
        return process.stdout.read()


SLOW = """
import os
import time

opened = os.open


def slow(path, *arguments, **options):
    if str(path).endswith({path!r}):
        opened({mark!r}, os.O_CREAT | os.O_WRONLY)
        time.sleep(60)
    return opened(path, *arguments, **options)


os.open = slow
"""


@pytest.mark.parametrize(
    ("stage", "read", "number"),
    [
        ("split", "data/shards/tiny_idx/index.json", signal.SIGINT),
        ("evaluate", "data/shards/tiny_idx/index.json", signal.SIGINT),
        ("report", "metrics/runs/tiny_idx/evaluation.json", signal.SIGTERM),
    ],
)
def test_a_signal_ends_a_stage_that_reads(reproduced, tmp_path, stage, read, number):
    """The stage is caught while it reads: to open the file takes it a minute."""
    mark = tmp_path / "is_reading"
    (tmp_path / "sitecustomize.py").write_text(SLOW.format(path=read, mark=str(mark)))
    process = reproduced.begin(
        sys.executable, "-m", f"stages.{stage}", "tiny_idx", PYTHONPATH=str(tmp_path)
    )
    out = stop(process, number, mark.exists)
    status, word = ENDS[number]
    assert (process.returncode, out) == (status, f"\n{stage} tiny_idx: {word}\n")
    done = reproduced.call(sys.executable, "-m", f"stages.{stage}", "tiny_idx")
    assert done.returncode == 0, done.stdout
    assert not [name for name in made(reproduced, stage) if "incomplete" in name]


def test_ctrl_c_ends_a_download(dvc_project):
    data = os.urandom(100_000)
    with serve() as server:
        url = server.reply("/a.gz", Reply(data, sent=50_000, stalls=True))
        dvc_project.set("datasets.tiny_idx.download.files", [{"name": "a.gz", "sources": [url]}])
        partial = dvc_project.folder / "data/raw/tiny_idx.incomplete/a.gz.incomplete"
        process = dvc_project.begin(sys.executable, "-m", "stages.download", "tiny_idx")
        out = stop(process, signal.SIGINT, lambda: partial.exists() and partial.stat().st_size)
    assert (process.returncode, out) == (130, "\ndownload tiny_idx: interrupted\n")


@pytest.mark.parametrize(("number", "end"), ENDS.items())
def test_a_signal_ends_an_extraction(dvc_project, number, end):
    folder = dvc_project.folder
    members = [(f"train/{n}.png", str(n).encode()) for n in range(60_000)]
    builders.write_zip(folder / "data/raw/tiny_png/train.zip", members)
    dvc_project.set("datasets.tiny_png.extract.archive", "train.zip")
    dvc_project.set("datasets.tiny_png.extract.part_rows", 1000)
    process = dvc_project.begin(sys.executable, "-m", "stages.extract", "tiny_png")
    parts = "tiny_png.*.incomplete/part-00000.parquet"
    out = stop(process, number, lambda: list((folder / "data/extracted").glob(parts)))
    status, word = end
    assert (process.returncode, out) == (status, f"\nextract tiny_png: {word}\n")
    assert list((folder / "data/extracted").iterdir()) == []
    done = dvc_project.call(sys.executable, "-m", "stages.extract", "tiny_png")
    assert done.stdout.startswith("extract tiny_png: 60,000 members")


def test_ctrl_c_ends_a_decoding_within_a_shard(dvc_project):
    folder = dvc_project.folder
    shutil.rmtree(folder / "data/raw/tiny_idx")
    builders.idx_dataset(folder / "data/raw/tiny_idx", train=9000, shape=(64, 64, 3))
    dvc_project.set("datasets.tiny_idx.decode.shard_rows", 9000)
    python = sys.executable, "-m"
    assert dvc_project.call(*python, "stages.extract", "tiny_idx").returncode == 0
    process = dvc_project.begin(*python, "stages.decode", "tiny_idx", PIPELINE_WORKERS="1")
    shard = folder / "data/shards/tiny_idx.incomplete/part-00000.parquet"
    out = stop(process, signal.SIGINT, shard.exists)
    assert (process.returncode, out) == (130, "\ndecode tiny_idx: interrupted\n")
    assert not (folder / "data/shards/tiny_idx").exists()
    done = dvc_project.call(*python, "stages.decode", "tiny_idx")
    assert done.stdout.startswith("decode tiny_idx: 9,012 images of shape (64, 64, 3)")


def train_without_end(project):
    """Start a training by DVC, and return after its first epoch."""
    project.set("runs.tiny_idx.train", {"epochs": 100_000})
    process = project.begin("dvc", "repro", "train@tiny_idx")
    assert any("epoch 1/" in line for line in process.stdout)
    return process


def test_ctrl_c_ends_dvc_and_its_stage(dvc_project):
    process = train_without_end(dvc_project)
    out = stop(process, signal.SIGINT, lambda: True)
    assert process.returncode != 0
    assert "\ntrain tiny_idx: interrupted\nERROR: failed to reproduce 'train@tiny_idx'" in out
    assert "Traceback" not in out
    assert not (dvc_project.folder / "data/models/tiny_idx").exists()
    dvc_project.set("runs.tiny_idx.train", {"epochs": 1})
    done = dvc_project.repro("train@tiny_idx")
    assert done.returncode == 0, done.stdout
    assert "waiting for process" not in done.stdout


def test_dvc_names_a_stage_that_is_killed_and_the_next_repro_goes_on(dvc_project):
    process = train_without_end(dvc_project)
    owner = dvc_project.folder / "data/locks/train@tiny_idx.pid"
    os.kill(int(owner.read_text()), signal.SIGKILL)
    with process:
        out = process.stdout.read()
    assert "failed to reproduce 'train@tiny_idx'" in out
    assert "exited with -9" in out or "exited with 137" in out
    dvc_project.set("runs.tiny_idx.train", {"epochs": 1})
    done = dvc_project.repro("train@tiny_idx")
    assert done.returncode == 0, done.stdout


LIMITED = """
import resource, runpy, sys
import pyarrow.parquet
stage, warm, megabytes = sys.argv[1:]
__import__(f"stages.{stage}")
if warm:  # Arrow's threads, which wait for ever where they cannot be started
    pyarrow.parquet.read_table(warm)
    del sys.modules[f"stages.{stage}"]
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(megabytes) * 2**20,) * 2)
sys.argv = [f"stages/{stage}.py", "tiny_png"]
runpy.run_module(f"stages.{stage}", run_name="__main__")
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="its memory is not known here")
@pytest.mark.parametrize("stage", ["extract", "decode"])
def test_want_of_memory_is_one_line(dvc_project, stage):
    """An image of 48 MB, as a member too, where 90 MB are left for it and its copies."""
    folder = dvc_project.folder
    image = np.zeros((4000, 4000, 3), np.uint8)
    content = builders.encode(image, ".bmp" if stage == "extract" else ".png")
    builders.write_archive(folder / "data/raw/tiny_png/train.zip", [("train/1.png", content)])
    builders.labels_csv(folder / "data/raw/tiny_png/trainLabels.csv", [("1", "cat")])
    dvc_project.set("datasets.tiny_png.extract.archive", "train.zip")
    dvc_project.set("datasets.tiny_png.decode.resize", "crop")
    warm = ""
    if stage == "decode":
        assert dvc_project.call(sys.executable, "-m", "stages.extract", "tiny_png").returncode == 0
        warm = "data/extracted/tiny_png/part-00000.parquet"
    done = dvc_project.call(sys.executable, "-W", "ignore", "-c", LIMITED, stage, warm, "90")
    assert done.returncode != 0
    assert re.search(
        rf"^{stage} tiny_png: (out of memory|Cannot allocate memory).*; free some .*\n\Z",
        done.stdout,
        re.M,
    ), done.stdout
    assert "Traceback" not in done.stdout
    assert not (folder / STAGES[stage] / "tiny_png").exists()


def test_a_network_too_large_for_any_memory_is_one_line(reproduced):
    key = "runs.tiny_idx.model"
    reproduced.set(key, {"dense": [10**11]})
    try:
        done = reproduced.call(sys.executable, "-m", "stages.train", "tiny_idx")
    finally:
        reproduced.set(key, {})
    assert done.returncode == 1
    key = re.escape(f"params.yaml: {key}.dense[0]")
    assert re.fullmatch(rf"train tiny_idx: {key}: must be less than .*\n", done.stdout), done.stdout


def test_a_lost_network_is_one_line_and_the_next_repro_goes_on(dvc_project):
    shutil.rmtree(dvc_project.folder / "data/raw/tiny_idx")
    file = dvc_project.params["datasets"]["tiny_idx"]["download"]["files"][-1]
    name, data = file["name"], (dvc_project.folder / file["sources"][0][5:]).read_bytes()
    half = len(data) // 2
    with serve() as server:
        url = server.reply(f"/{name}", Reply(data, sent=half), Reply(data, sent=0, ranges=False))
        file["sources"] = [url]
        dvc_project.write()
        lost = dvc_project.repro("download@tiny_idx")
        assert lost.returncode != 0
        assert (
            f"\ndownload tiny_idx: {name} could not be fetched; {url}: ended after 0 "
            in lost.stdout
        )
        server.reply(f"/{name}", Reply(data))
        assert dvc_project.repro("download@tiny_idx").returncode == 0
    assert (dvc_project.folder / "data/raw/tiny_idx" / name).read_bytes() == data


def test_credentials_reach_no_file_and_no_output(dvc_project):
    shutil.rmtree(dvc_project.folder / "data/raw/tiny_idx")
    published = dvc_project.folder / "published/tiny_idx"
    with serve() as server:
        for path in published.iterdir():
            stored = f"/stored/{path.name}?X-Amz-Signature=secret"
            server.reply(f"/tiny_idx/{path.name}", Reply(status=302, headers={"Location": stored}))
            server.reply(stored.partition("?")[0], Reply(path.read_bytes()))
        mirror = {
            fetch.MIRROR: server.url.replace("//", "//me:secret@"),
            "KAGGLE_API_TOKEN": "secret",
        }
        done = dvc_project.repro("split@tiny_idx", **mirror)
        server.replies.clear()
        shutil.rmtree(published)
        shutil.rmtree(dvc_project.folder / "data/raw/tiny_idx")
        failed = dvc_project.call("dvc", "repro", "-f", "download@tiny_idx", **mirror)
    assert (done.returncode, "from DATA_MIRROR" in done.stdout) == (0, True), done.stdout
    assert "DATA_MIRROR http://***@127.0.0.1" in failed.stdout
    assert "secret" not in done.stdout + failed.stdout
    files = [path for path in dvc_project.folder.rglob("*") if path.is_file()]
    assert len(files) > 50
    ours = {ROOT / "pipeline", ROOT / "stages"}
    for path in files:
        if ROOT / path.relative_to(dvc_project.folder).parts[0] not in ours:
            assert b"secret" not in path.read_bytes(), path
