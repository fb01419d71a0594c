import dataclasses
import json

import numpy as np
import pytest

from pipeline.evaluate.occlusion import GRID, Occlusion
from pipeline.report.first_layer import BLUE, ORANGE
from pipeline.report.sections.page import page
from pipeline.report.sections.pictured import attention
from tests.support import reports
from tests.support.reports import Parsed, decoded


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reports.make(shape=(8, 12, 3), wrong=7)
    map_ = np.zeros((GRID, GRID))
    map_[0, 0] = 0.3
    maps = {"006": map_.tolist(), "029": (-map_).tolist()}
    found = Occlusion.model_validate_json(json.dumps({"maps": maps}))
    return dataclasses.replace(reports.results(), occlusion=found)


def test_a_run_without_maps_has_no_such_section(results):
    assert attention.attention(dataclasses.replace(results, occlusion=None)) is None


def test_mistakes_and_hits_stand_beside_their_maps(results):
    content = attention.attention(results).content
    (wrong,), (right,) = content["wrongly"], content["rightly"]
    assert (wrong["id"], wrong["drop"]) == ("006", pytest.approx(0.3))
    assert (right["id"], right["drop"]) == ("029", 0)
    assert decoded(wrong["map"])[1].shape == (8, 12, 3)
    words = " ".join(Parsed(page(results)).words)
    assert "true cat predicted dog , 66.2%; covered where it matters most, 36.2% 006" in words


def test_a_map_is_orange_where_the_cover_takes_from_the_class_and_blue_where_it_adds():
    values = np.zeros((GRID, GRID), np.float32)
    values[0, 0], values[-1, -1] = 1, -0.5
    grey = np.full((16, 24, 1), 0.5, np.float32)
    drawn = attention.overlaid(grey, values)
    share = attention.STRONGEST
    for place, colour, part in ((0, ORANGE, share), (-1, BLUE, share / 2)):
        expected = (1 - part) * 0.5 + part * np.array(colour) / 255
        np.testing.assert_allclose(drawn[place, place], expected, atol=1e-5)
    np.testing.assert_allclose(drawn[8, 12], 0.5)


def test_what_changes_little_stays_pale():
    faint = np.full((GRID, GRID), attention.FAINT / 10, np.float32)
    drawn = attention.overlaid(np.zeros((4, 4, 1), np.float32), faint)
    np.testing.assert_allclose(
        drawn[0, 0], attention.STRONGEST / 10 * np.array(ORANGE) / 255, atol=1e-5
    )
