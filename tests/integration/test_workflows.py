"""CI's workflows: valid, pinned, with no more rights than they need; the one by hand is run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.core.params import read_yaml
from tests.support import servers
from tests.support.builders import ROOT
from tests.support.host import FULL, Host, git
from tests.support.host import PULL_REQUEST as METRICS
from tests.support.repository import Copy

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
CI = ".github/workflows/ci.yml"
BIN = Path(sys.executable).parent


def run(*command, cwd=ROOT, **environment):
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_workflows_are_valid():
    schema = "vendor.github-workflows"
    done = run("check-jsonschema", "--builtin-schema", schema, *WORKFLOWS)
    assert done.returncode == 0, done.stdout


def test_actionlint_finds_nothing(tmp_path):
    """Expressions, contexts, inputs of actions; with shellcheck, where it is, the scripts too."""
    actionlint = servers.program("actionlint")
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(METRICS.read_text().replace("github.event_name ==", "github.event_nam =="))
    assert "event_nam" in run(actionlint, "-no-color", wrong).stdout
    done = run(actionlint, "-no-color", *WORKFLOWS)
    assert (done.stdout, done.returncode) == ("", 0)


def test_zizmor_finds_nothing_dangerous():
    """Unpinned actions, rights for all jobs, secrets for strangers, expressions in scripts."""
    done = run("zizmor", "--offline", "--no-progress", ROOT / ".github/workflows")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_jobs_are_limited(path):
    text = path.read_text()
    for line in re.findall(r"uses: .*", text):
        assert re.fullmatch(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    assert "pull_request_target" not in text
    workflow = read_yaml(path)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    assert all(job["timeout-minutes"] <= 360 for job in workflow["jobs"].values())


@pytest.mark.parametrize(("path", "name"), [(METRICS, "comment"), (FULL, "request")])
def test_only_the_job_that_runs_no_code_of_ours_may_write(path, name):
    jobs = read_yaml(path)["jobs"]
    writing = [name for name, job in jobs.items() if "write" in job["permissions"].values()]
    assert writing == [name]
    programs = r"\b(make|python|dvc|\./)"
    for step in jobs[name]["steps"]:
        assert "secrets." not in str(step)
        assert not re.search(programs, re.sub("dvc.lock", "", step.get("run", "")))
    assert re.search(programs, str(next(iter(jobs.values()))["steps"]))


def test_a_fork_gets_no_comment():
    job = read_yaml(METRICS)["jobs"]["comment"]
    assert not [step for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert "head.repo.full_name == github.repository" in job["if"]


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("vendor.github-issue-forms", ".github/ISSUE_TEMPLATE/[!c]*.yml"),
        ("vendor.github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("vendor.citation-file-format", "CITATION.cff"),
    ],
)
def test_forms_and_citation_are_valid(schema, pattern):
    files = sorted(ROOT.glob(pattern))
    assert files
    done = run("check-jsonschema", "--builtin-schema", schema, *files)
    assert done.returncode == 0, done.stdout


def test_hooks_are_valid():
    done = run("pre-commit", "validate-config", ROOT / ".pre-commit-config.yaml")
    assert done.returncode == 0, done.stdout


# The scripts of the workflow by hand, run as the host would run them


def block(name, train="track_test: true", report="{}"):
    return (
        f"    dataset: {name}\n    network: cnn\n    weights: data/weights/none\n    model: {{}}\n"
        f"    train: {{{train}}}\n    evaluate: {{}}\n"
        f"    report: {report}\n"
    )


@pytest.fixture
def host(tmp_path):
    """A host with this repository; the demos are trained for three epochs there.

    Without the records of all else, which is not run: they need not be up to date here.
    """
    origin = tmp_path / "origin"
    copy = Copy(origin)
    copy.forget_all_but("demo")
    for name in ("demo_idx", "demo_png"):
        copy.change(block(name), block(name, "track_test: true, epochs: 3"))
    git(origin, "checkout", "-q", "-b", "full")
    git(origin, "add", ".")
    git(origin, "commit", "-qm", "full")
    return Host(tmp_path, origin)


@pytest.mark.slow
@pytest.mark.xdist_group("workflows")
def test_the_workflow_by_hand_reproduces_pushes_and_asks_for_a_merge(host):
    store = host.folder / "store"
    values = {
        "TARGETS": "report@demo_idx report@demo_png",
        "PUSH": "true",
        "DVC_CONFIG_LOCAL": f"[core]\nremote = store\n['remote \"store\"']\nurl = {store}",
    }
    steps, summary = host.job("full", "workflow_dispatch", FULL, values)
    assert [name for name, (_, status) in steps.items() if status] == [], steps
    assert list(steps) == ["Reproduce", "Remove the credentials", "Verify", "Summary", "Results"]
    assert "metrics/runs/demo_png/report.html" in summary
    clone = host.folder / "full/clone"
    assert not (clone / ".dvc/config.local").exists()
    assert run("dvc", "remote", "add", "--local", "store", store, cwd=clone).returncode == 0
    done = run(sys.executable, "-m", "pipeline", "verify", "--remote", "store", cwd=clone)
    assert done.returncode == 0, done.stderr
    asks_for_a_merge(host)


def asks_for_a_merge(host):
    """The job that may write commits what was made, and nothing else that a patch holds."""
    patch = host.folder / "full/temp/results.patch"
    assert "changed=true" in (host.folder / "full/OUTPUT").read_text()
    there = host.folder / "full-request/temp/results.patch"
    there.parent.mkdir(parents=True)
    ci = (ROOT / CI).read_text().splitlines()
    lines = [f"-{ci[0]}", "+x", *(f" {line}" for line in ci[1:4])]
    other = ["diff --git a/{0} b/{0}", "--- a/{0}", "+++ b/{0}", "@@ -1,4 +1,4 @@", *lines]
    there.write_text(patch.read_text() + "\n".join(other).format(CI) + "\n")
    gh = host.folder / "bin/gh"
    gh.parent.mkdir()
    gh.write_text(f'#!/bin/sh\necho "$@" >> {host.folder}/gh\n')
    gh.chmod(0o755)
    values = {"TARGETS": "report@demo_idx", "GH_TOKEN": "token"}
    steps, _ = host.job("full", "workflow_dispatch", FULL, values, "request")
    assert [status for _, status in steps.values()] == [0], steps
    told = (host.folder / "gh").read_text().splitlines()
    assert told[0] == "auth setup-git"
    assert told[1].startswith("pr create --base full --head full-42-1 --title Results of report@")
    made = run("git", "diff", "--name-only", "full", "full-42-1", cwd=host.origin).stdout.split()
    assert {"dvc.lock", "metrics/runs/demo_png/evaluation.json"} <= set(made)
    assert {name.split("/")[0] for name in made} == {"dvc.lock", "metrics"}
