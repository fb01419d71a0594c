import dataclasses

import numpy as np
import pytest

from pipeline.report.sections.pictured.filters import filters
from tests.support import reports


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reports.make()
    return reports.results()


def test_a_model_without_filters_has_no_such_section(results):
    assert len(filters(results).content["filters"]) == 4
    assert filters(dataclasses.replace(results, layer=None)) is None


def test_filters_of_one_pixel_are_not_shown(results):
    layer = results.layer._replace(kernel=np.ones((1, 1, 1, 4), np.float32))
    assert filters(dataclasses.replace(results, layer=layer)) is None
