"""Real remotes: what one clone pushes another pulls and verifies; and what can go wrong."""

import filecmp
import re
import shutil
import subprocess
import sys
import time
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

import pytest
from dvc.repo import Repo

from tests import servers
from tests.servers import Server
from tests.test_repro import ENVIRONMENT, ROOT, Copy

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("remotes")]

TARGET = "report@demo_png"
IMPATIENT = {"AWS_MAX_ATTEMPTS": "1"}  # else a push to S3 waits for minutes for a dead server
FILES = ["many/empty", "many/große", "many/small", "one"]

GRAPH = """
stages:
  make:
    cmd: python make.py
    deps: [make.py]
    outs: [many]
  join:
    cmd: cat many/* > one
    deps: [many]
    outs: [one]
"""
MAKE = """
import random
from pathlib import Path

Path("many").mkdir()
for name, length in {"empty": 0, "große": 40_000_000, "small": 2_000}.items():
    Path("many", name).write_bytes(random.Random(length).randbytes(length))
"""
TAMPER = """
from dvc.repo import Repo

repo = Repo(".")
remote = repo.cloud.get_remote_odb("store")
remove, put_file = remote.fs.remove, remote.fs.put_file
outs = {str(out): remote.oid_to_path(out.hash_info.value) for out in repo.index.outs}
one, many, small = outs["one"], outs["many"], remote.oid_to_path("ef9ec39f35c00330f113aa2ca3e55b99")
"""


class Clone:
    """A clone of a repository, ``full`` with DVC's cache; and DVC's command line in it."""

    def __init__(self, origin, folder, *, full=False):
        self.folder = folder
        subprocess.run(["git", "clone", "-q", str(origin), str(folder)], check=True)
        if full:
            shutil.copytree(origin / ".dvc/cache", folder / ".dvc/cache")

    def connect(self, url, options):
        """Make a URL the default remote, with settings that stay on this machine."""
        lines = ["['remote \"store\"']", *(f"{key} = {value}" for key, value in options.items())]
        (self.folder / ".dvc/config.local").write_text("\n".join(lines))
        config = f"[core]\nremote = store\n['remote \"store\"']\nurl = {url}\nverify = true\n"
        (self.folder / ".dvc/config").write_text(config)

    def start(self, *arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=self.folder,
            env=ENVIRONMENT | IMPATIENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def call(self, *arguments, fails=False):
        """Run DVC, which must end well, or must say what is wrong; return what it says."""
        process = self.start(*arguments)
        shown = process.communicate(timeout=120)[0]
        assert bool(process.returncode) == fails, shown
        assert "Traceback" not in shown
        assert not fails or "ERROR: " in shown
        return shown

    def tamper(self, code):
        """Change the default remote behind DVC's back, in a process that can be left untidy."""
        script = TAMPER + code
        subprocess.run([sys.executable, "-c", script], cwd=self.folder, env=ENVIRONMENT, check=True)

    def has_all(self, origin):
        """Whether its outputs are, byte for byte, those of another folder."""
        same = filecmp.cmpfiles(origin, self.folder, FILES, shallow=False)[0]
        return same == FILES


class Store(NamedTuple):
    """An empty place on a server, by the URLs at which it is written and read."""

    server: Server
    writing: str
    reading: str


@pytest.fixture(scope="module", params=["folder", "ssh", "s3", "webdav", "http"])
def served(request, tmp_path_factory):
    """A running server, and where else what it has can be read."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param in ("webdav", "http"):
        with servers.webdav(folder) as (server, plain):
            if request.param == "http":
                server.stranger, server.reader = {}, {}
            yield server, plain if request.param == "http" else server.url
    elif request.param == "folder":
        yield Server([], folder, str(folder)), str(folder)
    else:
        with getattr(servers, request.param)(folder) as server:
            yield server, server.url


@pytest.fixture
def store(served, tmp_path):
    server, reading = served
    if not server.url.startswith("s3:"):
        (server.data / tmp_path.name).mkdir()  # as nginx will not
    return Store(server, f"{server.url}/{tmp_path.name}", f"{reading}/{tmp_path.name}")


def only(*kinds):
    return pytest.mark.parametrize("served", kinds, indirect=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of this project in which a demo was run; what DVC's cache here has of it is taken."""
    copy = Copy(tmp_path_factory.mktemp("project"))
    cache = ROOT / ".dvc/cache"
    if cache.exists():
        copy.call("dvc", "remote", "add", "-q", "--local", "checkout", str(cache))
        subprocess.run(  # it may lack some
            ["dvc", "fetch", "-q", "-r", "checkout", "--run-cache", "--with-deps", TARGET],
            cwd=copy.folder,
            env=ENVIRONMENT,
            capture_output=True,
            check=False,
        )
    copy.repro("--pull", TARGET)
    commit(copy.folder)
    return copy.folder


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A repository of two stages, which has been run."""
    folder = tmp_path_factory.mktemp("small")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    with chdir(folder):
        Repo.init(".").close()
        Path("dvc.yaml").write_text(GRAPH)
        Path("make.py").write_text(MAKE)
        subprocess.run(["dvc", "repro", "-q"], env=ENVIRONMENT, check=True)
    commit(folder)
    return folder


def commit(folder):
    for command in (["add", "."], ["commit", "-qm", "all"]):
        identity = ["-c", "user.name=x", "-c", "user.email=x"]
        subprocess.run(["git", *identity, *command], cwd=folder, check=True)


def test_what_one_pushes_another_pulls_and_verifies(project, store, tmp_path):
    first = Clone(project, tmp_path / "first", full=True)
    first.connect(store.writing, store.server.writer)
    assert "files pushed" in first.call("push", "--with-deps", TARGET)
    shutil.rmtree(first.folder)
    second = Clone(project, tmp_path / "second")
    second.connect(store.reading, store.server.reader)
    second.call("pull", "--with-deps", TARGET)
    assert "Running stage" not in second.call("repro", TARGET)
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "verify"],
        cwd=second.folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "all that is here agrees\n", done.stderr


@only("ssh", "s3", "webdav", "http")
def test_who_may_not_write_is_told_and_who_may_then_does(small, store, tmp_path):
    first = Clone(small, tmp_path / "first", full=True)
    server = store.server
    for options in filter(None, (server.stranger, server.reader)):
        first.connect(store.writing, options)
        shown = first.call("push", fails=True)
        assert any(word in shown for word in ("Permission denied", "403", "AccessDenied", "401"))
    if store.reading.startswith("http:"):
        first.connect(store.reading, {})
        assert f" - {store.reading}/" in first.call("push", fails=True)
    first.connect(store.writing, server.writer)
    assert "5 files pushed" in first.call("push")


@only("ssh", "s3", "webdav")
def test_a_push_that_the_server_does_not_survive_is_completed_by_the_next(small, store, tmp_path):
    first = Clone(small, tmp_path / "first", full=True)
    server = store.server
    first.connect(store.writing, server.writer)
    before = server.bytes()
    push = first.start("push")
    while server.bytes() < before + 8_000_000 and push.poll() is None:
        time.sleep(0.002)
    server.kill()
    shown = push.communicate(timeout=120)[0]
    server.start()
    assert push.returncode != 0
    assert "ERROR: failed to transfer" in shown
    assert "Traceback" not in shown
    assert "files pushed" in first.call("push")
    second = Clone(small, tmp_path / "second")
    second.connect(store.reading, server.reader)
    second.call("pull")
    assert second.has_all(small)


@only("folder", "ssh", "s3", "http")
def test_what_is_missing_or_damaged_is_not_taken_and_can_be_pushed_again(small, store, tmp_path):
    first = Clone(small, tmp_path / "first", full=True)
    first.connect(store.writing, store.server.writer)
    first.call("push")
    first.tamper("remove(one); remove(small); put_file('make.py', small)")
    second = Clone(small, tmp_path / "second")
    second.connect(store.reading, store.server.reader)
    shown = second.call("pull", fails=True)
    assert "Missing cache files" in shown
    assert re.search("failed for following targets:.*one", shown, re.S)
    assert not (second.folder / "many/small").exists()
    # DVC pushes nothing over what is there, and nothing into a folder whose list is there.
    first.tamper("remove(small); remove(many)")
    assert "3 files pushed" in first.call("push")
    second.call("pull")
    assert second.has_all(small)
