"""The table of runs."""

import numpy as np
import pytest

from pipeline.compare import summary
from pipeline.core import files, paths
from pipeline.core.params import Params
from pipeline.evaluate.evaluation import Validation
from pipeline.evaluate.metrics import accuracy_interval, evaluate
from pipeline.evaluate.predictions import Predictions
from pipeline.execution import machine
from pipeline.execution.machine import Machine

EXPECTED = """\
run   dataset  validation  95% interval      training  |  test    95% interval      \
chance, majority  report
good  a        0.7500      0.6980 to 0.7956  0.8000    |  0.7000  0.6042 to 0.7811  \
0.5000, 0.6000    dvc repro report@good
best  a        0.9000*     0.8608 to 0.9291  0.8000    |  0.7200  0.6251 to 0.7986  \
0.5000, 0.6000    dvc repro report@best
none  b        –           –                 0.8000    |  0.7100  0.6146 to 0.7899  \
0.5000, 0.6000    dvc repro report@none

Choose by validation, where * is a dataset's best of several; the test is for what you chose.
Chance is an answer at random; majority is always answering the most frequent class.
"""


def measured(test, validation=None):
    """Return an evaluation: right answers of 100 test images, 60 cats; of 300 validation images."""
    labels = (np.arange(100) >= 60).astype(np.int32)
    predicted = np.where(np.arange(100) < test, labels, 1 - labels).astype(np.int32)
    shares = np.eye(2, dtype=np.float32)[predicted]
    predictions = Predictions(list(map(str, range(100))), labels, predicted, shares)
    held = validation and Validation(
        accuracy=validation / 300,
        accuracy_interval=accuracy_interval(validation, 300),
        loss=0.5,
        n=300,
    )
    return evaluate(predictions, ("cat", "dog"), 0.8, 15, held)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that writes an evaluation, and curves that do not learn."""
    monkeypatch.chdir(tmp_path)

    def write(run, evaluation, history=True):
        folder = paths.metrics(run)
        evaluation.write(folder / "evaluation.json")
        if history:
            files.write_text(
                folder / "history.csv",
                "epoch,train_loss,train_accuracy\n1,9,0.5\n2,0.7,0.5\n3,0.7,0.5\n",
            )

    return write


def test_validation_comes_first_and_the_test_stands_apart(write):
    write("good", measured(70, 225))
    write("best", measured(72, 270))
    write("none", measured(71))
    runs = {"good": {"dataset": "a"}, "best": {"dataset": "a"}, "none": {"dataset": "b"}}
    assert summary.table(Params({"runs": runs})) + "\n" == EXPECTED
    (paths.metrics("best") / "report.html").touch()
    assert "metrics/runs/best/report.html" in summary.table(Params({"runs": runs}))


def test_a_run_that_is_no_better_than_a_guess_is_warned_of_with_what_to_try(write):
    write("bad", measured(60, 180))
    runs = Params({"runs": {"bad": {"dataset": "a"}, "new": {}}})
    *_, fault, advice, missing = summary.table(runs).splitlines()
    assert fault == ("bad: its accuracy 60.00% is no better than always answering cat, 60.00%")
    assert advice.startswith("bad: its training loss began at 9.00 and came no further than 0.70")
    assert missing == "not evaluated yet: new"


def test_the_types_of_machines_stand_below(write):
    types = {"one": "x86_64 avx2", "two": "x86_64", "three": "x86_64 avx2"}
    for run, processor in types.items():
        write(run, measured(70))
        Machine(gpu="none", kernels="Eigen", processor=processor).write(machine.path(run))
    runs = Params({"runs": {run: {"dataset": "a"} for run in (*types, "more")}})
    shown = summary.table(runs).splitlines()
    assert "trained on x86_64 avx2, Eigen: one, three" in shown
    assert "trained on x86_64, Eigen: two" in shown
    machine.path("two").unlink()
    assert "trained on x86_64 avx2, Eigen: all" in summary.table(runs).splitlines()


def test_without_curves_there_is_the_warning_alone(write):
    write("bad", measured(60), history=False)
    *_, last = summary.table(Params({"runs": {"bad": {"dataset": "a"}}})).splitlines()
    assert last.startswith("bad: its accuracy 60.00% is no better")


def test_of_equal_accuracies_the_lower_loss_is_best():
    one, other = measured(70, 225), measured(70, 225)
    lower = other.validation.model_copy(update={"loss": 0.4})
    found = {"one": one, "other": other.model_copy(update={"validation": lower})}
    assert list(summary.chosen(found, dict.fromkeys(found, "a"))) == ["other"]


def test_without_results_it_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = summary.table(Params({"runs": {"new": {}, "other": {}}}))
    assert said == "not evaluated yet: new, other; run one: dvc repro report@new"
