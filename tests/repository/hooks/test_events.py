"""What Git's hooks take for a change of data, in a repository of Git's."""

import io
from pathlib import Path

import pytest

from pipeline.repository.hooks import events
from tests.support.dvc_project import git

NOBODY = "1" * 40


@pytest.fixture
def history(tmp_path, monkeypatch):
    """Enter a repository of three commits: `lock` changed dvc.lock, `page` another file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PRE_COMMIT", raising=False)
    for name in ("FROM_REF", "TO_REF", "CHECKOUT_TYPE", "REWRITE_COMMAND"):
        monkeypatch.delenv(f"PRE_COMMIT_{name}", raising=False)
    git("init", "-q")
    for tag, name in ("first", "dvc.lock"), ("lock", "dvc.lock"), ("page", "page.md"):
        Path(name).write_text(tag)
        git("add", ".")
        git("commit", "-qm", tag)
        git("tag", tag)


@pytest.mark.parametrize(
    ("arguments", "concerned"),
    [
        (("first", "lock", "1"), True),
        (("lock", "page", "1"), False),
        (("first", "lock", "0"), False),
        ((events.NOTHING, "lock", "1"), True),
    ],
)
@pytest.mark.parametrize("through", ["git", "pre-commit"])
@pytest.mark.usefixtures("history")
def test_a_checkout_of_another_lock(arguments, concerned, through, monkeypatch):
    if through == "pre-commit":
        for name, value in zip(("FROM_REF", "TO_REF", "CHECKOUT_TYPE"), arguments, strict=True):
            monkeypatch.setenv(f"PRE_COMMIT_{name}", value)
        arguments = ()
    assert events.concerns_data("post-checkout", arguments) == concerned
    Path(".git/rebase-merge").mkdir()
    assert not events.concerns_data("post-checkout", arguments)


@pytest.mark.usefixtures("history")
def test_a_merge_and_a_rebase_that_brought_another_lock():
    git("checkout", "-q", "-b", "side", "first")
    git("merge", "-q", "lock")
    assert events.concerns_data("post-merge", ["0"])
    assert events.concerns_data("post-rewrite", ["rebase"])
    assert not events.concerns_data("post-rewrite", ["amend"])
    git("merge", "-q", "page")
    assert not events.concerns_data("post-merge", ["0"])


@pytest.mark.usefixtures("history")
def test_a_commit_of_what_stages_depend_on():
    Path("page.md").write_text("other")
    Path("params.yaml").write_text("a: 1")
    git("add", "page.md")
    assert not events.concerns_data("pre-commit", [])
    git("add", "params.yaml")
    assert events.concerns_data("pre-commit", [])


@pytest.mark.parametrize(
    ("lines", "concerned"),
    [
        ("refs/heads/a page refs/heads/a first", True),
        ("refs/heads/a page refs/heads/a lock", False),
        (f"refs/heads/a page refs/heads/a {events.NOTHING}", True),
        (f"refs/heads/a page refs/heads/a {NOBODY}", True),
        (f"(delete) {events.NOTHING} refs/heads/a page", False),
        ("", False),
    ],
)
@pytest.mark.usefixtures("history")
def test_a_push_of_another_lock(lines, concerned, monkeypatch):
    monkeypatch.setattr(events.sys, "stdin", io.StringIO(lines))
    assert events.concerns_data("pre-push", ["origin", "url"]) == concerned


@pytest.mark.usefixtures("history")
def test_a_push_through_pre_commit(monkeypatch):
    monkeypatch.setenv("PRE_COMMIT", "1")
    assert events.concerns_data("pre-push", [])
    for old, concerned in ("first", True), ("lock", False):
        monkeypatch.setenv("PRE_COMMIT_FROM_REF", old)
        monkeypatch.setenv("PRE_COMMIT_TO_REF", "page")
        assert events.concerns_data("pre-push", []) == concerned
