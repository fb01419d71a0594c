"""Notes on what a review does not make, or what is measured otherwise."""

import copy

import pytest

from pipeline.verify.taken import notes

OUTPUTS = {
    "download@d": "data/raw/d",
    "split@d": "data/splits/d.parquet",
    "train@a": "data/models/a",
    "evaluate@a": "data/predictions/a.parquet",
}
PARAMS = {
    "split@d": {"datasets.d.split": {"seed": 1}},
    "train@a": {"runs.a.train": {"seed": 1}},
    "evaluate@a": {"runs.a.train": {"seed": 1}, "runs.a.evaluate": {}},
}
WEIGHTS = "a: new weights, taken as committed: this machine does not train them"


def records():
    return {
        name: {
            "cmd": "python",
            "deps": [{"path": "code", "md5": "0"}],
            "params": {"params.yaml": PARAMS.get(name, {}), "libraries.yaml": {"numpy": "1"}},
            "outs": [{"path": path, "md5": "0"}],
        }
        for name, path in OUTPUTS.items()
    }


def told(now, before=None, made=()):
    return list(notes(records() if before is None else before, now, made, "main"))


def changed(stage, params=None, out="0"):
    now = copy.deepcopy(records())
    now[stage]["params"]["params.yaml"] |= params or {}
    now[stage]["outs"][0]["md5"] = out
    return now


def test_weights_that_this_machine_does_not_train_are_named():
    now = changed("train@a", {"runs.a.train": {"seed": 2}}, "1")
    (note,) = told(now)
    assert note.startswith(WEIGHTS)
    assert told(now, made=["a"]) == []
    assert told(changed("train@a", {"runs.a.train": {"seed": 2}})) == []  # the same weights
    assert told(changed("train@a", out="1")) == []  # without a reason: unexplained says so
    new = {name: one for name, one in records().items() if name != "train@a"}
    assert told(records(), new)[0].startswith(WEIGHTS)


@pytest.mark.parametrize("made", [(), ("a",)])
@pytest.mark.parametrize(
    ("now", "note"),
    [
        (changed("download@d", out="1"), "d: its published files are others than at main"),
        (
            changed("split@d", {"datasets.d.split": {"seed": 2}}),
            "d: divided otherwise than at main: datasets.d.split",
        ),
        (
            changed("evaluate@a", {"runs.a.evaluate": {"views": {"shift": 1}}}),
            "a: measured otherwise than at main: runs.a.evaluate",
        ),
    ],
)
def test_what_is_measured_otherwise_is_named(now, note, made):
    assert told(now, made=made) == [note]


def test_what_is_as_before_or_of_the_training_is_not_named():
    assert told(records()) == []
    assert told(changed("evaluate@a", {"runs.a.train": {"seed": 2}})) == []
    now = changed("split@d")
    now["split@d"]["params"]["libraries.yaml"]["numpy"] = "2"
    assert told(now) == []
    assert told({"split@d": records()["split@d"]}, {}) == []  # a dataset that is new
