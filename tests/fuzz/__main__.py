"""Fuzz readers, guided by coverage: ``python -m tests.fuzz SECONDS [TARGET ...]``.

Each module in ``targets/`` declares its ``TARGETS`` by name; without a name, all share the time.
Whatever a reader makes of its input, it returns it or raises a ``PipelineError``: anything else, a
gigabyte of memory or thirty seconds of the processor are a finding, which is written to
``logs/fuzz/``; so are five minutes in which nothing happens.
"""

import atexit
import contextlib
import importlib
import pkgutil
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import atheris

from tests.fuzz import targets

LIBRARIES = ["pipeline", "py7zr", "tarfile", "zipfile"]
with atheris.instrument_imports(include=LIBRARIES):
    TARGETS = {
        name: target
        for module in pkgutil.iter_modules(targets.__path__, f"{targets.__name__}.")
        for name, target in importlib.import_module(module.name).TARGETS.items()
    }
    from pipeline.core.errors import PipelineError

SECONDS = 30
FINDINGS = Path("logs/fuzz")
MEMORY = Path("/dev/shm")


def fuzz(name: str, seconds: int) -> None:
    """Fuzz a target; exits, with a status other than 0 after a finding."""
    target = TARGETS[name]
    FINDINGS.mkdir(parents=True, exist_ok=True)
    # In memory where there is such a place, for each input is written to a file.
    work = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
    atexit.register(shutil.rmtree, work)
    corpus = work / "corpus"
    corpus.mkdir()
    target.seed(corpus)

    def one(content: bytes) -> None:
        started = time.process_time()
        with contextlib.suppress(PipelineError):
            target.read(content, work)
        assert time.process_time() - started < SECONDS

    options = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={FINDINGS}/{name}-",
        "-rss_limit_mb=1000",
        f"-timeout={10 * SECONDS}",  # of a clock, which goes on while a loaded machine does others'
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


def main(seconds: str, *names: str) -> None:
    """Fuzz the named targets one after another, each in a process, for some seconds together."""
    if len(names) == 1:
        fuzz(names[0], int(seconds))
    share = -(-int(seconds) // len(names or TARGETS))
    for name in names or TARGETS:
        print(name, flush=True)
        command = [sys.executable, "-m", "tests.fuzz", str(share), name]
        if status := subprocess.call(command):
            sys.exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
