"""Summary: what was measured of each subset, what guesses would give, and what to try."""

from pipeline.evaluate import baseline
from pipeline.evaluate.advice import advice
from pipeline.report.results import Results
from pipeline.report.sections.section import Section


def summary(results: Results) -> Section:
    """Return the measures, beside those of guesses, and advice by the run's curves."""
    images = results.trained
    return Section(
        {
            "guess": baseline.baseline(results.evaluation),
            "advice": advice(results.history, results.evaluation, images),
            "train_images": sum(images.values()),
        }
    )
