import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.download import fetch
from tests.support.builders import until
from tests.support.http_server import Reply, serve

ROOT = Path(__file__).parents[2]
DATA = bytes(range(256)) * 1000


@pytest.fixture
def server():
    with serve() as server:
        yield server


def test_a_killed_download_is_resumed_where_it_was(server, project):
    url = server.reply("/a.gz", Reply(DATA, sent=150_000, stalls=True))
    pin = {"bytes": len(DATA), "sha256": hashlib.sha256(DATA).hexdigest()}
    project.set("datasets.tiny_idx.download.files", [{"name": "a.gz", "sources": [url], **pin}])
    partial = Path("data/raw/tiny_idx.incomplete/a.gz.incomplete")
    with project.start("download", "tiny_idx") as killed:
        until(lambda: partial.exists() and partial.stat().st_size > 100_000)
        killed.kill()
        assert killed.communicate()[1] == ""
    has = partial.stat().st_size
    assert partial.read_bytes() == DATA[:has]
    server.sent = 0
    server.reply("/a.gz", Reply(DATA))
    done = project.run("download", "tiny_idx")
    assert (done.returncode, done.stderr) == (0, "")
    assert (server.sent, server.asked("Range")[-1]) == (len(DATA) - has, f"bytes={has}-")
    assert Path("data/raw/tiny_idx/a.gz").read_bytes() == DATA


def test_the_stage_says_what_it_did(project):
    done = project.run("download", "tiny_png")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        r"download tiny_png: 2 files, 0.0 MB, verified, which were there already in .* s\n",
        done.stdout,
    )
    shutil.rmtree("data/raw/tiny_png")
    done = project.run("download", "tiny_png")
    assert re.fullmatch(
        r"download tiny_png: 2 files, 0.0 MB from file:.*published/tiny_png in .* s\n", done.stdout
    )
    for path in Path("published/tiny_png").iterdir():
        assert (Path("data/raw/tiny_png") / path.name).read_bytes() == path.read_bytes()


def test_the_stage_prints_pins(project):
    file = project.params["datasets"]["tiny_png"]["download"]["files"][0]
    pin = {key: file.pop(key) for key in ("bytes", "sha256")}
    project.write()
    lines = project.run("download", "tiny_png").stdout.splitlines()
    assert lines[0] == "Not pinned; to pin, put into datasets.tiny_png.download.files:"
    assert YAML(typ="safe").load("\n".join(lines[1:-1])) == [{"name": file["name"], **pin}]


def test_the_stage_fails_in_one_line_and_works_after_the_repair(project):
    shutil.rmtree("data/raw/tiny_idx")
    Path("published").rename("elsewhere")
    failed = project.run("download", "tiny_idx")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert re.fullmatch(r"download tiny_idx: .* could not be fetched; .*\n", failed.stderr)
    assert not Path("data/raw/tiny_idx").exists()
    repaired = project.run("download", "tiny_idx", env={fetch.MIRROR: "elsewhere"})
    assert repaired.stdout.startswith("download tiny_idx: 4 files, 0.0 MB from DATA_MIRROR in ")


def test_the_stage_starts_fast():
    """What takes long to import is imported by those sources alone that need it."""
    code = "import sys, stages.download; print(*sys.modules)"
    imported = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"kagglehub", "fsspec", "tensorflow", "numpy", "pyarrow"} & set(imported)
