from importlib import metadata

import pytest

from pipeline.core import libraries
from pipeline.core.errors import InstallationError
from pipeline.core.params import read_yaml
from tests.support.builders import ROOT

NUMPY = metadata.version("numpy")
LOCK = "".join(f"{name}==1.{number} \\\n" for number, name in enumerate(libraries.TRACKED))


def test_the_installed_versions_are_the_recorded_ones():
    libraries.check(libraries.TRACKED, ROOT / "libraries.yaml")


def test_the_recorded_versions_are_the_locked_ones(tmp_path):
    libraries.write(ROOT / "requirements.lock", tmp_path / "libraries.yaml")
    written = (tmp_path / "libraries.yaml").read_bytes()
    assert written == (ROOT / "libraries.yaml").read_bytes()


@pytest.mark.parametrize(
    ("recorded", "message"),
    [
        ('{numpy: "0.1"}', f"numpy is {NUMPY}, .*libraries.yaml says 0.1. Install .*make setup"),
        ("{numpy: 2.4}", f"numpy is {NUMPY}, .*says 2.4"),
        ("{scipy: 1.0.0}", "libraries.yaml has no version of numpy; write it with: make lock"),
    ],
)
def test_other_versions_are_refused_by_name(tmp_path, recorded, message):
    path = tmp_path / "libraries.yaml"
    path.write_text(recorded)
    with pytest.raises(InstallationError, match=message):
        libraries.check(["numpy"], path)


def test_every_wrong_library_is_named_and_no_other(tmp_path):
    path = tmp_path / "libraries.yaml"
    path.write_text(f'{{nonesuch: "1.0", numpy: "{NUMPY}", pandas: "0.2", scipy: "0.3"}}')
    with pytest.raises(InstallationError) as caught:
        libraries.check(["nonesuch", "numpy", "pandas"], path)
    clauses = str(caught.value).split(". Install")[0].split("; ")
    assert [clause.split()[0] for clause in clauses] == ["nonesuch", "pandas"]
    assert clauses[0].startswith("nonesuch is missing")


def test_the_lock_is_read_for_the_tracked_libraries_alone(tmp_path):
    lock, path = tmp_path / "requirements.lock", tmp_path / "libraries.yaml"
    hashed = f"# numpy==9\nattrs==25.1 \\\n    --hash=sha256:00\nnumpy-financial==3\n{LOCK}"
    number = libraries.TRACKED.index("numpy")
    lock.write_text(
        hashed.replace(f"numpy==1.{number} ", "NumPy==2.0rc1 ; python_version >= '3.11' ")
    )
    libraries.write(lock, path)
    expected = {name: f"1.{number}" for number, name in enumerate(libraries.TRACKED)}
    assert read_yaml(path) == expected | {"numpy": "2.0rc1"}


@pytest.mark.parametrize(
    ("lock", "times"), [(LOCK.replace("numpy==", "nump=="), 0), (LOCK + "numpy==9\n", 2)]
)
def test_a_lock_without_one_version_of_each(tmp_path, lock, times):
    (tmp_path / "requirements.lock").write_text(lock)
    with pytest.raises(InstallationError, match=f"pins numpy {times} times, not once"):
        libraries.write(tmp_path / "requirements.lock", tmp_path / "libraries.yaml")
    assert not (tmp_path / "libraries.yaml").exists()
