import json

import pytest

from pipeline.core.errors import ParameterError
from pipeline.train import multi_worker

TWO = {"worker": ["a:1", "b:2"]}
THREE = {"chief": ["c:3"], "worker": ["a:1", "b:2"]}


@pytest.fixture
def given(monkeypatch):
    def give(machines, kind="worker", index=0, **more):
        task = {"type": kind, "index": index}
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": machines, "task": task, **more}))

    return give


@pytest.mark.parametrize(
    ("machines", "kind", "index", "rank"),
    [
        (TWO, "worker", 0, 0),
        (TWO, "worker", 1, 1),
        (THREE, "chief", 0, 0),
        (THREE, "worker", 0, 1),
        (THREE, "worker", 1, 2),
    ],
)
def test_who_is_the_chief(given, machines, kind, index, rank):
    given(machines, kind, index, environment="cloud")  # which Kubeflow sets
    found = multi_worker.read()
    assert found.rank == rank
    assert found.is_chief == (rank == 0)
    assert found.addresses == (*machines.get("chief", ()), "a:1", "b:2")


def test_one_machine_is_no_cluster(given, monkeypatch):
    given({"worker": ["a:1"]})
    assert multi_worker.read() is None
    monkeypatch.delenv("TF_CONFIG")
    assert multi_worker.read() is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"TF_CONFIG is not JSON"),
        ("[]", r"TF_CONFIG must be a mapping of cluster and task, got \[\]"),
        ("{}", r"TF_CONFIG: cluster: is missing; task: is missing"),
        (
            '{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}',
            r"TF_CONFIG: cluster\.worker\[0\]: .* pattern .*, got \"a\"",
        ),
        (
            '{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
            r"cluster\.ps: unknown key.* allowed: chief, worker; task\.type: .*got \"ps\"",
        ),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            r"task is worker 1, but cluster has 1 of them",
        ),
    ],
)
def test_what_cannot_be_is_refused(monkeypatch, text, message):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ParameterError, match=message):
        multi_worker.read()


def test_who_may_start_what(given, monkeypatch):
    given(TWO, "worker", 1)
    multi_worker.expect(chief=False, run="mine")
    with pytest.raises(
        ParameterError, match=r"worker b:2; start here: python -m pipeline worker m"
    ):
        multi_worker.expect(chief=True, run="mine")
    given(TWO)
    multi_worker.expect(chief=True, run="mine")
    with pytest.raises(ParameterError, match="makes this machine the chief"):
        multi_worker.expect(chief=False, run="mine")
    monkeypatch.delenv("TF_CONFIG")
    multi_worker.expect(chief=True, run="mine")
    with pytest.raises(ParameterError, match="names no other machine"):
        multi_worker.expect(chief=False, run="mine")
