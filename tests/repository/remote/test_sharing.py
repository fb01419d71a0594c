"""Pushing and pulling of what there is, where nobody has everything."""

import re
import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.core.errors import PipelineError
from pipeline.repository.remote import remotes, sharing
from pipeline.repository.remote.check import remote_faults

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC


def lose(*paths):
    """Remove outputs, and their objects from the cache."""
    with Repo(".") as project:
        outs = {str(out): out for stage in project.index.stages for out in stage.outs}
        for path in paths:
            outs[path].remove()
            Path(project.cache.local.oid_to_path(outs[path].hash_info.value)).unlink()


def test_what_is_here_is_pushed_and_pulled(store):
    assert sharing.push() == "store: 3 new objects pushed, of 2 outputs"
    assert sharing.push() == "store: 0 new objects pushed, of 2 outputs"
    shutil.rmtree(".dvc/cache")
    shutil.rmtree("many")
    assert sharing.pull() == "store: 3 objects pulled; 2 outputs are here"
    assert Path("many/b").read_text() == "another\n"
    assert sharing.pull() == "store: 0 objects pulled; 2 outputs are here"


def test_nothing_is_pulled_through_a_link(store, tmp_path_factory):
    mine = tmp_path_factory.mktemp("mine")
    (mine / "b").write_text("my own")
    sharing.push()
    shutil.rmtree("many")
    Path("many").symlink_to(mine)
    with pytest.raises(PipelineError, match=r"^many is a link; nothing is written or removed"):
        sharing.pull()
    assert [path.read_text() for path in mine.iterdir()] == ["my own"]


def test_what_nobody_has_is_one_line(store):
    lose("many")
    assert sharing.push() == (
        "store: 1 new objects pushed, of 1 outputs; 1 are not in this cache: many"
    )
    (fault,) = remote_faults("")
    assert fault.startswith(
        "not shared, and not in this cache: 1 outputs (many); who has them runs"
    )
    notes = []
    assert list(remote_faults("", (), notes.append)) == []
    assert notes == [fault]
    assert list(remote_faults("", ["alone"])) == []
    lose("alone")
    assert sharing.pull() == (
        "store: 1 objects pulled; 1 outputs are here; 1 are neither there nor in this cache: many"
    )
    assert Path("alone").exists()


def test_damage_is_told_apart(store):
    sharing.push()
    lose("many")
    for path in store.rglob("*"):
        if path.is_file() and path.suffix == ".dir":
            path.unlink()
        elif path.is_file():
            path.chmod(0o644)
            path.write_text("x")
    damaged, unshared = remote_faults("")
    assert damaged.startswith("alone is damaged on the remote store; remove ")
    assert unshared.startswith("not shared, and not in this cache: 1 outputs (many)")


def test_targets_and_remotes_that_are_not_there(store):
    with pytest.raises(PipelineError, match="remote 'other' doesn't exist"):
        sharing.push("other")
    with pytest.raises(PipelineError, match=r"DVC: .*report@none"):
        sharing.pull(targets=["report@none"])


def test_a_changed_file_is_not_lost(store):
    Path("many/b").chmod(0o644)
    Path("many/b").write_text("mine\n")
    sharing.push()
    with pytest.raises(PipelineError, match="DVC: "):
        sharing.pull()
    assert Path("many/b").read_text() == "mine\n"


@pytest.mark.parametrize("work", ["push", "pull"])
def test_what_a_server_raises_is_one_line(store, monkeypatch, work):
    """Also where its library has an error of its own, as S3's of missing credentials."""

    def refuses(*_, **__):
        raise RuntimeError("Unable to locate credentials")

    monkeypatch.setattr(f"dvc.data_cloud.DataCloud.{work}", refuses)
    with pytest.raises(PipelineError, match="it refuses these credentials"):
        getattr(sharing, work)()


@pytest.mark.parametrize("work", [sharing.push, sharing.pull, remotes.push_runs])
def test_what_was_not_transferred_is_one_line_and_no_success(store, monkeypatch, caplog, work):
    """Of which DVC logs each object, and of pulled ones and of runs it says no more."""
    if work is sharing.pull:
        sharing.push()
        shutil.rmtree(".dvc/cache")

    def refuses(*_, **__):
        raise PermissionError("Access Denied.")

    if work is remotes.push_runs:
        sharing.push()
        one = Path(".dvc/cache/runs/00/00/11")  # a run whose objects the remote has
        one.parent.mkdir(parents=True)
        one.touch()
        monkeypatch.setattr("dvc_objects.fs.generic.copy", refuses)
    monkeypatch.setattr("dvc_objects.fs.generic._try_links", refuses)
    with pytest.raises(PipelineError) as found:
        work()
    assert re.fullmatch(
        r"the remote store: \d objects? could not be transferred: it refuses these credentials "
        r"\(Access Denied\.\); make remote says what to do",
        str(found.value),
    )
    assert not any(line.startswith("failed to transfer") for line in caplog.messages)
