"""Reading YAML files, and validating sections of them."""

import json
from pathlib import Path
from typing import Annotated, Literal

import pytest
from dvc.utils.serialize import load_yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError, field_validator

from pipeline.core import paths
from pipeline.core.errors import ParameterError
from pipeline.core.params import (
    FileName,
    Name,
    Params,
    Section,
    is_name,
    like_name,
    merge,
    read_yaml,
)
from tests.support.builders import ROOT


class File(Section):
    name: FileName
    sources: tuple[str, ...] = ()


class Download(Section):
    files: tuple[File, ...]
    note: str = ""


class Adam(Section):
    name: Literal["adam"]
    epsilon: Annotated[float, Field(gt=0)] = 1e-8


class Sgd(Section):
    name: Literal["sgd", "momentum"]
    momentum: float = 0.0


class Train(Section):
    epochs: Annotated[int, Field(gt=0)] = 10
    shuffle: bool = False
    precision: Literal["float32", "float16"] = "float32"
    dense: tuple[int, ...] = (128,)
    shape: tuple[int, int] | None = None
    optimizer: Annotated[Adam | Sgd, Field(discriminator="name")] = Adam(name="adam")
    download: Download = Download(files=())
    run: Name = "a"

    @field_validator("dense")
    @classmethod
    def _even(cls, dense):
        if any(units % 2 for units in dense):
            raise ValueError("must be even")
        return dense


def section(values, path=paths.PARAMS):
    return Params({"runs": {"a": {"train": values}}}, path).section(Train, "runs", "a", "train")


def test_defaults():
    assert section({}) == Train()


def test_lists_become_tuples_and_mappings_models():
    given = {
        "dense": [256, 128],
        "shape": [28, 28],
        "optimizer": {"name": "momentum", "momentum": 0.9},
        "download": {"files": [{"name": "a.gz", "sources": ["file:a.gz"]}]},
        "epochs": 3,
        "precision": "float16",
    }
    found = section(given)
    assert found.dense == (256, 128)
    assert found.shape == (28, 28)
    assert found.optimizer == Sgd(name="momentum", momentum=0.9)
    assert found.download.files[0].sources == ("file:a.gz",)
    assert json.loads(found.model_dump_json(exclude_unset=True)) == given


def test_whole_numbers_are_taken_for_real_ones():
    assert section({"optimizer": {"name": "adam", "epsilon": 1}}).optimizer.epsilon == 1.0


def test_sections_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        section({}).epochs = 3


FAULTS = [
    ({"epoch": 3}, "epoch: unknown key; did you mean epochs? allowed: epochs, shuffle, precision"),
    ({"zzz": 3}, "zzz: unknown key; allowed: epochs, shuffle"),
    ({"epochs": "3"}, 'epochs: must be a valid integer, got "3"'),
    ({"epochs": 3.0}, "epochs: must be a valid integer, got 3.0"),
    ({"epochs": True}, "epochs: must be a valid integer, got true"),
    ({"epochs": None}, "epochs: must be a valid integer, got null"),
    ({"epochs": 0}, "epochs: must be greater than 0, got 0"),
    ({"shuffle": 1}, "shuffle: must be a valid boolean, got 1"),
    ({"shuffle": "on"}, 'shuffle: must be a valid boolean, got "on"'),
    ({"precision": "int8"}, "precision: must be 'float32' or 'float16', got \"int8\""),
    ({"dense": 128}, "dense: must be a valid array, got 128"),
    ({"dense": [2, "ü"]}, 'dense[1]: must be a valid integer, got "ü"'),
    ({"dense": [3]}, "dense: must be even, got [3]"),
    ({"shape": [28]}, "shape[1]: is missing"),
    ({"optimizer": {"name": "adam", "epsilon": 0}}, "optimizer.epsilon: must be greater than 0"),
    ({"optimizer": {"name": "adam", "epsilon": float("nan")}}, "optimizer.epsilon: must be a"),
    ({"optimizer": {"name": "adam", "epsilon": float("inf")}}, "optimizer.epsilon: must be a"),
    (
        {"optimizer": {"name": "sgd", "momentun": 1}},
        "optimizer.momentun: unknown key; did you mean momentum? allowed: name, momentum",
    ),
    ({"optimizer": {"name": "rprop"}}, "optimizer: "),
    ({"optimizer": {}}, "optimizer: "),
    ({"optimizer": "adam"}, "optimizer: "),
    ({"download": {"files": [{"name": "a"}, {"name": "../b"}]}}, "download.files[1].name: "),
    ({"download": {"files": [{}]}}, "download.files[0].name: is missing"),
    (
        {"download": {"files": [{"name": "a", "source": []}]}},
        "download.files[0].source: unknown key; did you mean sources? allowed: name, sources",
    ),
    ({"download": {"file": []}}, "download.files: is missing; "),
    ({"run": "A-b"}, "run: must match pattern '^[a-z0-9][a-z0-9_]*$', got \"A-b\""),
    ([], "must be an object, got []"),
    (None, "must be an object, got null"),
    ({"run": "x" * 200}, "run: "),
]


@pytest.mark.parametrize(("values", "message"), FAULTS)
def test_a_fault_names_the_full_key_and_the_value(values, message):
    with pytest.raises(ParameterError) as caught:
        section(values, Path("a/params.yaml"))
    between = "." if isinstance(values, dict) else ": "
    line = str(caught.value)
    assert line.startswith(f"a/params.yaml: runs.a.train{between}{message}")
    assert "\n" not in line
    assert len(line) < 250


def test_every_fault_is_named():
    with pytest.raises(ParameterError) as caught:
        section({"epochs": 0, "shufle": True})
    assert str(caught.value).count("runs.a.train.") == 2


@pytest.mark.parametrize("name", ["../a", "a/b", "a\\b", ".hidden", "", "a\n", "ü", "x" * 256])
def test_names_of_files_lead_nowhere_else(name):
    with pytest.raises(ParameterError, match=r"download.files\[0\].name"):
        section({"download": {"files": [{"name": name}]}})


def test_a_password_in_a_url_is_not_shown():
    with pytest.raises(ParameterError) as caught:
        section({"epochs": "https://user:secret@example.org/a"})
    assert str(caught.value).endswith('got "https://***@example.org/a"')


def test_a_missing_section_says_what_there_is():
    values = Params({"runs": {"a": {"train": {}}, "b": {}}, "defaults": {}})
    for keys, message in (
        (("run",), r"run is missing; did you mean runs\? the top level has: runs, defaults"),
        (("runs", "c", "train"), "runs.c is missing; runs has: a, b"),
        (("runs", "b", "train"), "runs.b.train is missing; runs.b has: nothing"),
        (("runs", "a", "train", "x", "y"), "runs.a.train.x is missing; runs.a.train has: nothing"),
    ):
        with pytest.raises(ParameterError, match=f"^params.yaml: {message}$"):
            values.section(Train, *keys)


def test_a_file_is_read_where_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match=r"params\.yaml is missing"):
        Params.read()
    Path("params.yaml").write_text("a: {b: 1}")
    assert Params.read().value("a", "b") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [("{? [a, b] : 1}", "keys must be str")],
)
def test_what_yaml_can_hold_and_json_cannot(tmp_path, text, message):
    path = tmp_path / "params.yaml"
    path.write_text(f"train: {text}")
    with pytest.raises(ParameterError, match=rf"params\.yaml: train: {message}"):
        Params.read(path).section(Train, "train")


TREES = st.recursive(
    st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from("abc"), TREES), st.dictionaries(st.sampled_from("abc"), TREES)
)
def test_merging_keeps_what_is_not_changed(base, change):
    merged = merge(base, change)
    assert list(merged) == [*base, *(key for key in change if key not in base)]
    for key in merged:
        if key in base and key in change:
            assert merged[key] == merge(base[key], change[key])
        else:
            assert merged[key] == (base | change)[key]
    assert merge(base, {}) == merge({}, base) == merge(base, base) == base


@pytest.mark.parametrize(
    ("base", "change", "merged"),
    [
        ({"a": {"b": [1, 2]}}, {"a": {"b": [3]}}, {"a": {"b": [3]}}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"o": {"name": "adam", "x": 1}}, {"o": {"x": 2}}, {"o": {"name": "adam", "x": 2}}),
        (
            {"o": {"name": "adam", "x": 1}},
            {"o": {"name": "adam", "y": 2}},
            {"o": {"name": "adam", "x": 1, "y": 2}},
        ),
        ({"o": {"name": "adam", "x": 1}}, {"o": {"name": "sgd"}}, {"o": {"name": "sgd"}}),
    ],
)
def test_merging(base, change, merged):
    before = json.dumps([base, change])
    assert merge(base, change) == merged
    assert json.dumps([base, change]) == before


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
def test_a_file_that_is_no_mapping_is_refused(tmp_path, content, message):
    path = tmp_path / "a.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ParameterError, match=message) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path} ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a\n", "a b", "", "A", "_a", "a" * 65, "a\u2028"])
def test_names_are_whole(name):
    assert not is_name(name)
    with pytest.raises(ParameterError, match="run: must"):
        section({"run": name})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: " + "[" * 200 + "]" * 200, "is nested too deeply"),
        ("a:\n " + "- " * 5000 + "x", "is nested too deeply"),
        ("a: " + "x" * (1 << 20), "has more than 1,048,576 bytes"),
        ("a: [" + "x," * 100_001 + "]", "has more than 50,000 values"),
        ("a: &x 1\nb: &x 2\n", "is not valid YAML: found duplicate anchor 'x'"),
        ('a: "\\UFFFFFFFF"', "is not valid YAML: "),
        ("a: 1\na: 2\n", 'found duplicate key "a"'),
        ("a: " + "9" * 5000, "is not valid YAML: Exceeds the limit"),
    ],
)
def test_a_file_that_would_take_long_or_is_no_yaml_ends_in_one_line(
    tmp_path, recwarn, text, message
):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ParameterError, match=message) as caught:
        read_yaml(path)
    assert len(str(caught.value)) < 400
    assert not list(recwarn)


@pytest.mark.parametrize(
    "values",
    [
        {f"k{n}": 1 for n in range(50_000)},
        {"dense": [1] * 50_000},
        {"download": {"files": [{"name": "/"}] * 20_000}},
        {"note" * 1_000_000: 1},
        {"precision": "x" * 3_000_000},
        {"optimizer": {"name": "x" * 3_000_000}},
        {"epochs": -(10**4000)},
    ],
)
def test_many_faults_and_long_values_are_told_in_a_few_words(values):
    with pytest.raises(ParameterError) as caught:
        section(values)
    assert len(str(caught.value)) < 6000


def test_ten_faults_are_told_and_the_others_counted():
    with pytest.raises(ParameterError, match=r"and 15 more faults$") as caught:
        section({f"k{n}": 1 for n in range(25)})
    assert str(caught.value).count("unknown key") == 10


@pytest.mark.parametrize(
    ("text", "name"),
    [("My pets", "my_pets"), ("Pets-2024", "pets_2024"), ("a/b", "a_b"), ("猫", "mine")],
)
def test_a_name_like_a_text_is_proposed(text, name):
    assert like_name(text, "mine") == name
    assert is_name(like_name(text * 30, "mine"))
