"""Check of ``dvc.lock``: any difference from what is here is found, and nothing else."""

import shutil
from contextlib import chdir
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.core.errors import PipelineError
from pipeline.repository.lock_check import faults
from tests.support.dvc_project import TWO_STAGES, build

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC


def test_what_was_just_run_has_no_faults(recorded):
    assert list(faults()) == []


@pytest.mark.parametrize("name", ["many/a", "many/b", "alone", "small.json"])
@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_flipped_byte_in_an_output_is_found(recorded, name, place):
    path = Path(name)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    (fault,) = faults()
    output = Path(name).parts[0]
    assert fault == f"make: {output} is not what was recorded; run dvc repro --force make"


def test_what_dvc_ignores_though_a_stage_reads_it_is_found(recorded):
    ignored = Path(".dvcignore")
    ignored.write_text("notes\n__pycache__/\n")
    Path("notes").write_text("of nobody's")
    assert list(faults()) == []
    ignored.write_text("script.*\n")
    (fault, *_) = faults()
    assert fault.startswith(".dvcignore: hides project/script.py, which Git tracks and stages read")


def test_another_file_in_an_output_is_found(recorded):
    Path("many/c.incomplete").write_text("")
    assert ["many is not what" in fault for fault in faults()] == [True]


@pytest.mark.parametrize(
    ("path", "old", "new", "fault"),
    [
        ("given", "1", "2", "make: dependencies are not as recorded (given); run dvc repro"),
        ("params.yaml", "3", "5", "make: parameters are not as recorded (depth); run dvc repro"),
        ("dvc.yaml", "cp given", "cp  given", "make: its command is not the recorded"),
        ("dvc.yaml", "[given, script.py]", "[given]", "make: dvc.lock records more or less; run"),
        ("dvc.yaml", "[many, alone]", "[many]", "make: dvc.lock records more or less; run"),
        ("dvc.yaml", "    params: [depth]\n", "", "make: dvc.lock records more or less; run"),
        ("dvc.yaml", "[depth]", "[depth, other]", "make: parameters are not as recorded (other)"),
        ("dvc.lock", "  make:", "  mace:", "make: not recorded in dvc.lock: many, alone, small"),
        ("dvc.lock", "schema: '2.0'", "schema: '2.1'", "dvc.lock was cut short, or edited; run"),
    ],
)
def test_what_does_not_agree_with_the_lock_is_found(recorded, path, old, new, fault):
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))
    try:
        (found,) = faults()
    except PipelineError as error:
        found = str(error)
    assert found.startswith(fault)


def test_a_flip_in_any_line_of_the_lock_is_found(recorded):
    lock = Path("dvc.lock")
    lines = lock.read_text().splitlines()
    assert len(lines) > 30
    for number, line in enumerate(lines):
        last = line.rstrip("':")
        flipped = last[:-1] + chr(ord(last[-1]) ^ 1) + line[len(last) :]
        lock.write_text("\n".join([*lines[:number], flipped, *lines[number + 1 :], ""]))
        try:
            found = list(faults())
        except PipelineError as error:
            found = [str(error)]
        assert found, flipped


@pytest.mark.parametrize("name", ["given", "script.py", "small.json"])
def test_what_git_should_hold_is_missed(recorded, name):
    Path(name).unlink()
    (fault,) = faults()
    assert name in fault
    assert "which Git should hold" in fault


def test_what_was_not_pulled_is_no_fault(recorded):
    shutil.rmtree("many")
    Path("alone").unlink()
    assert list(faults()) == []


GATHERED = """
stages:
  make:
    cmd: mkdir -p all; echo 1 > all/tracked; echo 2 > all/cached
    outs: [all/cached]
    metrics: [all/tracked: {cache: false}]
  gather:
    cmd: cat all/* > sum
    deps: [all]
    outs: [sum]
"""


@pytest.mark.parametrize("left", [["tracked"], []])
def test_a_folder_of_outputs_of_which_some_were_not_pulled_is_no_fault(tmp_path, left):
    with chdir(build(tmp_path, GATHERED) / "project"):
        for path in Path("all").iterdir():
            if path.name not in left:
                path.unlink()
        found = list(faults())
        assert not any("gather" in fault for fault in found)
        assert len(found) == (not left)  # make's tracked output
        Path("all/cached").write_text("3")
        Path("all/tracked").write_text("1\n")
        assert any(fault.startswith("gather: dependencies are not") for fault in faults())


def test_after_git_pull_without_dvc_pull_the_advice_is_dvc_pull(recorded):
    """The outputs here are of the older lock; a consequence of that is not told apart."""
    older = Path("dvc.lock").read_text(), Path("small.json").read_text()
    Path("given").write_text("2\n")
    with Repo(".") as project:
        project.reproduce()
        newer = Path("dvc.lock").read_text(), Path("small.json").read_text()
        Path("dvc.lock").write_text(older[0])
        project.checkout(force=True)
    Path("dvc.lock").write_text(newer[0])
    others = set()
    assert list(faults(others)) == [
        f"make: {output} is not the recorded version; run dvc pull {output}"
        for output in ("many", "alone")
    ]
    assert others == {Path("many"), Path("alone")}


def test_what_follows_from_another_version_is_not_told_as_well(reproduced):
    """``two`` is a copy of ``one``: both locks' outputs are in the cache, the older are here."""
    older = Path("dvc.lock").read_text()
    Path("dvc.yaml").write_text(TWO_STAGES.replace("echo 1", "echo 3"))
    with Repo(".") as project:
        project.reproduce()
        newer = Path("dvc.lock").read_text()
        Path("dvc.lock").write_text(older)
        project.checkout(force=True)
    Path("dvc.lock").write_text(newer)
    assert list(faults()) == [
        "first: one is not the recorded version; run dvc pull one",
        "second: two is not the recorded version; run dvc pull two",
    ]
    Path("dvc.lock").write_text(
        newer.partition("second:")[0] + "second:" + older.partition("second:")[2]
    )
    with Repo(".") as project:
        project.checkout(force=True)
    assert list(faults()) == ["second: dependencies are not as recorded (one); run dvc repro"]
