"""Calibration: how often the model is right, by its confidence."""

from pipeline.evaluate.calibration import BINS, bins
from pipeline.report import charts
from pipeline.report.charts import Chart
from pipeline.report.results import Results
from pipeline.report.sections.section import Section


def calibration(results: Results) -> Section:
    """Return the reliability diagram and the histogram of confidence."""
    count = results.effective["evaluate"].get("calibration_bins", BINS)
    filled = bins(results.gallery.predictions, count)
    rows = [one._asdict() for one in filled]
    drawn = {
        "calibration": Chart(charts.calibration(), rows),
        "confidences": Chart(charts.confidences(), rows),
    }
    return Section({"bins": filled}, drawn)
