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

from pipeline.core.errors import PipelineError
from pipeline.repository.remote import remotes
from tests.support import repository, servers
from tests.support.builders import ROOT
from tests.support.repository import ENVIRONMENT, blocks, commit, demo
from tests.support.servers import Server

pytestmark = pytest.mark.xdist_group("remotes")
slow = pytest.mark.slow

RECIPES = {
    "folder": "A shared folder",
    "ssh": "SSH",
    "s3": "S3, and what speaks it",
    "webdav": "WebDAV",
    "http": "HTTP, for reading only",
}
"""Headings in docs/teams.md."""
VARIABLES = {
    "keyfile": "KEYFILE",
    "endpointurl": "ENDPOINT",
    "region": "REGION",
    "access_key_id": "KEY_ID",
    "secret_access_key": "SECRET",
    "user": "REMOTE_USER",
    "password": "PASSWORD",
}
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


class Clone(repository.Clone):
    """A clone of a repository whose default remote can be set, and changed behind DVC's back."""

    def connect(self, url, options):
        """Make a URL the default remote, with settings that stay on this machine."""
        lines = ["['remote \"store\"']", *(f"{key} = {value}" for key, value in options.items())]
        (self.folder / ".dvc/config.local").write_text("\n".join(lines))
        config = f"[core]\nremote = store\n['remote \"store\"']\nurl = {url}\nverify = true\n"
        (self.folder / ".dvc/config").write_text(config)

    def tamper(self, code):
        """Change the default remote behind DVC's back, in a process that can be left untidy."""
        script = TAMPER + code
        subprocess.run([sys.executable, "-c", script], cwd=self.folder, env=ENVIRONMENT, check=True)

    def remote_faults(self):
        """Return the lines of ``verify --remote`` about the default remote."""
        code = (
            "from pipeline.repository.remote.check import remote_faults; "
            "print(*remote_faults(''), sep='\\n', end='')"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.folder,
            env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def has_all(self, origin):
        """Whether its outputs are, byte for byte, those of another folder."""
        same = filecmp.cmpfiles(origin, self.folder, FILES, shallow=False)[0]
        return same == FILES


class Store(NamedTuple):
    """An empty place on a server, by the URLs at which it is written and read."""

    kind: str
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
def store(served, tmp_path, request):
    server, reading = served
    if not server.url.startswith("s3:"):
        (server.data / tmp_path.name).mkdir()  # as nginx will not
    kind = request.node.callspec.params["served"]
    return Store(kind, server, f"{server.url}/{tmp_path.name}", f"{reading}/{tmp_path.name}")


def only(*kinds):
    return pytest.mark.parametrize("served", kinds, indirect=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return demo(tmp_path_factory.mktemp("project"))


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


def recipe(heading):
    """Return the blocks of commands below a heading of docs/teams.md."""
    return blocks("teams.md", heading)


@slow
def test_the_recipes_as_they_are_written(project, store, tmp_path):
    """One clone makes the remote, pushes and is wiped; another pulls, runs nothing and verifies."""
    server, kind = store.server, store.kind
    first = Clone(project, tmp_path / "first", full=True)
    *once, each = recipe(RECIPES["webdav" if kind == "http" else kind])
    for block in (*once, each, *recipe("Push")):
        first.shell(block, variables(store.writing, server.writer))
    commit(first.folder)
    second = Clone(first.folder, tmp_path / "second")
    shutil.rmtree(first.folder)
    for block in recipe(RECIPES[kind])[-1:] if kind != "folder" else ():
        second.shell(block, variables(store.reading, server.writer))
    (pull,) = recipe("Pull")
    shown = second.shell(pull, {})
    assert "Running stage" not in shown
    assert shown.endswith("all that is here agrees\n")
    assert "the remote holds all that dvc.lock records" in second.pipeline("verify", "--remote")


@slow
@only("webdav")
def test_ones_own_settings_are_enough_for_clones_and_consumers(small, store, tmp_path):
    clone = Clone(small, tmp_path / "clone", full=True)
    clone.connect(store.writing, store.server.writer)
    clone.call("push")
    (clone.folder / ".dvc/config.local").unlink()
    config = clone.folder / ".dvc/config"
    config.write_text(
        config.read_text().replace("store", "storage", 1).replace('"store"', '"storage"')
    )
    identity = "-c", "user.name=x", "-c", "user.email=x"
    repository.call(["git", *identity, "commit", "-qam", "its name"], clone.folder)
    second = Clone(clone.folder, tmp_path / "second")  # which has no cache
    other = tmp_path / "other"
    other.mkdir()
    home = {"HOME": f"{tmp_path}", "XDG_CONFIG_HOME": f"{tmp_path / '.config'}"}
    get = ["dvc", "get", f"{second.folder}", "one"]
    assert repository.run(get, other, home).returncode != 0  # DVC asks for a password
    (block,) = recipe("For all projects of one user")
    shared = tmp_path / "shared"
    own = variables(store.writing, store.server.writer) | {"SHARED_CACHE": f"{shared}"}
    repository.call(["bash", "-euc", block], other, own | home)
    repository.call(get, other, home)
    assert filecmp.cmp(other / "one", small / "one", shallow=False)
    repository.call(["dvc", "pull", "-q"], second.folder, home)
    assert second.has_all(small)
    assert any(shared.rglob("*"))


def variables(url, options):
    """The variables in the recipes, by what a server wants."""
    return {"REMOTE": url} | {VARIABLES[key]: value for key, value in options.items()}


@slow
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


@slow
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
    assert " pushed\n" in first.call("push")
    second = Clone(small, tmp_path / "second")
    second.connect(store.reading, server.reader)
    second.call("pull")
    assert second.has_all(small)


@slow
@only("folder", "ssh", "s3", "webdav", "http")
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
    missing, damaged = sorted(second.remote_faults(), reverse=True)
    assert missing.startswith("not shared, and not in this cache: 1 outputs (one); who has them")
    assert re.match("many/small is damaged on the remote store; remove .* then run dvc", damaged)
    # DVC pushes nothing over what is there, and nothing into a folder whose list is there.
    first.tamper("remove(small); remove(many)")
    assert "3 files pushed" in first.call("push")
    second.call("pull")
    assert second.has_all(small)
    assert second.remote_faults() == []


@slow
@only("folder", "ssh", "s3", "webdav")
def test_what_no_branch_needs_is_removed_and_nothing_else(small, store, tmp_path):
    clone = Clone(small, tmp_path / "clone", full=True)
    clone.connect(store.writing, store.server.writer)
    clone.call("push")
    clone.tamper("put_file('make.py', small[:-4] + '0000')")
    command = [sys.executable, "-m", "pipeline", "gc", "--remote"]
    here = {"PYTHONPATH": str(ROOT)}
    shown = repository.call(command, clone.folder, here)
    assert shown.endswith("nothing is unused; 6 objects stay\n")  # for a week
    shown = repository.call([*command, "--days", "0", "--yes"], clone.folder, here)
    assert "what was never committed" in shown
    assert shown.endswith("Removed 1 objects\n")
    second = Clone(small, tmp_path / "second")
    second.connect(store.reading, store.server.reader)
    second.call("pull")
    assert second.has_all(small)


@slow
@only("ssh", "s3", "webdav")
def test_what_fails_when_a_remote_is_tried_is_named(small, store, tmp_path):
    clone, server = Clone(small, tmp_path / "clone"), store.server
    for options, expected in (
        (server.stranger, "it refuses these credentials there ("),
        (server.reader, "these credentials may not write there ("),
        (server.writer, "written to, read from, deleted from"),
    ):
        clone.connect(store.writing, options)
        assert expected in clone.pipeline("remote", fails=options is not server.writer)
    if store.kind == "s3":  # which does not tell everybody what buckets there are
        assert "it refuses" in clone.pipeline("remote", "s3://none/a", fails=True)
    if store.kind == "webdav":
        shown = clone.pipeline("remote", f"{server.url}/none/a", fails=True)
        assert "there is no such place on the server" in shown
    server.kill()
    shown = clone.pipeline("remote", store.writing, fails=True)
    server.start()
    assert "it cannot be reached (" in shown


@slow
@only("ssh", "s3", "webdav")
def test_a_refusal_or_a_dead_server_is_one_line_of_push_and_pull(small, store, tmp_path):
    first = Clone(small, tmp_path / "first", full=True)
    second, server = Clone(small, tmp_path / "second"), store.server
    refused = "the remote store: (\\d objects? could not be transferred: )?it refuses these cred"
    for options in server.stranger, server.reader:
        for work in "push", "push-runs":
            first.connect(store.writing, options)
            assert re.search(refused, first.pipeline(work, fails=True))
    first.connect(store.writing, server.writer)
    assert "5 new objects pushed" in first.pipeline("push")
    first.connect(store.writing, server.reader)  # the remote has all but the list of runs
    assert re.search(refused, first.pipeline("push-runs", fails=True))
    second.connect(store.reading, server.stranger)
    assert re.search(refused, second.pipeline("pull", fails=True))
    second.connect(store.reading, server.reader)
    server.kill()
    shown = [
        clone.pipeline(work, fails=True)
        for clone, work in ((second, "pull"), (first, "push"), (first, "push-runs"))
    ]
    server.start()
    assert all("the remote store: it cannot be reached (" in line for line in shown)
    assert "5 objects pulled" in second.pipeline("pull")


@slow
@only("http")
def test_a_remote_for_reading_is_said_to_be_one(small, store, tmp_path):
    clone = Clone(small, tmp_path / "clone", full=True)
    assert "does not hold the first" in clone.pipeline("remote", store.reading)
    clone.connect(store.writing, store.server.writer)
    clone.call("push")
    clone.connect(store.reading, {})
    shown = clone.pipeline("remote")
    assert "HTTP is for reading only" in shown
    assert "and holds the first" in shown
    store.server.kill()
    shown = clone.pipeline("remote", fails=True)
    store.server.start()
    assert "it cannot be reached (" in shown


# In a folder, at once


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A repository without stages, entered."""
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    Repo.init(".").close()
    return tmp_path


def test_a_folder_becomes_the_default_remote_and_is_left_as_it_was(empty):
    said = remotes.use(str(empty / "store"))
    assert said == f"storage ({empty / 'store'}): written to, read from, deleted from"
    assert [path for path in (empty / "store").rglob("*") if path.is_file()] == []
    with Repo(".") as repo:
        assert repo.config["core"]["remote"] == "storage"
        assert repo.config["remote"]["storage"]["verify"] is True


def test_another_url_keeps_the_name_and_settings(empty):
    with Repo(".") as repo, repo.config.edit() as config:
        config["core"]["remote"] = "ours"
        config["remote"]["ours"] = {"url": "s3://bucket", "jobs": 3}
    remotes.use(str(empty / "store"))
    with Repo(".") as repo:
        assert set(repo.config["remote"]) == {"ours"}
        assert repo.config["remote"]["ours"]["jobs"] == 3
    assert remotes.use("").startswith("ours (")


def test_settings_of_another_kind_do_not_linger(empty, monkeypatch, capsys):
    """From one kind to the next, in this clone and in one that pulled the change."""
    monkeypatch.setattr(remotes._Trial, "run", lambda self, *_: self.url)
    others = {
        "s3://bucket/store": {"endpointurl": "http://host", "access_key_id": "me"},
        "ssh://me@host/store": {"keyfile": "key", "password": "secret"},
        "webdavs://host/store": {"user": "me", "password": "secret"},
        f"{empty / 'store'}": {},
    }
    local, clone = Path(".dvc/config.local"), Path(".dvc/clone")
    remotes.use(f"{empty / 'first'}")
    with Repo(".") as repo, repo.config.edit() as config:
        config["remote"]["storage"]["jobs"] = 3
    clone.write_text("")
    for url, settings in others.items():
        remotes.use(url)
        with Repo(".") as repo:
            assert dict(repo.config["remote"]["storage"]).keys() >= {"jobs", "url", "verify"}
            assert "secret" not in str(repo.config)
            assert "endpointurl" not in str(repo.config)
        shutil.copy(clone, local)  # a colleague's, who pulled .dvc/config
        if "keyfile" in clone.read_text() or "key_id" in clone.read_text():
            with pytest.raises(PipelineError, match=r"storage has the setting .* make remote"):
                remotes.push_runs()
        remotes.use("")
        with Repo(".").config.edit("local") as config:
            config["remote"]["storage"] = settings
        shutil.copy(local, clone)
    assert "removed, as of another kind of remote: " in capsys.readouterr().err
    with pytest.raises(PipelineError, match="DVC has no remote of this kind"):
        remotes.use("ftp://host/store")


@pytest.mark.parametrize(
    "url",
    [
        "webdavs://me:secret@host/store",
        "ssh://me:secret@host/store",
        "https://secret@host/store",
        "https://host/store?token=secret",
    ],
)
def test_credentials_do_not_get_into_git(empty, url):
    before = Path(".dvc/config").read_bytes()
    with pytest.raises(PipelineError, match=r"would get into Git; .* --local storage") as caught:
        remotes.use(url)
    assert "secret" not in str(caught.value)
    assert Path(".dvc/config").read_bytes() == before


def test_no_remote_is_said(empty):
    with pytest.raises(PipelineError, match="make one: make remote URL="):
        remotes.use("")


def test_a_folder_that_cannot_be_is_said(empty):
    (empty / "file").write_text("")
    with pytest.raises(PipelineError, match=r"the remote storage .*reached .*Not a directory"):
        remotes.use(str(empty / "file/store"))


def test_a_missing_library_is_said(empty, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(PipelineError, match="s3: its library is missing; run: make setup"):
        remotes.use("s3://bucket/store")
