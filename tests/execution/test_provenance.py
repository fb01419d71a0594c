import hashlib
import subprocess
import sys

from pipeline.execution import provenance
from tests.integration.test_graph import code
from tests.support.builders import ROOT


def test_code_is_what_the_stage_depends_on():
    script = (
        "import stages.report; from pipeline.execution import provenance; from pipeline.report import write as report\n"
        "for name, digest in provenance.code(report.TEMPLATES).items(): print(name, digest)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = dict(line.split() for line in done.stdout.splitlines())
    assert set(found) == code("report")
    for name, digest in found.items():
        assert digest == hashlib.sha256((ROOT / name).read_bytes()).hexdigest()


def test_inputs_are_hashed_by_path(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (found,) = provenance.inputs([tmp_path / "a"]).items()
    assert found == ((tmp_path / "a").as_posix(), hashlib.sha256(b"abc").hexdigest())


def test_combined_is_the_hash_of_sha256sums_lines(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    lines = subprocess.run(
        ["sha256sum", "a", "b"], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    hashes = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("a", "b")}
    assert provenance.combined(hashes) == hashlib.sha256(lines).hexdigest()
