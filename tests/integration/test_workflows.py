"""CI's workflows: valid, pinned, with no more rights than they need; the pull request's is run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.utils.serialize import dump_yaml

from pipeline.core.params import read_yaml
from tests.support import servers
from tests.support.builders import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
METRICS = ROOT / ".github/workflows/pull-request.yml"
FULL = ROOT / ".github/workflows/full.yml"
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


def test_only_the_job_that_runs_no_code_of_ours_may_write():
    jobs = read_yaml(METRICS)["jobs"]
    writing = [name for name, job in jobs.items() if "write" in job["permissions"].values()]
    assert writing == ["comment"]
    assert not [step for step in jobs["comment"]["steps"] if "checkout" in step.get("uses", "")]
    assert "head.repo.full_name == github.repository" in jobs["comment"]["if"]


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


# The scripts of workflows, run as the host would run them


class Host:
    """A host's copy of the repository, and the cache of DVC's that it keeps between its jobs."""

    def __init__(self, folder):
        self.folder = folder
        self.origin = folder / "origin"
        listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).exists():
                (self.origin / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.origin / name)
        self.git("init", "-q", "-b", "main")

    def git(self, *command):
        name = "-c", "user.name=x", "-c", "user.email=x"
        done = run("git", *name, *command, cwd=self.origin)
        assert done.returncode == 0, done.stderr

    def commit(self, *changes, branch):
        """Commit changes of ``params.yaml`` to a branch, which is made if it is not ``main``."""
        if branch != "main":
            self.git("checkout", "-q", "-B", branch, "main")
        path = self.origin / "params.yaml"
        text = path.read_text()
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path.write_text(text)
        self.git("add", ".")
        self.git("commit", "-qm", branch)

    def job(self, branch, event, workflow=METRICS, **values):
        """Run the scripts of a workflow's first job in a new clone.

        Not run are `make setup` (test_setup.py does) and the actions, which need the host; what
        ``actions/cache`` does is done here. ``values`` are those of the steps' variables that the
        host would put in: inputs and secrets; others are empty, as secrets in a fork.

        Returns
        -------
        tuple
            By the names of the steps that were run what they wrote and their status; the summary.
        """
        clone = self.folder / branch / "clone"
        run("git", "clone", "-q", "-b", branch, self.origin, clone)
        files = {name: clone.parent / name for name in ("STEP_SUMMARY", "ENV", "PATH")}
        for path in files.values():
            path.touch()
        (clone.parent / "temp").mkdir()
        if (self.folder / "cache").exists():
            shutil.copytree(self.folder / "cache", clone / ".dvc/cache")
        host = {
            "CI": "true",
            "GITHUB_BASE_REF": "main" if event == "pull_request" else "",
            "RUNNER_TEMP": str(clone.parent / "temp"),
        } | {f"GITHUB_{name}": str(path) for name, path in files.items()}
        steps = {}
        for step in next(iter(read_yaml(workflow)["jobs"].values()))["steps"]:
            condition = step.get("if", "")
            failed = any(status for _, status in steps.values())
            if (
                "run" not in step
                or step["name"] == "Install"
                or ("pull_request" in condition and event != "pull_request")
                or (failed and not re.search(r"always\(\)|!cancelled\(\)", condition))
            ):
                continue
            lines = files["ENV"].read_text().splitlines()
            set_before = dict(line.split("=", 1) for line in lines)
            own = {name: values.get(name, "") for name in step.get("env", {})}
            done = run("bash", "-e", "-c", step["run"], cwd=clone, **host, **set_before, **own)
            steps[step["name"]] = done.stdout + done.stderr, done.returncode
        if event == "push":
            shutil.copytree(clone / ".dvc/cache", self.folder / "cache")
        return steps, files["STEP_SUMMARY"].read_text()


def ran(text):
    return re.findall(r"^Running stage '(.*)'", text, re.M)


def block(name, train="track_test: true", report="{}"):
    return (
        f"    dataset: {name}\n    network: cnn\n    weights: data/weights/none\n    model: {{}}\n"
        f"    train: {{{train}}}\n    evaluate: {{}}\n"
        f"    report: {report}\n"
    )


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """A host on which ``main`` was pushed; the demos are trained for three epochs there.

    Without the records of all else, which is not run: they need not be up to date here.
    """
    host = Host(tmp_path_factory.mktemp("host"))
    for path in (host.origin / "metrics").glob("*/*"):
        if not path.name.startswith("demo"):
            shutil.rmtree(path)
    lock = read_yaml(host.origin / "dvc.lock")
    stages = {name: stage for name, stage in lock["stages"].items() if "@demo" in name}
    dump_yaml(host.origin / "dvc.lock", lock | {"stages": stages})
    shutil.rmtree(host.origin / "ablation/metrics", ignore_errors=True)
    (host.origin / "ablation/dvc.lock").unlink(missing_ok=True)
    short = "track_test: true, epochs: 3"
    host.commit(*[(block(n), block(n, short)) for n in ("demo_idx", "demo_png")], branch="main")
    steps, _ = host.job("main", "push")
    assert {name: status for name, (_, status) in steps.items()} == {
        "Pull": 0,
        "Reproduce": 0,
        "Verify": 0,
    }, steps
    assert len(ran(steps["Reproduce"][0])) == 14
    return host


SHORT = block("demo_idx", "track_test: true, epochs: 3")


@pytest.mark.slow
@pytest.mark.xdist_group("workflows")
def test_a_pull_request_that_lowers_the_accuracy_is_stopped(host):
    host.commit((SHORT, block("demo_idx", "track_test: true, epochs: 1")), branch="worse")
    steps, summary = host.job("worse", "pull_request")
    assert [name for name, (_, status) in steps.items() if status] == ["Gate"], steps
    assert ran(steps["Reproduce the baseline"][0]) == []
    assert ran(steps["Reproduce"][0]) == ["train@demo_idx", "evaluate@demo_idx", "report@demo_idx"]
    assert re.search(r"run demo\\_idx +\| accuracy .*\| worse", summary), summary
    assert "Curves of demo_idx" in summary
    assert "Confusion matrix of demo_idx" in summary
    assert "demo_png" not in summary
    assert list((host.folder / "worse/temp/plots").glob("*.html"))


@pytest.mark.slow
@pytest.mark.xdist_group("workflows")
def test_a_pull_request_that_changes_a_figure_runs_report_alone_and_passes(host):
    host.commit((SHORT, SHORT.replace("report: {}", "report: {dpi: 90}")), branch="figure")
    steps, summary = host.job("figure", "pull_request")
    assert [name for name, (_, status) in steps.items() if status] == [], steps
    assert ran(steps["Reproduce"][0]) == ["report@demo_idx"]
    assert "pass" in summary
    assert "No curve and no confusion matrix changed." in summary


@pytest.mark.slow
@pytest.mark.xdist_group("workflows")
def test_the_workflow_by_hand_reproduces_and_pushes_all_that_leads_to_a_report(host):
    host.git("branch", "full", "main")
    store = host.folder / "store"
    values = {
        "TARGETS": "report@demo_idx report@demo_png",
        "PUSH": "true",
        "DVC_CONFIG_LOCAL": f"[core]\nremote = store\n['remote \"store\"']\nurl = {store}",
    }
    steps, summary = host.job("full", "workflow_dispatch", FULL, **values)
    assert [name for name, (_, status) in steps.items() if status] == [], steps
    assert list(steps) == ["Reproduce", "Remove the credentials", "Verify", "Summary"]
    assert "metrics/runs/demo_png/report.html" in summary
    clone = host.folder / "full/clone"
    assert not (clone / ".dvc/config.local").exists()
    assert run("dvc", "remote", "add", "--local", "store", store, cwd=clone).returncode == 0
    done = run(sys.executable, "-m", "pipeline", "verify", "--remote", "store", cwd=clone)
    assert done.returncode == 0, done.stderr
