"""The process of ``warm``: it imports libraries, and forks itself for each program.

Its arguments are the socket by which it is asked, and a folder that it removes in the end, which is
that of its standard input.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path

DVC = (
    "dvc.cli",
    "dvc.cli.parser",
    "dvc.commands.repro",
    "dvc.repo.reproduce",
    "dvc.stage.cache",
    "dvc.stage.run",
    "dvc_data.index",
    "ruamel.yaml",
)
DATA = "numpy", "omegaconf", "hydra", "pyarrow.parquet", "pydantic", "ruamel.yaml", "tqdm"
PAGE = "PIL.Image", "altair", "h5py", "jinja2", "matplotlib.backends.backend_agg", "vl_convert"
NETWORK = "h5py", "keras", "scipy.stats", "sklearn.metrics", "tensorflow"
LIBRARIES = {
    "dvc": DVC,
    "pipeline": DATA,
    "stages.download": (*DATA, "requests"),
    "stages.extract": (*DATA, "py7zr"),
    "stages.decode": (*DATA, "cv2", "PIL.Image"),
    "stages.split": (*DATA, "cv2", "PIL.Image"),
    "stages.train": (*DATA, *NETWORK),
    "stages.evaluate": (*DATA, *NETWORK),
    "stages.report": (*DATA, *PAGE),
}
"""What programs import; one that is not there, they miss too."""
PATH = sys.path[1:]  # without the folder of this program


def load(program: str) -> None:
    """Import what a program imports, as the stages set it up; the second time there is no more."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with tempfile.TemporaryDirectory() as empty:
        os.environ |= {"KERAS_HOME": empty, "KERAS_BACKEND": "tensorflow"}
        for name in LIBRARIES[program]:
            if name not in sys.modules:
                try:
                    importlib.import_module(name)
                except ImportError:
                    print("not there:", name, file=sys.stderr, flush=True)
    gc.freeze()


def run(call: dict) -> int:
    """Run a program in this process, a fork; return its status."""
    own = [path for path in call["variables"].get("PYTHONPATH", "").split(os.pathsep) if path]
    os.chdir(call["folder"])
    os.environ.clear()
    os.environ.update(call["variables"])
    sys.path[:] = [*own, *PATH]
    sys.dont_write_bytecode = bool(call["variables"].get("PYTHONDONTWRITEBYTECODE"))
    try:
        if call["module"] == "dvc":
            sys.argv = [str(Path(sys.executable).with_name("dvc")), *call["arguments"]]
            from dvc.cli import main

            return main()
        sys.path.insert(0, call["folder"])
        sys.argv = [call["module"], *call["arguments"]]
        runpy.run_module(call["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return -signal.SIGINT
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def reopen():
    """Make Python's streams anew, since they know what was behind them when they were made."""
    options = {"closefd": False, "encoding": sys.stdout.encoding}
    streams = {
        "stdin": os.fdopen(0, "r", **options),
        "stdout": os.fdopen(1, "w", **options),
        "stderr": os.fdopen(2, "w", 1, errors="backslashreplace", **options),
    }
    for name, stream in streams.items():
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    if os.environ.get("PYTHONUNBUFFERED"):
        sys.stdout.reconfigure(write_through=True)


def fork(call, streams, closed):
    """Start a program; return its process id."""
    child = os.fork()
    if child:
        return child
    status = 70
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        for descriptor in (*streams, *closed):
            os.close(descriptor)
        reopen()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        status = run(call)
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        if status < 0:
            signal.signal(-status, signal.SIG_DFL)
            os.kill(os.getpid(), -status)
    finally:
        os._exit(status & 255)


def serve(listener: socket.socket) -> None:
    """Start what is asked for, tell the status of what ended, until standard input ends."""
    events = selectors.DefaultSelector()
    events.register(0, selectors.EVENT_READ, ("end", 0))
    events.register(listener, selectors.EVENT_READ, ("new", 0))
    connections: dict[int, tuple[socket.socket, int]] = {}
    while True:
        for key, _ in events.select():
            kind, child = key.data
            if kind == "end":
                for running in connections:
                    os.kill(running, signal.SIGKILL)
                return
            if kind == "new":
                connection, _ = listener.accept()
                length, streams, _, _ = socket.recv_fds(connection, 8, 3)
                message = connection.recv(int.from_bytes(length, "little"), socket.MSG_WAITALL)
                others = [events.fileno(), listener.fileno(), connection.fileno()]
                call = json.loads(message)
                load(call["module"])
                child = fork(call, streams, others)
                for stream in streams:
                    os.close(stream)
                ended = os.pidfd_open(child)
                connections[child] = connection, ended
                events.register(ended, selectors.EVENT_READ, ("ended", child))
                events.register(connection, selectors.EVENT_READ, ("asked", child))
            elif child not in connections:
                continue
            elif kind == "asked":
                connection, _ = connections[child]
                number = connection.recv(1)
                os.kill(child, number[0] if number else signal.SIGKILL)
                if not number:
                    events.unregister(connection)
            else:
                connection, ended = connections.pop(child)
                status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                events.unregister(ended)
                if connection in events.get_map():
                    events.unregister(connection)
                with contextlib.suppress(OSError):  # whoever asked was killed
                    connection.sendall(f"{status}\n".encode())
                connection.close()
                os.close(ended)


if __name__ == "__main__":
    try:
        with socket.socket(fileno=int(sys.argv[1])) as listening:
            serve(listening)
    finally:
        shutil.rmtree(sys.argv[2])
