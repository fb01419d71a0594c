"""Recording of new code: what another stage shows is recorded, and nothing else."""

import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.core.errors import PipelineError
from pipeline.repository.lock_check import faults
from pipeline.repository.new_code.record import record
from tests.support.dvc_project import build, git

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # in DVC

GRAPH = """
stages:
  make:
    foreach: [demo, real, other]
    do:
      cmd: cp data_${item} made_${item}
      deps: [make.sh, 'data_${item}', 'own_${item}.sh']
      params: [depth]
      outs: ['made_${item}']
  join:
    cmd: cp made_real joined
    deps: [make.sh, made_real]
    outs: [joined]
"""
FILES = {"params.yaml": "depth: 3\n", "make.sh": "", "own_demo.sh": "", "own_real.sh": ""}
FILES |= {"own_other.sh": "", "data_demo": "1\n", "data_real": "2\n", "data_other": "3\n"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return Git's root of a project whose stages were run, for copies."""
    return build(tmp_path_factory.mktemp("built"), GRAPH, **FILES)


@pytest.fixture
def here(built, tmp_path, monkeypatch):
    """Enter a copy in which the code has a new comment."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path / "project")
    Path("make.sh").write_text("# a comment\n")


def run(*targets):
    with Repo(".") as repo:
        for target in targets:
            repo.reproduce(target)


def test_nothing_is_recorded_where_no_stage_was_run(here):
    before = Path("dvc.lock").read_text()
    outcome = record()
    assert outcome.recorded == []
    assert len(outcome.refused) == 4
    assert any("no make that was run here shows" in reason for reason in outcome.reasons)
    assert Path("dvc.lock").read_text() == before


def test_a_stage_that_was_run_shows_it_for_the_others_of_its_kind(here):
    run("make@demo")
    shutil.rmtree(".dvc/cache")
    Path("made_real").unlink()  # as in a clone that has pulled only a part
    outcome = record()
    assert outcome.recorded == ["make@real", "make@other"]
    assert outcome.shown_by == ["make@demo"]
    assert outcome.refused == ["join"]
    assert [fault.partition(":")[0] for fault in faults()] == ["join"]
    assert record(["join"], certain=True).recorded == ["join"]
    assert list(faults()) == []
    assert not any(record())


def test_a_commit_of_what_was_run_shows_it_too(here):
    run("make@demo")
    git("commit", "-qam", "the demo")
    assert record(["make@real"]).recorded == ["make@real"]


def test_a_stage_that_came_to_something_else_shows_nothing(here):
    graph = Path("dvc.yaml")
    graph.write_text(GRAPH.replace("cp data_${item}", "cat data_${item} data_${item} >"))
    run("make@demo")
    assert record(["make@real"]).refused == ["make@real"]


def test_code_that_the_other_stage_does_not_read_is_named(here):
    Path("own_real.sh").write_text("# a comment\n")
    run("make@demo")
    outcome = record()
    assert outcome.recorded == ["make@other"]
    assert any("with the new own_real.sh; run" in reason for reason in outcome.reasons)


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("params.yaml", "depth: 4\n", "make@real: parameters are not as recorded (depth); run"),
        ("made_real", "9\n", "make@real: made_real is not what was recorded; run"),
    ],
)
@pytest.mark.parametrize("certain", [True, False])
def test_what_differs_beside_the_code_is_refused_also_where_one_is_certain(
    here, path, text, reason, certain
):
    run("make@demo")
    Path(path).unlink()
    Path(path).write_text(text)
    before = Path("dvc.lock").read_text()
    outcome = record(["make@real"], certain=certain)
    assert (outcome.recorded, outcome.refused) == ([], ["make@real"])
    assert outcome.reasons[0].startswith(reason)
    assert Path("dvc.lock").read_text() == before


def test_a_stage_whose_data_were_made_anew_is_refused(here):
    run("make@demo")
    Path("data_real").write_text("7\n")  # a file of Git's counts as code
    run("make@real")
    outcome = record(["join"], certain=True)
    assert outcome.refused == ["join"]
    assert outcome.reasons[0].startswith("join: made_real is not what it was run with")


def test_what_git_holds_is_recorded_as_it_is_where_that_is_asked_for(here):
    graph = Path("dvc.yaml")
    outs = "outs: ['made_${item}']"
    graph.write_text(
        GRAPH.replace(outs, outs + "\n      metrics: [{'${item}.json': {cache: false}}]")
    )
    Path("real.json").write_text("{}")
    assert record(["make@real"], certain=True).refused == ["make@real"]
    assert record(["make@real"], certain=True, metrics=True).recorded == ["make@real"]
    assert not [fault for fault in faults() if fault.startswith("make@real")]


def test_a_report_that_is_not_here_loses_its_record(here):
    graph = Path("dvc.yaml")
    graph.write_text(GRAPH.replace("  join:", "  report:"))
    lock = Path("dvc.lock")
    lock.write_text(lock.read_text().replace("  join:", "  report:"))
    assert record(["report"]).refused == ["report"]
    Path("joined").unlink()
    assert record(["report"]).removed == ["report"]
    assert "report:" not in lock.read_text()
    assert not [fault for fault in faults() if fault.startswith("report")]


def test_a_target_that_is_no_stage_is_one_line(here):
    with pytest.raises(PipelineError, match="Stage 'no-stage' not found"):
        record(["no-stage"])
