"""The gate, in a repository of its own."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_the_gate_fails_when_a_metric_is_worse(call, project):
    def git(*command):
        identity = ["-c", "user.name=x", "-c", "user.email=x"]
        subprocess.run(["git", *identity, *command], cwd=project.folder, check=True)

    path = project.folder / "metrics/runs/tiny_idx/evaluation.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"accuracy": 0.9}')
    rules = "rules: [{metrics: accuracy, better: higher, absolute: 0.02}]"
    (project.folder / "gate.yaml").write_text(rules)
    git("init", "-q", "-b", "main")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=project.folder, check=True)
    git("add", "metrics", "gate.yaml", ".dvc")
    git("commit", "-qm", "all")
    done = call("gate")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    assert "pass, 1 are the same" in done.stdout
    path.write_text('{"accuracy": 0.8}')
    done = call("gate", "--baseline", "HEAD", "--format", "markdown")
    assert done.returncode == 1
    assert "1 of 1 comparisons with HEAD fail" in done.stdout
    assert "| run tiny\\_idx | accuracy" in done.stdout
    assert "there is no Git revision nothing" in call("gate", "--baseline", "nothing").stderr
