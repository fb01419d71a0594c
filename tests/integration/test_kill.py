"""``dvc repro``, killed again and again at random moments, ends as one that ran through."""

import os
import random
import shutil
import signal
import subprocess
import sys

import pytest

from tests.support.repository import DEMOS, ENVIRONMENT, Copy

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "20"))
SEED = random.SystemRandom().randrange(1000)
LONGEST = 12
"""Seconds until a run is killed at the latest: enough for a stage or an epoch, not for all."""


def done(copy, seconds, kill=os.killpg):
    """Run for so many seconds at most, and kill it then; return whether all was done."""
    copy.call(sys.executable, "-m", "pipeline", "repair")
    log = copy.folder / "logs" / "repro.txt"
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen(
            ["dvc", "repro", *DEMOS],
            cwd=copy.folder,
            env=ENVIRONMENT,
            start_new_session=True,
            stdout=output,
            stderr=output,
        )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        kill(process.pid, signal.SIGKILL)
        process.wait()
        return False
    assert process.returncode == 0, log.read_text()
    return True


def demos(copy):
    return {name: stage for name, stage in copy.lock().items() if "@demo" in name}


def test_killed_runs_end_with_the_lock_of_one_that_was_not(tmp_path):
    copy = Copy(tmp_path)
    copy.call("git", "add", "--all")
    copy.call("git", "-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "all")
    committed = demos(copy)
    moments = random.Random(SEED)
    print(f"seed {SEED}")
    kills = 0
    while kills < KILLS:
        # Every other time dvc alone, which leaves its stage running.
        kill = os.kill if kills % 2 else os.killpg
        if not done(copy, moments.uniform(0, LONGEST), kill):
            kills += 1
        else:  # from the start again
            shutil.rmtree(copy.folder / ".dvc" / "cache")
            for folder in copy.folder.glob("data/*"):
                if folder.name not in ("demo", "locks", "weights"):
                    shutil.rmtree(folder)
    assert done(copy, 600)
    resumed = demos(copy)
    if resumed != committed:  # as on another type of machine
        copy.repro("--force", *DEMOS)
        committed = demos(copy)
    assert resumed == committed
    assert copy.repro(*DEMOS) == []
    assert list(copy.folder.rglob("*.incomplete")) == []
