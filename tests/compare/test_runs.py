import json

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as reference

from pipeline.compare import runs
from pipeline.core.errors import DataError
from pipeline.evaluate.predictions import Predictions
from pipeline.execution.machine import Machine
from tests.compare.test_summary import measured
from tests.support.builders import CLASSES
from tests.support.reports import predictions

N = 300


def right(one):
    return one.predicted == one.labels


def test_pairs_of_models():
    first, second = predictions(0.8, 1), predictions(0.9, 2)
    found = runs.compare(first, second, CLASSES)
    assert found.n == N
    assert found.accuracy == (right(first).mean(), right(second).mean())
    assert found.difference == pytest.approx(right(second).mean() - right(first).mean())
    for name, one, other in (("only_first", first, second), ("only_second", second, first)):
        expected = [first.ids[row] for row in np.flatnonzero(right(one) & ~right(other))]
        assert getattr(found, name) == expected
    emu = found.classes["emu"]
    assert emu.n == 100
    assert emu.recall == tuple(right(one)[first.labels == 2].mean() for one in (first, second))


@pytest.mark.parametrize("seed", range(5))
def test_p_value_is_statsmodels(seed):
    first, second = predictions(0.8, seed), predictions(0.83, seed + 50)
    table = np.histogram2d(right(first), right(second), bins=2, range=[[0, 1], [0, 1]])[0]
    found = runs.compare(first, second, CLASSES)
    assert found.p_value == pytest.approx(reference(table, exact=True).pvalue)


def test_interval_is_near_the_normal_approximation():
    first, second = predictions(0.7, 3, 3000), predictions(0.8, 4, 3000)
    found = runs.compare(first, second, CLASSES)
    differences = right(second).astype(float) - right(first)
    half = 1.96 * differences.std() / np.sqrt(3000)
    expected = [found.difference - half, found.difference + half]
    assert found.interval == pytest.approx(tuple(expected), abs=0.1 * half)
    assert runs.compare(first, second, CLASSES).interval == found.interval


def test_a_model_compared_with_itself_is_no_different():
    first = predictions(0.8, 1)
    found = runs.compare(first, first, CLASSES)
    assert found.difference == 0
    assert found.interval == (0, 0)
    assert found.p_value == 1
    assert found.only_first == found.only_second == []


def test_images_are_paired_by_id_not_by_order():
    first, second = predictions(0.8, 1), predictions(0.9, 2)
    order = np.random.default_rng(0).permutation(N)
    shuffled = Predictions(
        [second.ids[row] for row in order], *(part[order] for part in second[1:])
    )
    expected = runs.compare(first, second, CLASSES)
    assert runs.compare(first, shuffled, CLASSES) == expected


def test_other_images_or_labels_are_refused():
    first, second = predictions(0.8, 1), predictions(0.9, 2, n=200)
    with pytest.raises(DataError, match=r"different test images: 300 and 200, of which 200 are"):
        runs.compare(first, second, CLASSES)
    other = first._replace(labels=(first.labels + 1) % 3)
    with pytest.raises(DataError, match="other labels for the same test images"):
        runs.compare(first, other, CLASSES)


def test_shown_as_text_markdown_and_json():
    found = runs.compare(predictions(0.7, 1), predictions(0.9, 2), CLASSES)
    text = runs.describe(found, ("a", "b"), "text")
    assert "the two differ" in text
    assert "right by b alone: " in text
    assert "image-" in text
    assert "| emu" in runs.describe(found, ("a", "b"), "markdown")
    value = json.loads(runs.describe(found, ("a", "b"), "json"))
    assert value["runs"] == ["a", "b"]
    assert value["p_value"] == found.p_value
    same = runs.compare(predictions(0.7, 1), predictions(0.7, 1), CLASSES)
    assert "may be equally good" in runs.describe(same, ("a", "a"), "text")


def test_types_of_machines_are_told_where_both_are_known():
    found = runs.compare(predictions(0.7, 1), predictions(0.9, 2), CLASSES)
    avx2, avx512 = (
        Machine(gpu="none", kernels="Eigen", processor=f"x86_64 {one}")
        for one in ("avx2", "avx512f")
    )

    def told(*machines, form="text"):
        return runs.describe(found, ("a", "b"), form, machines=machines)

    assert "b was trained on x86_64 avx512f, Eigen\nThese are other types" in told(avx2, avx512)
    assert "Both were trained on x86_64 avx2, Eigen" in told(avx2, avx2)
    assert "trained" not in told(avx2, None)
    assert json.loads(told(avx2, None, form="json"))["machines"] == ["x86_64 avx2, Eigen", None]


def test_validation_comes_first_where_both_runs_have_it():
    found = runs.compare(predictions(0.7, 1), predictions(0.9, 2), CLASSES)
    one, other = (measured(90, validation) for validation in (225, 270))
    first, second, choice, *_ = runs.describe(found, ("a", "b"), "text", (one, other)).splitlines()
    assert first == "a: validation accuracy 0.7500 (0.6980 to 0.7956) on 300 images, loss 0.5000"
    assert second.startswith("b: validation accuracy 0.9000")
    assert choice.startswith("Choose by these; what follows is of the test subset")
    value = json.loads(runs.describe(found, ("a", "b"), "json", (one, other)))
    assert value["validation_accuracy"] == [0.75, 0.9]
    said = runs.describe(found, ("a", "b"), "text", (one, None))
    assert "validation" not in said


def test_a_run_that_is_no_better_than_a_guess_is_warned_of():
    found = runs.compare(predictions(0.7, 1), predictions(0.9, 2), CLASSES)
    warned = [], ["its accuracy 60.00% is no better", "its training loss rose"]
    said = runs.describe(found, ("a", "b"), "text", (measured(90), measured(60)), warned)
    assert "Chance would give 50.00%, and always answering cat 60.00%" in said
    assert "b: its accuracy 60.00% is no better\nb: its training loss rose" in said
    assert "a: its" not in said
