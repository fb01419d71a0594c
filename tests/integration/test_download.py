"""Downloads by DVC: files that are there are verified, and only damaged ones are fetched again."""

import re

import pytest

from tests.support.graph_project import DvcProject
from tests.support.http_server import Reply, serve

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]

TARGET = "download@tiny_idx"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A project whose files a server has sent, which then forgets its requests."""
    project = DvcProject(tmp_path_factory.mktemp("project"))
    with serve() as server:
        for file in project.params["datasets"]["tiny_idx"]["download"]["files"]:
            published = project.folder / file["sources"][0].removeprefix("file:")
            file["sources"] = [server.reply(f"/{file['name']}", Reply(published.read_bytes()))]
            (project.folder / "data/raw/tiny_idx" / file["name"]).unlink()
        project.write()
        repro(project)
        assert len(server.requests) == 4
        yield project, server


@pytest.fixture
def project(served):
    project, server = served
    server.requests.clear()
    project.requests = server.requests
    return project


def repro(project, *options):
    """Reproduce the download, which succeeds and records what was recorded before, if anything."""
    done = project.repro(*options, TARGET)
    assert done.returncode == 0, done.stdout
    assert f"Running stage '{TARGET}'" in done.stdout
    lock = (project.folder / "dvc.lock").read_text()
    return re.findall(r"path: data/raw/\S+\s+hash: md5\s+md5: (\S+)", lock)


def touch(project):
    path = project.folder / "pipeline/core/paths.py"
    path.write_text(path.read_text() + "# touched\n")


def test_changed_code_of_core_fetches_nothing(project):
    before = repro(project, "--force")
    touch(project)
    assert repro(project) == before
    assert project.requests == []


@pytest.mark.parametrize("damage", [bytes.fromhex("00"), None], ids=["changed", "removed"])
def test_a_damaged_file_alone_is_fetched_again(project, damage):
    before = repro(project, "--force")
    path = sorted((project.folder / "data/raw/tiny_idx").iterdir())[1]
    content = path.read_bytes()
    path.unlink()
    if damage is not None:
        path.write_bytes(damage + content[1:])
    touch(project)
    assert repro(project) == before
    assert [url for url, _ in project.requests] == [f"/{path.name}"]
    assert path.read_bytes() == content


def test_a_forced_download_fetches_nothing_that_is_as_published(project):
    before = repro(project, "--force")
    assert repro(project, "--force") == before
    assert project.requests == []
