"""Check of a remote: missing and damaged objects are found, and the advice mends them."""

import shutil
import socket
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.core.errors import PipelineError
from pipeline.repository import lock_check
from pipeline.repository.remote.check import remote_faults

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC


@pytest.fixture
def store(store):
    """The same, pushed."""
    push()
    return store


def push():
    with Repo(".") as project:
        return project.push()


def objects(store):
    """By output: the objects on the remote."""
    with Repo(".") as project:
        (stage,) = project.index.stages
        many, alone = (out.hash_info.value for out in stage.outs if out.use_cache)
    found = {path.parent.name + path.name: path for path in store.rglob("*") if path.is_file()}
    (b,) = found.keys() - {many, alone}  # a is the same as alone
    return {"many": found[many], "alone": found[alone], "many/b": found[b]}


def test_a_complete_remote_has_no_faults(store):
    before = sorted(Path(".dvc/cache").rglob("*"))
    assert list(remote_faults("")) == list(remote_faults("store")) == []
    assert sorted(Path(".dvc/cache").rglob("*")) == before
    assert list(lock_check.faults()) == []


@pytest.mark.parametrize("state", ["missing", "damaged"])
@pytest.mark.parametrize("name", ["many", "many/b", "alone"])
def test_what_is_wrong_on_a_remote_is_found_and_can_be_mended(store, name, state):
    """DVC's own index still says that all is there."""
    path = objects(store)[name]
    path.chmod(0o644)
    if state == "missing":
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[3] ^= 1
        path.write_bytes(content)
    faults = list(remote_faults(""))
    # The first file of the folder is the same as the other output.
    assert [fault.split(" on the remote store; ")[0] for fault in faults] == [
        f"{found} is {state}" for found in (["alone", "many/a"] if name == "alone" else [name])
    ]
    with Repo(".") as project:
        assert name == "many" or project.status(cloud=True) in ({}, {"alone": "new"})
    for fault in faults:
        advice = fault.split("; ")[1]
        assert advice.endswith("run dvc push -r store")
        for word in advice.split():
            Path(word.rstrip(",")).unlink(missing_ok=True) if str(store) in word else None
    assert push()
    assert list(remote_faults("")) == []


@pytest.mark.parametrize("there", [True, False])
def test_an_empty_remote_is_one_line(store, there):
    shutil.rmtree(store)
    if there:
        store.mkdir()
    with pytest.raises(PipelineError, match=r"remote store \(.*store.*\) holds nothing of what"):
        list(remote_faults(""))


def test_a_remote_must_be_named_or_be_the_default(recorded):
    with pytest.raises(PipelineError, match="there is no default remote; make one: dvc remote add"):
        list(remote_faults(""))
    with pytest.raises(PipelineError, match="remote 'other' doesn't exist"):
        list(remote_faults("other"))


def test_a_remote_that_cannot_be_reached_is_one_line(recorded):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with Repo(".") as project, project.config.edit() as config:
        config["remote"]["far"] = {"url": f"http://127.0.0.1:{port}/store"}
    with pytest.raises(PipelineError) as caught:
        list(remote_faults("far"))
    assert f"http://127.0.0.1:{port}/store" in str(caught.value)
    assert "cannot be read: " in str(caught.value)
    assert "\n" not in str(caught.value)
