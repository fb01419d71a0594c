"""What `python` and `dvc` of ``warm.programs`` do; ``KNOWN`` is defined above it there.

They are started a thousand times, and so import little. The process that is asked for a fork sends
the fork's status when that ends; where this one ends first, its fork is killed.
"""

import json
import os
import signal
import socket
import sys

KNOWN = globals().get("KNOWN", {})
PROGRAM = sys.argv[0].rpartition("/")[2]
STAGES = "download", "extract", "decode", "split", "train", "evaluate", "report"
MODULES = "pipeline", *(f"stages.{name}" for name in STAGES)


def is_served() -> bool:
    """Return whether a fork does what a new process would."""
    found = {k: v for k, v in os.environ.items() if k.startswith(tuple(KNOWN["beginnings"]))}
    for name in KNOWN["followed"]:
        found.pop(name, None)
    of_module = sys.argv[1:2] == ["-m"] and bool(sys.argv[2:]) and sys.argv[2] in MODULES
    return found == KNOWN["steering"] and (PROGRAM == "dvc" or of_module)


def ask() -> int:
    """Let the arguments be run; return the status, negative for a signal."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(KNOWN["socket"])
    call = {
        "module": "dvc" if PROGRAM == "dvc" else sys.argv[2],
        "arguments": sys.argv[1:] if PROGRAM == "dvc" else sys.argv[3:],
        "folder": os.getcwd(),  # noqa: PTH109
        "variables": dict(os.environ),
    }
    message = json.dumps(call).encode()
    socket.send_fds(connection, [len(message).to_bytes(8, "little")], [0, 1, 2])
    connection.sendall(message)
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, lambda number, _: connection.sendall(bytes([number])))
    return int(connection.makefile().readline() or 70)


if __name__ == "__main__":
    if not is_served():
        real = KNOWN["real"][PROGRAM]
        os.execv(real, [real, *sys.argv[1:]])
    status = ask()
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)
