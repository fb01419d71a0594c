"""Programs that start at once: `python` and `dvc` of a folder that comes first in ``PATH``.

TensorFlow takes seconds to import, DVC a second, and end-to-end tests start hundreds of stages. One
process has the libraries and none of the project's code. Each program is a fork of it, which reads
the code of its folder as a new process does. Tests of what a new process does, such as its kernels
or its signals, take this Python's own programs.
"""

import atexit
import functools
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
SEED = {"PYTHONHASHSEED": "7"}
"""One seed of hashes, which a process cannot change once it runs."""
STEERING = "KERAS", "LD_", "MALLOC", "MPL", "OMP_", "ONEDNN", "PIPELINE_KERNELS", "PYTHON", "TF_"
"""Beginnings of the variables that a library, or Python, reads when it is loaded."""
FOLLOWED = (
    "KERAS_BACKEND",
    "KERAS_HOME",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPATH",
    "TF_CPP_MIN_LOG_LEVEL",
)
"""Those that a fork follows, or that every stage sets itself."""


def steering(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that must be those of the process that is forked."""
    return {k: v for k, v in variables.items() if k.startswith(STEERING) and k not in FOLLOWED}


@functools.cache
def programs() -> Path:
    """Start the process that is forked, once; return the folder of programs that ask it to."""
    folder = Path(tempfile.mkdtemp(prefix="warm-"))  # which that process removes
    known = {
        "socket": str(folder / "socket"),
        "real": {"python": sys.executable, "dvc": str(Path(sys.executable).with_name("dvc"))},
        "beginnings": STEERING,
        "followed": FOLLOWED,
        "steering": steering(os.environ | SEED),
    }
    client = (HERE / "warm_client.py").read_text(encoding="utf-8")
    for name in ("python", "dvc"):
        program = folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        text = f"#!{sys.executable} -IS\nKNOWN = {known!r}\n{client}"
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener, (folder / "log").open("wb") as log:
        listener.bind(str(folder / "socket"))
        listener.listen(64)
        number = listener.fileno()
        reader, writer = os.pipe()  # whose end ends the process, however this one ends
        server = subprocess.Popen(
            [sys.executable, str(HERE / "warm_server.py"), str(number), str(folder)],
            env=os.environ | SEED,
            cwd="/",
            pass_fds=[number],
            stdin=reader,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    os.close(reader)

    def end() -> None:
        os.close(writer)
        server.wait()

    atexit.register(end)
    return folder / "bin"


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables of a process whose programs start at once."""
    path = os.pathsep.join([str(programs()), str(Path(sys.executable).parent), variables["PATH"]])
    return {**variables, **SEED, "PATH": path}
