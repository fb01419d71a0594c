import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve

from pipeline.report.sections.measured import precision_recall
from pipeline.report.sections.measured.precision_recall import curve
from tests.support import reports


@pytest.mark.parametrize("levels", [7, 10_000])
def test_curve_and_area_are_those_of_scikit_learn(levels):
    """Also where many images have the same probability."""
    random = np.random.default_rng(0)
    belongs = random.random(500) < 0.2
    probability = (np.round(levels * random.random(500) ** (2 - belongs)) / levels).astype("f4")
    made = curve(belongs, probability)
    precision, recall, thresholds = precision_recall_curve(belongs, probability)
    n = len(made.recall)  # scikit-learn goes on after all are found, and adds the point (0, 1)
    np.testing.assert_allclose(made.precision, precision[-2 : -2 - n : -1])
    np.testing.assert_allclose(made.recall, recall[-2 : -2 - n : -1])
    np.testing.assert_array_equal(made.threshold, thresholds[: -1 - n : -1])
    assert made.recall[-1] == 1
    assert made.area == pytest.approx(average_precision_score(belongs, probability))


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_worst_class_is_chosen_and_curves_have_few_points():
    reports.make(n=600, wrong=20)
    section = precision_recall.precision_recall(reports.results())
    areas = dict(section.content["areas"])
    assert section.content["worst"] == min(areas, key=areas.get)
    assert section.content["mean"] == pytest.approx(np.mean(list(areas.values())))
    rows = section.charts["precision-recall"].rows
    for name in areas:
        mine = [row for row in rows if row["class"] == name]
        assert 2 <= len(mine) <= precision_recall.POINTS
        assert mine[-1]["recall"] == 1


def test_classes_without_test_images_have_no_curve():
    reports.make(classes=("cat", "dog", "emu", "yak"), n=7, validation=False, wrong=1)
    section = precision_recall.precision_recall(reports.results())
    assert [name for name, _ in section.content["areas"]] == ["cat", "dog", "emu"]


def test_test_images_of_one_class_have_no_section():
    reports.make()
    results = reports.results()
    one = results.gallery.predictions._replace(labels=np.zeros(30, np.int32))
    results.gallery.predictions = one
    assert precision_recall.precision_recall(results) is None
