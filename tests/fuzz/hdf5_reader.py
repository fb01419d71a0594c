"""A process that asks HDF5's library where things lie in one file after another.

``limits.child`` takes a new process for each file, and a good part of a second. This one begins
anew only when a file made it crash, or run without an end: ``python -m tests.fuzz.hdf5_reader``.
It reads the path of a file from each line, and answers with a line of JSON.
"""

import io
import os
import resource
import signal
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import IO, Any

from pipeline.core import limits
from pipeline.models import hdf5

SECONDS = 2
"""Of the processor, for a file."""


class Reader:
    """The process, started when it is wanted."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def answer(self, _: str, stdin: IO[bytes], **__: Any) -> bytes:
        """Do for an open file what ``limits.child`` does for HDF5's module."""
        if self._process is None:
            command = [sys.executable, "-m", __name__]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe)
        asked, said = self._process.stdin, self._process.stdout
        assert asked is not None
        assert said is not None
        asked.write(f"/proc/{os.getpid()}/fd/{stdin.fileno()}\n".encode())
        asked.flush()
        answer = said.readline()
        if not answer.endswith(b"\n"):
            self._process.communicate()
            self._process = None
            raise limits.ChildError("ended otherwise than with status 0")
        return answer


def main() -> None:
    """Answer until there is no line more."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.ADDRESSES, limits.ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    lines = os.fdopen(os.dup(0), "r")
    for path in lines:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # ends this process
        with Path(path.rstrip("\n")).open("rb") as file, redirect_stdout(io.StringIO()) as told:
            os.dup2(file.fileno(), 0)
            hdf5._answer()
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(told.getvalue(), flush=True)


if __name__ == "__main__":
    main()
