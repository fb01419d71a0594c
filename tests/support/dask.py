"""A Dask cluster on the loopback: a scheduler and workers, each a process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.builders import ROOT, until

QUIET = {"DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__DISK": "false"}


class Cluster:
    """A scheduler that runs in ``folder``, and its workers.

    Attributes
    ----------
    address : str
        The scheduler's, for ``PIPELINE_SCHEDULER``.
    workers : list of Popen
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        file = folder / f"scheduler-{os.getpid()}.json"
        options = "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file"
        self.scheduler = self._start("scheduler", *options, str(file))
        until(lambda: file.exists() and file.read_text().endswith("}"))
        self.address = json.loads(file.read_text())["address"]
        file.unlink()

    def add_worker(
        self, folder: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a worker of one thread, without waiting for it."""
        options = "--nthreads", "1", "--no-nanny", "--no-dashboard"
        worker = self._start("worker", self.address, *options, folder=folder, env=env)
        self.workers.append(worker)
        return worker

    def stop(self) -> None:
        """End all processes."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()

    def _start(
        self,
        what: str,
        *arguments: str,
        folder: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        log = self.folder / f"{what}-{len(self.processes)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", what, *arguments],
                cwd=folder or self.folder,
                env={**os.environ, **QUIET, "PYTHONPATH": str(ROOT), **(env or {})},
                stdout=out,
                stderr=out,
            )
        self.processes.append(process)
        return process


@contextmanager
def running(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Run a cluster; stop it at the end."""
    cluster = Cluster(folder)
    try:
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.stop()
