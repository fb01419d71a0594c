"""Programs that tests start as forks do what new processes do."""

import subprocess

import pytest

from tests.support import warm


@pytest.mark.slow
def test_a_fork_trains_as_a_new_process_does(project):
    weights = project.folder / "data/models/tiny_idx/model.weights.h5"
    for stage in "extract", "decode", "split", "train":
        done = project.run(stage, "tiny_idx")
        assert done.returncode == 0, done.stderr
    of_a_fork = weights.read_bytes()
    weights.unlink()
    with project.start("train", "tiny_idx") as process:
        _, err = process.communicate()
    assert process.returncode == 0, err
    assert weights.read_bytes() == of_a_fork


def test_a_fork_has_the_arguments_the_streams_and_the_status(project):
    called = [warm.programs() / "python", "-m", "pipeline", "nonsense"]
    done = subprocess.run(called, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "invalid choice: 'nonsense'" in done.stderr


def test_what_no_fork_can_do_is_a_new_process(project):
    script = "import os, sys; print(sys.argv[1], os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    done = subprocess.run(
        [warm.programs() / "python", "-c", script, "x"],
        env=warm.environment({"PATH": "/usr/bin:/bin", "TF_ENABLE_ONEDNN_OPTS": "0"}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "x 0\n", done.stderr
