"""The check on a GPU, as far as a machine without one can tell."""

import json
import subprocess
import sys

import pytest

from benchmarks.gpu import __main__ as program
from benchmarks.gpu import parts, trace
from benchmarks.gpu.children import Children, Clock
from benchmarks.gpu.training import Result, Training
from benchmarks.measuring import BenchmarkError, Finding
from benchmarks.settings import ROOT

PICOSECONDS = 10**12


def test_busy_is_the_union_of_the_streams_work_over_the_whole(tensorflow):
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    host = space.planes.add(name="/host:CPU").lines.add(name="Stream of nothing")
    host.events.add(offset_ps=0, duration_ps=100 * PICOSECONDS)
    plane = space.planes.add(name="/device:GPU:0")
    names = plane.lines.add(name="TensorFlow Name Scope")  # the same work, told otherwise
    names.events.add(offset_ps=0, duration_ps=100 * PICOSECONDS)
    for second, lengths in ((0, (2, 3)), (1, (1, 1))):  # overlap from 1 to 2 s
        stream = plane.lines.add(name=f"Stream #{second}", timestamp_ns=second * 10**9)
        for number, length in enumerate(lengths):
            stream.events.add(offset_ps=number * 5 * PICOSECONDS, duration_ps=length * PICOSECONDS)
    # Work from 0 to 2, 5 to 8 (6 to 7 twice): five of eight seconds.
    assert trace.busy(space) == pytest.approx(5 / 8)


def test_without_a_gpu_in_the_trace_there_is_no_share(tensorflow):
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    assert trace.busy(xplane_pb2.XSpace()) is None


@pytest.fixture
def findings(monkeypatch, tmp_path):
    """Return a function that checks parts which give what is asked; it returns what it wrote."""

    def check(*given, clock=None):
        def part(_children, _runs):
            """What a part is for."""
            found = next(remaining)
            if isinstance(found, Exception):
                raise found
            return [found]

        remaining = iter(given)
        names = [f"part{number}" for number in range(len(given))]
        monkeypatch.setattr(program, "PARTS", dict.fromkeys(names, part))
        about = {"gpus": ["A GPU"], "driver": "1", "versions": "2"}
        path = tmp_path / "results.json"
        status = program.check(
            names,
            Children(clock or Clock(10), gpu=False),
            parts.Runs(small=True),
            about,
            path,
        )
        return status, json.loads(path.read_text())["parts"], path.with_suffix(".md").read_text()

    return check


def test_what_holds_is_written_and_ends_well(findings):
    status, written, page = findings(Finding("an epoch", (1.0, 2.0), "s", 2.5))
    assert status == 0
    assert written["part0"][0]["values"] == [1.0, 2.0]
    assert written["part0"][0]["met"] is True
    assert "| an epoch | s | 1 | 1.5 | 2 | 2.5 | yes |" in page
    assert "- Device: A GPU" in page


@pytest.mark.parametrize(
    ("finding", "named"),
    [
        (Finding("an epoch", (3.0,), "s", 2.5), "an epoch"),
        (BenchmarkError("cut short"), "part0"),
    ],
)
def test_what_falls_short_or_fails_is_named_and_the_others_go_on(findings, finding, named, capsys):
    status, written, _ = findings(finding, Finding("b", (1.0,), "s"))
    assert status == 1
    assert list(written) == ["part0", "part1"]
    said = capsys.readouterr().out
    assert "1 of 2 hold or are figures" in said
    assert f"not: {named}\n" in said


def test_a_part_is_left_out_when_the_time_is_over():
    with pytest.raises(BenchmarkError, match="the time is over"):
        Children(Clock(0), gpu=False).device("describe")


def test_time_until_accurate_is_that_of_the_first_epoch_that_is():
    class Told(Children):
        def train(self, *_trainings, gpu=True, memory=None):
            rows = [{"test_accuracy": accuracy} for accuracy in (0.88, 0.9013, 0.91)]
            return [Result(ends=[5.0, 7.0, 9.0], history=rows)]

    found = parts.until_accurate(Told(Clock(1), gpu=False), parts.Runs(small=False))
    assert found[0].values == (7.0,)


def test_without_a_gpu_it_says_so_and_checks_nothing(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(
        Children, "device", lambda *_: {"gpus": [], "driver": "unknown", "versions": "TensorFlow 2"}
    )
    monkeypatch.setattr(program.paths, "shards", lambda _: tmp_path)
    assert program.main(["--out", str(tmp_path / "a.json")]) == 1
    assert capsys.readouterr().err.startswith("no GPU: TensorFlow 2 sees none (driver: unknown); ")
    assert not (tmp_path / "a.json").exists()


def test_the_cpus_figures_are_not_written_where_a_gpus_stand(capsys):
    with pytest.raises(SystemExit):
        program.main(["--try"])
    assert "--try: give --out" in capsys.readouterr().err


@pytest.mark.slow
def test_every_part_runs_on_the_cpu_with_a_little_data(project, monkeypatch, tmp_path):
    """Each part but those of speed, with the real trainings, in processes of their own."""
    for stage in ("extract", "decode", "split"):
        assert project.run(stage, "tiny_idx").returncode == 0
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    runs = parts.Runs(small=True)
    runs.tutorial = runs.best = runs.fast = runs.little = "tiny_idx"
    monkeypatch.setattr(parts.paths, "metrics", lambda _: tmp_path)
    (tmp_path / "evaluation.json").write_text('{"accuracy": 0.5}')
    children = Children(Clock(600), gpu=False)
    for part in ("tutorial", "repeated", "shards", "continued", "predicted"):
        for finding in parts.PARTS[part](children, runs):
            assert finding.values, finding
            if finding.unit == "of 1":
                assert finding.met, finding


@pytest.mark.slow
def test_an_error_of_a_training_is_its_line(project, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    found = Children(Clock(60), gpu=False).train(Training("none"))[0]
    assert "runs.none is missing" in found.error
    assert not found.epochs


def test_it_says_how_it_is_called():
    said = subprocess.check_output(
        [sys.executable, "-m", "benchmarks.gpu", "--help"], text=True, cwd=ROOT
    )
    assert all(name in said for name in parts.PARTS)
