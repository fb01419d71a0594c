import pytest

from pipeline.report.sections.described.network import network
from pipeline.report.sections.page import page
from tests.support import reports
from tests.support.reports import Parsed


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_layers_and_their_sums_are_shown():
    """A convolution of 4 filters of 3x3 pixels, on 6x5 pixels of one channel."""
    reports.make()
    content = network(reports.results()).content
    assert content["parameters"] == content["trained"] == 4 * (9 + 1)
    assert content["products"] == 6 * 5 * 4 * 9
    words = " ".join(Parsed(page(reports.results())).words)
    assert (
        "Parameters 40 0.0 MB as float32 Multiply-adds 1.08 thousand 1,080 for one image" in words
    )
    assert "convolution_1 Conv2D 3x3 6 × 5 × 4 40 1,080" in words
    assert "features GlobalAveragePooling2D 3" in words  # the model's outputs
