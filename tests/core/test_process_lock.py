import os
import signal
import subprocess
import sys

from tests.support.builders import ROOT

HOLD = """
import sys
from pathlib import Path
from pipeline.core import process_lock as locks
with locks.held("train@mine", Path(sys.argv[1])):
    print("in", flush=True)
    sys.stdin.readline()
print("out", flush=True)
"""


def start(folder):
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_second_process_says_whom_it_waits_for_and_waits(tmp_path):
    with start(tmp_path) as first:
        assert first.stdout.readline() == "in\n"
        second = start(tmp_path)
        line = f"train@mine: waiting for process {first.pid}, which is still at it\n"
        assert second.stdout.readline() == line
        first.stdin.write("\n")
        first.stdin.flush()
        assert first.stdout.readline() == "out\n"
        assert second.stdout.readline() == "in\n"
        second.communicate("\n")


def test_killed_process_holds_nothing(tmp_path):
    with start(tmp_path) as first:
        assert first.stdout.readline() == "in\n"
        os.kill(first.pid, signal.SIGKILL)
    with start(tmp_path) as second:
        assert second.stdout.readline() == "in\n"
        second.stdin.write("\n")


def test_stage_waits_for_one_that_was_left_behind(project):
    (project.folder / "data/locks").mkdir()
    script = HOLD.replace("train@mine", "extract@tiny_idx")
    with subprocess.Popen(
        [sys.executable, "-c", script, str(project.folder / "data/locks")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as left:
        assert left.stdout.readline() == "in\n"
        with subprocess.Popen(
            [sys.executable, "-m", "stages.extract", "tiny_idx"],
            cwd=project.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        ) as stage:
            assert stage.stdout.readline() == (
                f"extract@tiny_idx: waiting for process {left.pid}, which is still at it\n"
            )
            assert not (project.folder / "data/extracted").exists()
            left.stdin.write("\n")
            left.stdin.flush()
            assert stage.stdout.readline().startswith("extract tiny_idx: 30 train")
        assert stage.returncode == 0


def test_name_that_leads_elsewhere_is_refused(project):
    done = project.run("extract", "../../elsewhere")
    assert done.returncode == 1
    assert "'../../elsewhere' is no name of a dataset" in done.stderr
    assert not list(project.folder.parent.glob("[!.]*.lock"))
