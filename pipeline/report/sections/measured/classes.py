"""Classes: the scores of each."""

from pipeline.report import charts, html
from pipeline.report.charts import Chart
from pipeline.report.results import Results
from pipeline.report.sections.section import Section


def classes(results: Results) -> Section:
    """Return precision, recall and F1 of each class."""
    return Section(charts={"scores": scores(results)})


def scores(results: Results) -> Chart:
    """Return precision, recall and F1 of the classes that charts show."""
    names = [results.classes[label] for label in results.shown]
    alphabet = {name: place for place, name in enumerate(sorted(names))}
    rows = [
        {"class": html.key(name), "label": label, "alphabet": alphabet[name]}
        | results.evaluation.classes[name].model_dump()
        for label, name in zip(results.shown, names, strict=True)
    ]
    return Chart(charts.scores(names), rows)
