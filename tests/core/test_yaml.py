import pytest
from dvc.utils.serialize import load_yaml

from pipeline.core.errors import ParameterError
from pipeline.core.params import read_yaml
from tests.support.builders import ROOT

SCALARS = """\
a: 1e-8
b: 1.0e-8
c: [on, off, yes, no, y, n, true, False, null, ~]
d: [0o7, 07, 0x1f, 1_000, 0.1, 1., .5, -0, +3]
g: 1:30
e: [12e03, 1E5, .nan, .inf, -.INF, "1", 'on', 2020-01-01]
f: |
  text ü
1: number
"""


@pytest.mark.parametrize("name", ["params.yaml", "libraries.yaml", "dvc.yaml"])
def test_the_projects_files_are_read_as_dvc_reads_them(name):
    assert read_yaml(ROOT / name) == load_yaml(ROOT / name)


def test_scalars_are_read_as_dvc_reads_them(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(SCALARS, encoding="utf-8")
    # As text, which tells 1 from True and 1.0, and in which NaN is equal to itself.
    assert repr(read_yaml(path)) == repr(load_yaml(path))


def test_a_few_values_by_their_meaning_in_yaml_1_2(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("{a: 1.0e-8, b: on, c: 0o7, d: 012, e: yes, f: true}")
    assert read_yaml(path) == {"a": 1e-8, "b": "on", "c": 7, "d": 12, "e": "yes", "f": True}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing; run this in the folder of dvc.yaml"),
        (b"", "must hold a mapping"),
        (b"- a\n- b\n", "must hold a mapping"),
        (b"text", "must hold a mapping"),
        (b"a: [1\nb: 2\n", r"is not valid YAML: line 2, column \d+: .*flow sequence"),
        (b"a: 1\na: 2\n", "is not valid YAML: .*duplicate key"),
        (b"a: \t\n\tb: 1", "is not valid YAML"),
        (b"a: 1\nb: *a", r"has an alias in line 2, \*a; write out what it stands for"),
        (b"a: &b [1]\nc: {<<: *b}", r"has an alias in line 2, \*b"),
        (b"[" * 5000, "is nested too deeply"),
        (b"a: !!python/object/apply:os.getcwd []", "is not valid YAML"),
        (b"a: \xff", "is not valid YAML: .*utf-8"),
        (b"--- {a: 1}\n--- {b: 2}\n", "is not valid YAML"),
    ],
)
def test_what_is_no_mapping(tmp_path, content, message):
    path = tmp_path / "a.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ParameterError, match=message) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path} ")
    assert "\n" not in str(caught.value)
