"""Work that goes on: what is taken up, what is made anew, and what is not ours."""

import pytest

from pipeline.core import files, resumed
from pipeline.core.errors import DataError


def is_own(name):
    return name.startswith("part")


def interrupted(path):
    with pytest.raises(KeyboardInterrupt), files.new_folder(path, resume=is_own) as work:  # noqa: PT012
        (work / "part-1").write_text("done")
        raise KeyboardInterrupt


def test_a_folder_of_this_project_is_taken_up_whatever_it_holds(here):
    interrupted(here / "out")
    (here / "out.incomplete/older").touch()
    with files.new_folder(here / "out", resume=is_own) as work:
        assert work == here / "out.incomplete"
        assert {path.name for path in resumed.entries(work)} == {"part-1", "older"}
    assert {path.name for path in (here / "out").iterdir()} == {"part-1", "older"}
    assert [path.name for path in here.iterdir()] == ["out"]


def test_so_is_one_without_a_mark_that_holds_nothing_else(here):
    (here / "out.incomplete").mkdir()
    (here / "out.incomplete/part-1").touch()
    resumed.claim(here / "out.incomplete", is_own)
    resumed.claim(here / "out.incomplete", lambda _: False)  # it has a mark now


@pytest.mark.parametrize("name", ["thesis.txt", ".hidden"])
def test_somebodys_folder_is_refused_and_stays(here, name):
    (here / "out.incomplete").mkdir()
    (here / "out.incomplete" / name).write_text("my own")
    with (
        pytest.raises(DataError, match=rf"out.incomplete holds {name}, which this project did not"),
        files.new_folder(here / "out", resume=is_own),
    ):
        pass
    assert (here / "out.incomplete" / name).read_text() == "my own"


def test_links_are_refused(here):
    work = here / "out.incomplete"
    work.symlink_to("../mine", target_is_directory=True)
    with pytest.raises(DataError, match="is no folder that this project made; remove it"):
        resumed.claim(work, lambda _: True)
    work.unlink()
    work.mkdir()
    (work / "part-1").symlink_to("../../mine/thesis.txt")
    with pytest.raises(DataError, match=r"out.incomplete holds part-1"):
        resumed.claim(work, is_own)
    (work / "part-1").unlink()
    (work / resumed.MARK).symlink_to("../../mine/thesis.txt")
    with pytest.raises(DataError, match="holds of-the-pipeline"):
        resumed.claim(work, is_own)


@pytest.mark.parametrize("kind", ["plain", "soft", "hard", "nothing"])
def test_a_file_is_written_on_only_if_it_is_a_plain_one(here, kind):
    path, target = here / "a.incomplete", here.parent / "mine/thesis.txt"
    if kind == "plain":
        path.write_text("my own")
    elif kind == "soft":
        path.symlink_to(target)
    elif kind == "hard":
        path.hardlink_to(target)
    with resumed.continued(path, 3 if kind == "plain" else 0) as file:
        file.write(b"new")
    assert path.read_bytes() == (b"my new" if kind == "plain" else b"new")
    assert not path.is_symlink()


def test_a_folder_is_kept_for_the_work_that_goes_on(here):
    for _ in range(2):
        with files.temporary_folder(here / "out") as work:
            (work / "inner").mkdir()
            (work / "inner/a").touch()
            resumed.keep(work / "inner", here / "out")
        assert [path.name for path in here.iterdir()] == ["out.incomplete"]
        assert [path.name for path in resumed.entries(here / "out.incomplete")] == ["a"]
