import hashlib
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from pipeline.core import libraries
from pipeline.execution import fingerprint
from tests.support.builders import ROOT


def python(root, script):
    """Return the output of a program that imports the project from ``root``."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture
def copy(tmp_path):
    """A copy of the code."""
    for path in (ROOT / "pipeline").rglob("*.py"):
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return tmp_path


PROGRAM = "from pipeline.execution import fingerprint{more}\nprint(fingerprint.program())"


def program(root, more=""):
    return python(root, PROGRAM.format(more=more))


def test_code_is_the_loaded_modules_by_path_without_empty_ones():
    script = "import pipeline.shards.index\nfrom pipeline.execution import fingerprint as f\n"
    found = dict(
        line.split()
        for line in python(ROOT, f"{script}[print(*i) for i in f.code().items()]").splitlines()
    )
    assert {"pipeline/__init__.py", "pipeline/shards/index.py"} <= set(found)
    assert "pipeline/core/__init__.py" not in found
    assert "pipeline/report/html.py" not in found
    for name, digest in found.items():
        assert digest == hashlib.sha256((ROOT / name).read_bytes()).hexdigest()


def test_templates_are_code_too():
    template = ROOT / "pipeline/report/templates/page.css"
    assert template.relative_to(ROOT).as_posix() in fingerprint.code([template])


@pytest.mark.slow
def test_program_is_the_loaded_code_and_the_libraries(copy, monkeypatch):
    before = program(ROOT)
    assert program(copy) == before  # another place
    assert program(copy, "\nimport pipeline.images.idx") != before  # another module is loaded
    with (copy / "pipeline/images/idx.py").open("a") as file:
        file.write("# changed\n")
    assert program(copy) == before
    with (copy / "pipeline/core/files.py").open("a") as file:
        file.write("# changed\n")
    assert program(copy) != before
    here = fingerprint.program()
    assert fingerprint.program() == here
    monkeypatch.setattr("pipeline.core.libraries.installed", lambda name: f"9.{len(name)}")
    assert fingerprint.program() != here


def test_two_modules_of_one_name_are_told_apart(copy):
    """Exchanging the contents of two files called ``params.py`` is another program."""
    one, two = copy / "pipeline/train/params.py", copy / "pipeline/evaluate/params.py"
    one.write_text("A = 1\n")
    two.write_text("A = 2\n")
    more = "\nimport pipeline.train.params, pipeline.evaluate.params"
    before = program(copy, more)
    one.write_text("A = 2\n")
    two.write_text("A = 1\n")
    assert program(copy, more) != before


def test_a_process_does_not_differ_from_itself():
    mine = fingerprint.environment("pipeline.shards.shard")
    assert {"Python", *libraries.TRACKED, "pipeline/shards/shard.py"} < set(mine)
    assert "pipeline/__main__.py" not in mine
    assert fingerprint.differences(mine) == ""


def test_what_differs_is_named():
    mine = dict(fingerprint.environment("pipeline.shards.shard"))
    mine |= {
        "numpy": "1.0",
        "Python": "2.7.18",
        "pipeline/shards/shard.py": "0",
        "pipeline/nothing.py": "1",
    }
    found = fingerprint.differences(mine)
    assert f"numpy is {libraries.installed('numpy')}, not 1.0" in found
    assert "Python is 3." in found
    assert "pipeline/shards/shard.py is of other code" in found
    assert "pipeline/nothing.py is of other code" in found


def test_code_is_what_was_loaded_not_what_came_later(copy):
    script = """
    from pathlib import Path
    from pipeline.execution import fingerprint
    before = fingerprint.program()
    Path("pipeline/core/files.py").write_text("# changed")
    print(fingerprint.program() == before)
    """
    assert python(copy, script) == "True\n"


def test_keys_tell_their_inputs_apart():
    keys = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), (b"abc", b"", b"")]
    assert len({fingerprint.key(*inputs) for inputs in keys}) == len(keys)
    assert fingerprint.key("é") == fingerprint.key("é".encode())
    assert fingerprint.key(np.arange(2).data) == fingerprint.key(np.arange(2).tobytes())


def test_combined_is_the_hash_of_sha256sums_lines(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    lines = subprocess.run(
        ["sha256sum", "a", "b"], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    hashes = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("a", "b")}
    assert fingerprint.combined(hashes) == hashlib.sha256(lines).hexdigest()
