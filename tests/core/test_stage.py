import importlib
import mmap
import re
import signal
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from pipeline.core import stage
from pipeline.core.errors import DataError, ParameterError
from tests.support.builders import ROOT


@pytest.fixture
def run(project, monkeypatch, capsys):
    """Run a stage's ``work`` in this process: exit status, standard output, standard error."""
    monkeypatch.delenv("PIPELINE_TRACEBACK", raising=False)

    def run(work, *arguments, uses=()):
        monkeypatch.setattr(sys, "argv", ["stages/extract.py", *(arguments or ["cats"])])
        with pytest.raises(SystemExit) as caught:
            stage.main(work, uses=uses, description="Extract.", name="DATASET")
        return caught.value.code, *capsys.readouterr()

    return run


def failing(error):
    def work(name):
        raise error

    return work


def test_a_stage_ends_with_what_it_did(run):
    status, out, err = run(lambda name: f"5 members of {name}")
    assert (status, err) == (0, "")
    assert re.fullmatch(r"extract cats: 5 members of cats in \d+\.\d s\n", out)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (DataError("a.7z: member 'x' is refused"), "a.7z: member 'x' is refused"),
        (ParameterError("bad\nkey\t\x1b[31mred\x07 ü\u202e\r"), "bad key  [31mred  ü  "),
        (FileNotFoundError(2, "No such file or directory", "a\x1bb"), "No such file or .*: a b"),
        (OSError(28, "No space left"), "No space left; free some space there and run this again"),
        (OSError("read error"), "read error"),
        (OSError("no http://me:secret@host/?sig=secret"), r"no http://\*\*\*@host/\?\*\*\*"),
    ],
)
def test_an_error_is_one_line(run, error, line):
    status, out, err = run(failing(error))
    assert (status, out) == (1, "")
    assert re.fullmatch(f"extract cats: {line.replace('[', '.')}\n", err)


def test_the_traceback_is_shown_where_it_is_asked_for(run, monkeypatch):
    error = DataError("damaged")
    for arguments, asked in ((["cats"], False), (["cats", "--traceback"], True)):
        status, _, err = run(failing(error), *arguments)
        assert status == 1
        assert err.endswith("extract cats: damaged\n")
        assert ("Traceback" in err) is asked
    monkeypatch.setenv("PIPELINE_TRACEBACK", "1")
    assert "Traceback" in run(failing(error))[2]


@pytest.mark.parametrize("name", ["download", "extract", "decode", "split"])
def test_an_unknown_dataset_is_said_with_those_that_there_are(project, name):
    work = importlib.import_module(f"stages.{name}").work
    known = "datasets.nothing is missing; datasets has: tiny_idx, tiny_png"
    with pytest.raises(ParameterError, match=known):
        work("nothing")


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_ends_a_stage_in_one_line(run, number, status, word):
    handler = signal.getsignal(number)
    assert run(lambda name: signal.raise_signal(number)) == (
        status,
        "",
        f"\nextract cats: {word}\n",
    )
    assert signal.getsignal(number) is handler


@pytest.mark.parametrize(
    "allocate",
    [bytes, np.empty, pa.allocate_buffer, lambda n: mmap.mmap(-1, n), lambda n: [None] * n],
    ids=["Python", "NumPy", "Arrow", "mmap", "list"],
)
def test_want_of_memory_is_one_line(run, allocate):
    status, out, err = run(lambda name: allocate(1 << 59))
    assert (status, out) == (1, "")
    assert re.fullmatch(r"extract cats: (out of|Cannot allocate) memory.*; free some .*\n", err)


def test_the_peak_of_memory_is_the_process_s_own():
    """``ru_maxrss`` of the child would be at least what this process holds."""
    held = np.ones(300_000_000, np.uint8)
    code = (
        "import numpy as np; from pipeline.core.stage import peak_memory as peak; before = peak();"
        "np.ones(100_000_000, np.uint8); print(before, peak())"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    before, after = map(int, said.split())
    assert before < held.nbytes
    assert after - before > 90_000_000


def test_a_bug_is_not_hidden(run):
    with pytest.raises(ZeroDivisionError):
        run(lambda name: str(1 / 0))


def test_other_versions_are_refused_before_any_work(run, project):
    (project.folder / "libraries.yaml").write_text('py7zr: "0.1"\n')
    status, _, err = run(failing(AssertionError("worked")), uses=["py7zr"])
    assert status == 1
    assert re.search(r"py7zr is [\d.]+, libraries.yaml says 0.1", err)


@pytest.mark.parametrize("arguments", [["--nonesuch"], ["cats", "dogs"]])
def test_wrong_arguments(run, arguments):
    status, out, err = run(failing(AssertionError("worked")), *arguments)
    assert (status, out) == (2, "")
    assert "usage: " in err


def test_an_escape_in_an_argument_is_not_echoed(run):
    status, _, err = run(failing(AssertionError("worked")), "cats", "\x1b]0;x\x07" + "y" * 5000)
    assert status == 2
    assert err.endswith("...\n")
    assert "arguments: ?]0;x?yyy" in err
    assert len(err) < 1200


@pytest.mark.parametrize(
    ("stage_of_dvc", "name"),
    [("extract@cats", "cats"), ("../a@b/dvc.yaml:extract@cats", "cats"), ("train@cats", None)],
)
def test_a_stage_of_dvc_gives_its_name(monkeypatch, capsys, stage_of_dvc, name):
    monkeypatch.setattr(sys, "argv", ["stages/extract.py"])
    monkeypatch.setenv("DVC_STAGE", stage_of_dvc)
    seen = []
    with pytest.raises(SystemExit) as caught:
        stage.main(lambda given: seen.append(given) or "", uses=(), description="", name="DATASET")
    assert (caught.value.code, seen) == ((0, [name]) if name else (2, []))
    assert ("are required: DATASET" in capsys.readouterr().err) is (name is None)


def test_a_run_of_another_graph_is_named_with_its_folder(monkeypatch, project):
    monkeypatch.setattr(sys, "argv", ["stages/train.py", "--graph", "ablation"])
    monkeypatch.setenv("DVC_STAGE", "ablation/dvc.yaml:train@dropout_0")
    seen = []
    with pytest.raises(SystemExit):
        stage.main(lambda given: seen.append(given) or "", uses=(), description="", name="RUN")
    assert seen == ["ablation/dropout_0"]


@pytest.mark.parametrize(
    "name",
    [
        "x; touch PWNED; #",
        "$(x)",
        "`x`",
        "a\nb",
        "cats\n",
        "a\u2028b",
        "'x'",
        "-h",
        "../a",
        "A",
        "",
    ],
)
def test_what_is_no_name_is_refused_from_dvc_and_from_a_shell(run, monkeypatch, name):
    status, out, err = run(failing(AssertionError("worked")), "--", name)
    assert (status, out) == (1, "")
    assert err.endswith(f"{name!r} is no name of a dataset\n")
    assert len(err.splitlines()) == 1
    monkeypatch.setattr(sys, "argv", ["stages/extract.py"])
    monkeypatch.setenv("DVC_STAGE", f"extract@{name}")
    with pytest.raises(SystemExit) as caught:
        stage.main(failing(AssertionError("")), uses=(), description="", name="DATASET")
    assert caught.value.code == 1


def test_help_is_the_programs_docstring():
    command = [sys.executable, ROOT / "stages" / "extract.py", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert "Extract a dataset's published files" in shown
    assert "DATASET" in shown


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("dogs", "params.yaml: datasets.dogs is missing; datasets has: tiny_idx, tiny_png"),
        ("../x", "'../x' is no name of a dataset"),
        ("ablation/x", "'ablation/x' is no name of a dataset"),
        ("tiny_idx", r"data/raw/tiny_idx/.*gz: truncated or not gzip .*; fetch it again"),
    ],
)
def test_a_real_stage_program_fails_in_one_line(project, name, line):
    (project.folder / "data/raw/tiny_idx/t10k-labels-idx1-ubyte.gz").write_bytes(b"<html>")
    done = project.run("extract", name)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(f"extract {name}: {line}\n", done.stderr)
    assert not (project.folder / "data" / "extracted").exists() or not list(
        (project.folder / "data" / "extracted").iterdir()
    )


@pytest.mark.parametrize(
    ("arguments", "log", "lines"),
    [
        ([], "", 1),
        (["--quiet"], "verbose", 0),
        (["--verbose"], "quiet", 3),
        ([], "verbose", 3),
        ([], "quiet", 0),
    ],
)
def test_a_stage_tells_as_much_as_is_asked(project, arguments, log, lines):
    done = project.run("extract", "tiny_idx", *arguments, env={"PIPELINE_LOG": log})
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert len(said) == lines
    if lines:
        assert re.fullmatch(
            r"extract tiny_idx: 30 train and 12 test images, 0\.\d MB in .* s", said[lines // 2]
        )
    if lines == 3:
        assert re.match(r"extract tiny_idx: Python 3\..*, py7zr [\d.]+, pyarrow", said[0])
        assert re.search(r"s of CPU time, [\d,]+ MB of memory at most$", said[2])


def test_an_unknown_amount_is_refused_in_one_line(project):
    done = project.run("extract", "tiny_idx", env={"PIPELINE_LOG": "loud"})
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "PIPELINE_LOG must be one of quiet, normal, verbose, got 'loud'" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["../tiny_png", "a/../tiny_png", "/tiny_png", "a/b/tiny_png", "a/"]
)
def test_a_run_may_have_one_folder_before_its_name_and_no_other_path(project, name):
    done = project.run("report", name)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"'{name}' is no name of a run" in done.stderr


def test_parameters_of_a_run_with_a_folder_are_read_there(project):
    done = project.run("report", "study/mine")
    assert "study/params.yaml is missing" in done.stderr
