"""Versions of the tracked libraries."""

from tests.support.builders import ROOT


def test_lock_writes_the_tracked_versions(call, project):
    committed = (ROOT / "libraries.yaml").read_text()
    (project.folder / "libraries.yaml").unlink()
    (project.folder / "requirements.lock").write_text((ROOT / "requirements.lock").read_text())
    assert call("lock").returncode == 0
    assert (project.folder / "libraries.yaml").read_text() == committed
