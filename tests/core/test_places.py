"""Links, hard links and other people's files in the way of what is written, replaced or removed."""

import fcntl
import os
import shutil
import subprocess

import pytest

from pipeline.core import files, places
from pipeline.core.errors import DataError

HEX = "0123456789abcdef"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write(path):
    files.write_text(path, "new")


def fill(path):
    with files.new_folder(path) as work:
        (work / "a").touch()


def resume(path):
    with files.new_folder(path, resume=lambda name: name == "a") as work:
        (work / "a").touch()


MAKE = [write, fill, resume, places.make_folder]


@pytest.mark.parametrize("make", [*MAKE, places.remove])
@pytest.mark.parametrize("link", ["metrics", "metrics/runs", "data/raw"])
def test_no_folder_on_the_way_is_a_link(here, make, link):
    (here / link).parent.mkdir(exist_ok=True)
    (here / link).symlink_to(here.parent / "mine", target_is_directory=True)
    target = here.joinpath(link, "x", "y").relative_to(here)
    for path in (target, target.parent / "thesis.txt", here / target):
        with pytest.raises(DataError, match=rf"^{link} is a link; nothing is written or removed"):
            make(path)


def test_nor_one_that_leads_back_or_nowhere(here):
    (here / "logs").symlink_to("nowhere")
    (here / "metrics").symlink_to("../mine/..")
    for path in ("logs/a", "metrics/project/params.yaml", "metrics/../params.yaml"):
        with pytest.raises(DataError, match="is a link"):
            write(here / path)
    assert not (here / "nowhere").exists()


def test_data_may_be_a_link_to_a_larger_disk(here, tmp_path):
    (tmp_path / "large").mkdir()
    (here / "data").symlink_to(tmp_path / "large", target_is_directory=True)
    (here / "study").mkdir()
    (here / "study/dvc.yaml").touch()
    (here / "study/data").symlink_to(tmp_path / "large", target_is_directory=True)
    fill(here / "data/shards/x")
    write(here / "study/data/predictions/x.parquet")
    assert names(tmp_path / "large") == ["predictions", "shards"]
    (here / "data/raw").symlink_to(tmp_path / "mine", target_is_directory=True)
    with pytest.raises(DataError, match=r"^data/raw is a link"):
        write(here / "data/raw/x")


def test_but_not_one_that_git_tracks(here):
    (here / "data").symlink_to("../mine", target_is_directory=True)
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "add", "data"], check=True)
    places._is_tracked.cache_clear()
    with pytest.raises(DataError, match=r"^data is a link; .* which Git does not track"):
        write(here / "data/x")


def test_a_file_that_is_a_link_is_replaced(here):
    target = here.parent / "mine/thesis.txt"
    (here / "soft").symlink_to(target)
    (here / "hard").hardlink_to(target)
    for name in ("soft", "hard"):
        write(here / name)
        assert places.is_plain(here / name)
        assert (here / name).read_text() == "new"
    assert target.stat().st_nlink == 1


@pytest.mark.parametrize("make", [write, fill])
def test_what_stands_where_once_all_was_made_stays(here, make):
    (here / "out.incomplete").symlink_to("../mine/thesis.txt")
    make(here / "out")
    assert (here / "out.incomplete").is_symlink()
    (here / "out.incomplete").unlink()
    (here / "out.incomplete").mkdir()
    (here / "out.incomplete/letter").touch()
    make(here / "out")
    assert names(here / "out.incomplete") == ["letter"]


@pytest.mark.parametrize("make", [fill, resume])
def test_an_output_that_is_a_link_or_a_file_is_refused(here, make):
    (here / "link").symlink_to("../mine", target_is_directory=True)
    (here / "file").write_text("dear")
    for name, reason in (("link", "is a link"), ("file", "is no folder")):
        with pytest.raises(DataError, match=rf"{name} is there and {reason}; move it away"):
            make(here / name)
    assert (here / "file").read_text() == "dear"
    assert names(here) == ["file", "link"]


def test_links_and_their_targets(here):
    (here / "a").symlink_to("../mine", target_is_directory=True)
    (here / "folder").mkdir()
    (here / "folder/inner").symlink_to("../../mine", target_is_directory=True)
    places.remove(here / "a")
    places.remove(here / "folder")
    places.remove(here / "none")
    assert names(here) == []


def test_what_a_killed_process_left_is_removed_and_nothing_else(here):
    left = [f"out.{HEX}.incomplete", f"out.{HEX[::-1]}.incomplete"]
    (here / left[0]).touch()
    (here / left[1]).mkdir()
    (here / left[1] / "half").touch()
    others = ["out.incomplete", f"out.{HEX}", f"other.{HEX}.incomplete", f"out.{HEX}0.incomplete"]
    for name in others:
        (here / name).touch()
    link, hard, held = (f"out.{letter * 16}.incomplete" for letter in "abc")
    (here / link).symlink_to("../mine", target_is_directory=True)
    (here / hard).hardlink_to(here / others[0])
    os.mkfifo(here / f"out.{'d' * 16}.incomplete")
    with (here / held).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        write(here / "out")
    assert names(here) == sorted(["out", *others, link, hard, held, f"out.{'d' * 16}.incomplete"])


def test_a_name_cannot_be_foreseen_and_is_ignored_by_git_and_dvc(here):
    seen = set()
    for _ in range(3):
        with files.new_file(here / "out") as work:
            seen.add(work.name)
            assert places.is_plain(work)
    assert len(seen) == 3
    assert all(name.startswith("out.") and name.endswith(".incomplete") for name in seen)


def test_modes_are_those_of_any_new_file(here):
    before = os.umask(0o027)
    try:
        write(here / "a")
        fill(here / "b")
    finally:
        os.umask(before)
    assert ((here / "a").stat().st_mode & 0o777, (here / "b").stat().st_mode & 0o777) == (
        0o640,
        0o750,
    )


def test_a_long_name_can_be_written(here):
    write(here / ("x" * 250))
    assert names(here) == ["x" * 250]


def test_a_folder_that_must_stay_stays(here):
    fill(here / "out")

    def refuse(path):
        raise DataError(f"{path} stays")

    with pytest.raises(DataError, match="stays"), files.new_folder(here / "out", refuse=refuse):
        pass
    assert names(here) == ["out"]
    shutil.rmtree(here / "out")


def test_a_folder_within_a_temporary_one(here):
    with files.temporary_folder(here / "out") as work:
        for _ in range(2):
            fill(work / "inner")
        assert names(work) == ["inner"]
