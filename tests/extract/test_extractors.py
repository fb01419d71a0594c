"""The stage program ``extract``, as DVC runs it."""

import re
import subprocess
import sys
from typing import get_args

import numpy as np
import pytest

from pipeline.core import files
from pipeline.extract import parts
from pipeline.extract.extractors import EXTRACTORS
from pipeline.extract.kind import Kind
from pipeline.images import idx
from tests.support import builders

KINDS = get_args(Kind)
KNOWN = f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"
HEAVY = {"cv2", "dvc", "keras", "matplotlib", "pandas", "requests", "sklearn", "tensorflow"}


def contents(project):
    folder = project.folder / "data" / "extracted"
    return {p.relative_to(folder).as_posix(): files.sha256(p) for p in folder.rglob("*.*")}


def test_every_kind_has_an_extractor():
    assert set(EXTRACTORS) == set(KINDS)


@pytest.mark.slow
def test_idx_files_and_archives(project):
    for name, line in (
        ("tiny_idx", r"30 train and 12 test images, 0\.\d MB"),
        ("tiny_png", r"30 members, 0\.0 MB"),
    ):
        done = project.run("extract", name)
        assert (done.returncode, done.stderr) == (0, "")
        assert re.fullmatch(rf"extract {name}: {line} in \d+\.\d s\n", done.stdout)
    folder = project.folder / "data" / "extracted"
    np.testing.assert_array_equal(
        idx.read(folder / "tiny_idx" / "test-images.idx"), project.idx["test"][0]
    )
    found = {
        name: content
        for path in parts.paths(folder / "tiny_png")
        for batch in parts.read(path, 1000)
        for name, content in zip(*batch, strict=True)
    }
    images = {f"train/{i}.png": builders.encode(image) for i, (image, _) in project.png.items()}
    assert found == images
    assert len(contents(project)) == 4 + 3

    before = contents(project)
    assert all(project.run("extract", name).returncode == 0 for name in ("tiny_idx", "tiny_png"))
    assert contents(project) == before


@pytest.mark.parametrize(
    ("name", "key", "value", "line"),
    [
        ("tiny_idx", "kind", "zip", f"kind: must be {KNOWN}, got 'zip'"),
        ("tiny_idx", "kind", "archive", "extract.archive: is missing; "),
        ("tiny_png", "extract.part_rows", 0, "extract.part_rows: must be greater than 0, got 0"),
        ("tiny_png", "extract.parts", 5, "extract.parts: unknown key; did you mean part_rows?"),
        ("tiny_png", "extract.archive", "../a.7z", "extract.archive: must match pattern"),
        ("tiny_idx", "extract.test.labels", None, "extract.test.labels: must be a valid string"),
    ],
)
def test_parameters_that_cannot_be_used(project, name, key, value, line):
    project.set(f"datasets.{name}.{key}", value)
    done = project.run("extract", name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"extract {name}: params.yaml: datasets.{name}.{line}")
    assert done.stderr.count("\n") == 1
    assert not (project.folder / "data" / "extracted").exists()


@pytest.mark.slow
def test_damage_and_repair(project):
    """One line, status 1, nothing half-written; and after the repair it works."""
    path = project.folder / "data" / "raw" / "tiny_png" / "train.7z"
    sound = path.read_bytes()
    path.write_bytes(sound[:-100])
    done = project.run("extract", "tiny_png")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "data/raw/tiny_png/train.7z: truncated, damaged or no such archive" in done.stderr
    assert contents(project) == {}
    path.write_bytes(sound)
    assert project.run("extract", "tiny_png").returncode == 0
    assert len(contents(project)) == 3


def test_only_what_the_stage_uses_must_be_as_recorded(project):
    path = project.folder / "libraries.yaml"
    recorded = path.read_text()
    path.write_text(re.sub(r'tensorflow: ".*"', 'tensorflow: "0"', recorded))
    assert project.run("extract", "tiny_idx").returncode == 0
    path.write_text(re.sub(r'pyarrow: ".*"', 'pyarrow: "0"', recorded))
    done = project.run("extract", "tiny_idx")
    assert done.returncode == 1
    assert re.match(r"extract tiny_idx: pyarrow is \S+, libraries\.yaml says 0\. ", done.stderr)


def test_a_fast_start():
    """Nothing heavy is imported that the stage does not use."""
    code = "import stages.extract, sys; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=builders.ROOT, capture_output=True)
    assert done.returncode == 0
    assert not HEAVY & set(done.stdout.decode().split())
