"""Real servers on the loopback that hold DVC remotes: OpenSSH, SeaweedFS (S3), nginx (WebDAV).

Each stores everything in a given folder, and is stopped by its process id.
"""

import getpass
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

Options = dict[str, str]
"""Settings of a DVC remote, for ``dvc remote modify --local``."""


@dataclass
class Server:
    """A server, and the settings with which clients reach it.

    Attributes
    ----------
    url : str
        An existing folder or a bucket; a remote is made below it.
    writer, reader, stranger : dict
        Settings of a client that may write, of one that may only read, of one with a wrong key.
    data : Path
        Folder in which it stores objects, in its own form.
    """

    command: Sequence[str]
    data: Path
    url: str = ""
    writer: Options = field(default_factory=dict)
    reader: Options = field(default_factory=dict)
    stranger: Options = field(default_factory=dict)
    is_ready: Callable[[], bool] = lambda: True
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server; return when it answers."""
        log = self.data.with_name("server.log")
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                self.command, stdout=out, stderr=out, env={**os.environ, "GOMAXPROCS": "1"}
            )
        end = time.monotonic() + 60
        while not self.is_ready():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < end, f"{self.command[0]} is not ready\n{log.read_text()}"
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill the server and all processes that it started (sshd has one for each client)."""
        if self.process:
            children = psutil.Process(self.process.pid).children(recursive=True)
            self.process.kill()  # first, for nginx's master makes another worker
            self.process.wait()
            self.process = None
            for child in children:
                with suppress(psutil.NoSuchProcess):
                    child.kill()

    def bytes(self) -> int:
        """Return the number of bytes that it stores by now, half-written files included."""
        found = 0
        for path in self.data.parent.rglob("*"):
            with suppress(FileNotFoundError):
                found += path.stat().st_size
        return found


@contextmanager
def ssh(folder: Path) -> Iterator[Server]:
    """Run OpenSSH's server for keys of its own; one of them may only read."""
    sshd = program("sshd")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    data = folder / "data"
    data.mkdir()
    keys = {name: folder / name for name in ("host", "writer", "reader", "stranger")}
    for key in keys.values():
        subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = {name: key.with_suffix(".pub").read_text() for name, key in keys.items()}
    (folder / "authorized").write_text(
        public["writer"] + 'command="internal-sftp -R",restrict ' + public["reader"]
    )
    (port,) = _free_ports(1)
    (folder / "sshd_config").write_text(f"""
Port {port}
ListenAddress 127.0.0.1
HostKey {keys["host"]}
PidFile {folder}/pid
AuthorizedKeysFile {folder}/authorized
StrictModes no
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
Subsystem sftp internal-sftp
""")
    server = Server(
        [sshd, "-D", "-e", "-f", f"{folder}/sshd_config"],
        data,
        f"ssh://{getpass.getuser()}@127.0.0.1:{port}{data}",
        writer={"keyfile": str(keys["writer"])},
        reader={"keyfile": str(keys["reader"])},
        stranger={"keyfile": str(keys["stranger"])},
        is_ready=lambda: _answers(port),
    )
    with _running(server):
        yield server


@contextmanager
def s3(folder: Path) -> Iterator[Server]:
    """Run SeaweedFS with its S3 gateway, a bucket and two users."""
    weed = program("weed")
    data = folder / "data"
    data.mkdir()
    users = {
        "writer": [f"{action}:bucket" for action in ("Read", "Write", "List", "Tagging")],
        "reader": ["Read:bucket", "List:bucket"],
    }
    identities = [
        {
            "name": name,
            "credentials": [{"accessKey": name, "secretKey": f"{name}s-secret"}],
            "actions": actions,
        }
        for name, actions in users.items()
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    master, volume, filer, port = _free_ports(4, beside=10_000)  # there it has gRPC
    place = {"endpointurl": f"http://127.0.0.1:{port}", "region": "us-east-1"}
    server = Server(
        [
            *(weed, "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *(f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"),
            *(f"-s3.port={port}", f"-s3.config={folder}/s3.json", "-bucket=bucket"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false"),
            *("-master.telemetry=false", f"-filer.localSocket={folder}/filer.sock"),
            f"-s3.localSocket={folder}/s3.sock",
        ],
        data,
        "s3://bucket",
        writer={**place, "access_key_id": "writer", "secret_access_key": "writers-secret"},
        reader={**place, "access_key_id": "reader", "secret_access_key": "readers-secret"},
        stranger={**place, "access_key_id": "writer", "secret_access_key": "wrong"},
        is_ready=lambda: "All enabled components" in (folder / "server.log").read_text(),
    )
    with _running(server):
        yield server


@contextmanager
def webdav(folder: Path) -> Iterator[tuple[Server, str]]:
    """Run nginx with its WebDAV module; yield also a URL that serves the same files for reading."""
    nginx = program("nginx")
    module = Path("/usr/lib/nginx/modules/ngx_http_dav_ext_module.so")
    if not module.exists():
        _missing(f"nginx's module {module.name}")
    data = folder / "data"
    data.mkdir()
    hashed = subprocess.run(
        ["openssl", "passwd", "-apr1", "secret"], check=True, capture_output=True, text=True
    ).stdout.strip()
    (folder / "writers").write_text(f"writer:{hashed}\n")
    (folder / "readers").write_text(f"writer:{hashed}\nreader:{hashed}\n")
    dav, plain = _free_ports(2)
    places = "client_body", "proxy", "fastcgi", "uwsgi", "scgi"
    temporary = "\n".join(f"    {name}_temp_path {folder}/{name};" for name in places)
    (folder / "nginx.conf").write_text(f"""
load_module {module};
{"user root;" if os.getuid() == 0 else ""}
daemon off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
{temporary}
    client_max_body_size 0;
    dav_ext_lock_zone zone=dav:1m;
    server {{
        listen 127.0.0.1:{dav};
        root {data};
        location / {{
            dav_methods PUT DELETE MKCOL COPY MOVE;
            dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK;
            dav_ext_lock zone=dav;
            create_full_put_path on;
            auth_basic remote;
            auth_basic_user_file {folder}/readers;
            limit_except GET PROPFIND OPTIONS {{
                auth_basic remote;
                auth_basic_user_file {folder}/writers;
            }}
        }}
    }}
    server {{
        listen 127.0.0.1:{plain};
        root {data};
    }}
}}
""")
    server = Server(
        [nginx, "-e", "stderr", "-c", f"{folder}/nginx.conf"],
        data,
        f"webdav://127.0.0.1:{dav}",
        {"user": "writer", "password": "secret"},
        {"user": "reader", "password": "secret"},
        {"user": "writer", "password": "wrong"},
        is_ready=lambda: _answers(dav) and _answers(plain),
    )
    with _running(server):
        yield server, f"http://127.0.0.1:{plain}"


@contextmanager
def _running(server: Server) -> Iterator[None]:
    try:
        server.start()
        yield
    finally:
        server.kill()


def program(name: str) -> str:
    """Return a program's absolute path: beside Python, or among the system's servers."""
    places = Path(sys.executable).parent, "/usr/sbin", os.environ["PATH"]
    found = shutil.which(name, path=os.pathsep.join(map(str, places)))
    return found or _missing(name)


def _missing(name: str) -> str:
    reason = f"{name} is not installed; .ci/run says how to install it"
    if os.environ.get("PIPELINE_ALL_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _free_ports(count: int, beside: int = 0) -> list[int]:
    """Return ports that are free; with ``beside``, those so much higher are free too."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20_000, 30_000)  # below those that the system gives to clients
        if port not in found and not any(map(_is_taken, (port, port + beside))):
            found.append(port)
    return found


def _is_taken(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
