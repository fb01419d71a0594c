"""The report of a run: its figures, its page, and the cards of its model and data.

The cards are Markdown, after Mitchell et al., "Model cards for model reporting", 2019, and Gebru et
al., "Datasheets for datasets", 2021, as far as the pipeline knows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline import runs
from pipeline.core import files, paths
from pipeline.evaluate import baseline
from pipeline.report import figures, html, network
from pipeline.report.params import ReportParams
from pipeline.report.results import Results
from pipeline.report.sections.page import page
from pipeline.subsets import class_weights
from pipeline.subsets.split import SUBSETS

CARDS = ("model_card.md", "data_card.md")


def write(
    run: str,
    effective: Mapping[str, Any],
    params: ReportParams,
    own: Mapping[str, Any],
    uses: Sequence[str],
) -> str:
    """Write ``figures/``, ``report.html`` and the cards of a run.

    Parameters
    ----------
    run : str
        Its name.
    effective : mapping
        All its parameters, the defaults included; ``dataset`` among them.
    params : ReportParams
        Its section ``report``.
    own : mapping
        The parameters that the run sets itself, by section.
    uses : sequence of str
        Libraries whose versions the page names.

    Returns
    -------
    str
        What was done, for the console.

    Raises
    ------
    DataError
        If something that an earlier stage writes is missing, damaged or of other data.
    """
    folder = paths.metrics(run)
    results = Results.read(run, effective, own, params, uses)
    with files.new_folder(folder / "figures") as work:
        figures.write(results, work)
    for card in CARDS:
        files.write_text(folder / card, _card(results, card))
    text = page(results)
    files.write_text(folder / "report.html", text)
    return (
        f"accuracy {results.evaluation.accuracy:.4f}; see {folder / 'report.html'} "
        f"({len(text.encode()) / 1e6:.1f} MB)"
    )


def _card(results: Results, name: str) -> str:
    """Return ``model_card.md`` or ``data_card.md``."""
    effective = {key: value for key, value in results.effective.items() if key not in runs.NAMED}
    return html.fill(
        html.FOLDER / f"{name}.j2",
        run=results.run,
        card=results.card,
        left_out=results.left_out,
        converted=results.converted,
        subsets=SUBSETS,
        evaluation=results.evaluation,
        guess=baseline.baseline(results.evaluation),
        fault=baseline.fault(results.evaluation),
        parameters_count=sum(layer.parameters for layer in results.network),
        products=sum(layer.products or 0 for layer in results.network),
        uncounted=network.uncounted(results.network),
        confusions=results.confusions,
        parameters={key: html.flatten(value) for key, value in sorted(effective.items())},
        dataset=results.effective["dataset"],
        network=results.effective.get("network"),
        start=results.start,
        classes=results.classes,
        shape=results.dataset.index.shape,
        epochs=len(results.history["epoch"]),
        weights=_weights(results),
        trained=results.trained,
        trained_on=results.trained_on,
    )


def _weights(results: Results) -> dict[str, float]:
    """Return the weight of each class in training, by name; none if all images count alike."""
    if results.effective["train"].get("class_weights", "none") == "none":
        return {}
    counts = results.trained
    return dict(zip(counts, class_weights.balanced(list(counts.values())).tolist(), strict=True))
