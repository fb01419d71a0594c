import dataclasses

import pytest

from pipeline.evaluate.evaluation import Interval, Validation
from pipeline.report.sections.measured.summary import summary
from pipeline.report.sections.page import page
from tests.support import reports
from tests.support.reports import Parsed


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def words(**evaluation):
    """Return the words of the page of a run that was evaluated otherwise."""
    results = reports.results()
    changed = results.evaluation.model_copy(update=evaluation)
    return " ".join(Parsed(page(dataclasses.replace(results, evaluation=changed))).words)


def test_a_run_that_learned_is_beside_guesses_without_a_warning():
    reports.make()
    validation = Validation(
        accuracy=0.8, accuracy_interval=Interval(low=0.38, high=0.96), loss=0.5, n=5
    )
    shown = words(validation=validation)
    assert "Validation Test Training Accuracy 80.00% 76.67% 50.00%" in shown
    assert "Loss 0.5000" in shown
    assert "Chance 33.33% Always answering cat 33.33% Images 5 30 25" in shown
    assert "learned nothing" not in shown
    assert "Validation accuracy 80.00%" in shown


def test_a_run_that_is_no_better_than_a_guess_is_warned_of():
    reports.make(wrong=22)
    shown = words()
    assert "This run learned nothing that a guess does not know : its accuracy 26.67%" in shown
    assert "What to try" in shown
    assert "Validation accuracy" not in shown
    assert summary(reports.results()).content["advice"]
