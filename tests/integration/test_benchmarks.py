"""The benchmarks: that they measure what they say, on tiny data; never how long it takes."""

import functools
import shutil
import subprocess
import sys

import cv2
import numpy as np
import py7zr
import pytest

from benchmarks import __main__ as program
from benchmarks import kernels, machine, measuring, project, results, synthetic, training
from benchmarks.measuring import BenchmarkError, Case, Finding, Measured
from benchmarks.settings import ROOT, Settings
from pipeline.images import idx

TINY = 300


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def settings(cache):
    return Settings(repeat=1, images=TINY, cache=cache)


HOLD = "import sys; held = b'1' * 100_000_000; print(flush=True); sys.stdin.read()"
FAMILY = """
import subprocess, sys, time
start = [sys.executable, "-c", sys.argv[1]]
children = [subprocess.Popen(start, stdin=-1, stdout=-1) for _ in range(2)]
for child in children:
    child.stdout.readline()
time.sleep(1.5)
for child in children:
    child.communicate()
"""


MEASURE = """
import sys
from pathlib import Path
from benchmarks import measuring
for command in ["-c", sys.argv[1]], ["-c", sys.argv[2], sys.argv[1]]:
    found = measuring.run([sys.executable, *command], Path())
    print(found.seconds, found.megabytes)
"""


def test_time_and_memory_of_a_program_and_its_children():
    """In a small process, for the kernel counts what a program's parent held when it forked."""
    shown = subprocess.check_output(
        [sys.executable, "-c", MEASURE, HOLD, FAMILY], text=True, cwd=ROOT
    )
    alone, both = (tuple(map(float, line.split())) for line in shown.splitlines())
    assert both[0] > 1.5
    assert 100 < alone[1] < 180 < 200 < both[1] < 350


def test_a_program_that_fails_says_why(tmp_path):
    with pytest.raises(BenchmarkError, match="status 3:\nno luck"):
        measuring.run([sys.executable, "-c", "print('no luck'); exit(3)"], tmp_path)
    with pytest.raises(BenchmarkError, match="7zz-not-there is missing"):
        measuring.run(["7zz-not-there"], tmp_path)
    with pytest.raises(BenchmarkError, match=r"missing; install it \(Debian: p7zip-full\)"):
        project.need("7zz-not-there", "p7zip-full")


def test_measurements_alternate_and_ratios_are_of_one_repetition(capsys):
    order = []

    def measure(name, values):
        order.append(name)
        return {"s": next(values)}

    cases = [
        Case(name, functools.partial(measure, name, iter(values)))
        for name, values in (("a", (1.0, 6.0, 2.0)), ("b", (2.0, 3.0, 8.0)))
    ]
    found = Measured(cases, 3)
    assert order == ["a", "b"] * 3
    assert found.ratios("a", "b") == (0.5, 2.0, 0.25)
    assert "b 2/3: 3.00 s" in capsys.readouterr().out


def test_findings_show_spread_target_and_whether_it_is_met():
    assert Finding("x", (3, 1, 2), target=2).cells == ("x", "ratio", "1", "2", "3", "2", "yes")
    assert Finding("x", (1234.5,), "MB", 500).cells[2:] == ("1,234",) * 3 + ("500", "**no**")
    assert Finding("x", (0.1234,), "s").cells == ("x", "s", *["0.123"] * 3, "", "")
    assert Finding("x", target=1.05, note="why").cells == ("x", "why", "", "", "", "1.05", "")


def test_results_keep_other_parts_of_the_same_machine_only(tmp_path):
    path = tmp_path / "results.md"
    sections = {
        name: results.section(name, f"{name} is measured.", "data", 3, [Finding(name, (1,))])
        for name in ("a", "b", "c")
    }
    results.merge(path, ["one"], {name: sections[name] for name in ("c", "a")})
    results.merge(path, ["one"], {"b": sections["b"]})
    text = path.read_text()
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Results", "## a", "## b", "## c"
    ]  # fmt: skip
    assert all(section in text for section in sections.values())
    results.merge(path, ["one"], {})
    assert path.read_text() == text
    results.merge(path, ["another"], {"b": sections["b"]})
    assert "## a" not in path.read_text()


def test_the_machine_is_described_without_its_name():
    lines = "\n".join(machine.describe())
    assert f"{machine.cores()} cores" in lines
    assert "tensorflow 2." in lines
    assert "GB" in lines


def test_synthetic_archive_has_the_published_shape_and_is_the_same_every_time(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        synthetic.write_archive(tmp_path / name, 30)
    with py7zr.SevenZipFile(tmp_path / "a" / "train.7z") as archive:
        assert archive.getnames() == [f"train/{number}.png" for number in range(1, 31)]
        (folder,) = archive.header.main_streams.unpackinfo.folders
        assert len(folder.coders) == 1
        archive.extractall(tmp_path)
    images = [cv2.imread(str(path), -1) for path in (tmp_path / "train").iterdir()]
    assert {image.shape for image in images} == {(32, 32, 3)}
    assert len({image.tobytes() for image in images}) == 30
    lines = (tmp_path / "a" / "trainLabels.csv").read_text().splitlines()
    assert lines[0] == "id,label"
    assert sorted({line.split(",")[1] for line in lines[1:]}) == sorted(synthetic.CLASSES)
    first, second = (list(synthetic.members(30)) for _ in "12")
    assert first == second
    synthetic.write_archive(tmp_path, 30, synthetic.STORED)
    stored = (tmp_path / "train.7z").read_bytes()
    assert all(content in stored for _, content in first)
    assert 1500 < np.mean([len(content) for _, content in first]) < 3000


def test_synthetic_idx_files_are_read_and_cut(tmp_path):
    synthetic.write_idx(tmp_path, 50)
    content = {path.name: subprocess.check_output(["gzip", "-dc", path])
               for path in tmp_path.iterdir()}  # fmt: skip
    train = idx.loads(content["train-images-idx3-ubyte.gz"])
    assert train.shape == (60, 28, 28)
    assert idx.loads(content["t10k-labels-idx1-ubyte.gz"]).shape == (10,)
    path = tmp_path / "train.idx"
    path.write_bytes(content["train-images-idx3-ubyte.gz"])
    training.cut(path, 17)
    assert (idx.read(path) == train[:17]).all()


def test_sizes_are_the_published_ones_unless_told_otherwise():
    assert (Settings().validation, Settings().train) == (5000, 429 * 128)
    assert Settings(steps=10).train == 1280
    assert Settings(images=TINY).train == 256


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["nothing"], "no such part: nothing"), (["--images", "5"], "at least 200"),
     (["--repeat", "0"], "invalid positive value")],
)  # fmt: skip
def test_arguments_are_checked(arguments, message, capsys):
    with pytest.raises(SystemExit):
        program.main(arguments)
    assert message in capsys.readouterr().err


def test_a_part_that_fails_is_said_and_the_others_are_written(tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise BenchmarkError("no luck")

    monkeypatch.setattr("benchmarks.noop.run", fail)
    monkeypatch.setattr("benchmarks.input.run", lambda _: [Finding("x", (1,))])
    path = tmp_path / "results.md"
    assert program.measure(["noop", "input"], Settings(), path) == 1
    assert "noop: no luck" in capsys.readouterr().err
    assert "## input" in path.read_text()
    assert "## noop" not in path.read_text()


def whats(findings):
    return {finding.what: finding for finding in findings}


def complete(findings):
    """Every finding has values, one a repetition, or says why not.

    A share that a difference of two times makes may be of any sign.
    """
    assert findings
    for finding in findings:
        if finding.note:
            assert not finding.values
        else:
            assert finding.values
            assert min(finding.values) > 0 or finding.unit in ("accuracy", "share"), finding


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "targets"),
    [
        ("startup", [0.3]),
        ("noop", [2.5]),
        pytest.param("data", [0.6, 0.9, 1.8], marks=pytest.mark.skipif(
            not shutil.which("7z"), reason="7z is not installed")),
        pytest.param("sharing", [0.1, 0.1], marks=pytest.mark.skipif(
            not shutil.which("7z"), reason="7z is not installed")),
        ("memory", [500, 500, 1.1, 1.1] * 3),
        ("photos", [0.7, 600, 0.1]),
    ],
)  # fmt: skip
def test_part_on_tiny_data(part, targets, settings):
    findings = program._part(part).run(settings)
    complete(findings)
    assert [finding.target for finding in findings if finding.target] == targets
    assert not list(settings.cache.glob("work-*"))


def test_an_epochs_speed_is_the_second_ones_and_not_of_its_bar():
    lines = [
        "epoch 1/2: 100% 256/256 [01:19<00:00,  3.23 images/s, loss 2.3469, accuracy 0.1250]",
        "epoch 1/2: train 0.1 (loss 2.3469), validation 0.1 (loss 2.3141); 79.2 s, 3 images/s",
        "epoch 2/2: train 0.1 (loss 2.2771), validation 0.2 (loss 2.2882); 1.3 s, 1,194 images/s",
        "train float32: 356,234 parameters, 2 epochs, 1.5 MB in 304.7 s",
    ]
    assert training.speed("\n".join(lines)) == 1194
    with pytest.raises(BenchmarkError, match="does not say how fast"):
        training.speed("\n".join(lines[:2]))


@pytest.mark.slow
def test_training_on_tiny_data(settings):
    findings = whats(program._part("training").run(settings))
    complete(findings.values())
    assert findings["float32: an epoch, over the tutorial's"].target == 0.70
    assert bool(findings["bfloat16: an epoch, over the tutorial's"].values) == (
        machine.has_bfloat16()
    )


@pytest.mark.slow
def test_input_on_tiny_data(settings):
    (first, *_) = findings = program._part("input").run(settings)
    complete(findings)
    assert first.values
    assert first.target == 1.05


@pytest.mark.slow
def test_shares_of_kernels_on_tiny_data(settings):
    findings = program._part("kernels").run(settings)
    complete(findings)
    float32 = {f.what: f.values[0] for f in findings if f.what.startswith("float32")}
    assert len(float32) == 6
    assert sum(float32.values()) == pytest.approx(1)
    assert all(share > 0 for share in float32.values())


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("_MklNativeFusedConv2D", "convolutions, forward"),
        ("_MklNativeConv2DBackpropFilterWithBias", "convolutions, gradient of the filters"),
        ("Conv2DBackpropInput", "convolutions, gradient of the input"),
        ("_MklNativeMaxPoolGrad", "pooling"),
        ("_MklMatMul", "dense layers"),
        ("ReluGrad", "all else"),
    ],
)
def test_operations_have_kinds_whichever_library_computes_them(operation, kind):
    assert kernels.kind_of(operation) == kind


def test_baselines_know_nothing_of_the_pipeline():
    for path in (ROOT / "benchmarks" / "baselines").glob("*.py"):
        assert "import pipeline" not in path.read_text()
        assert "from pipeline" not in path.read_text()
