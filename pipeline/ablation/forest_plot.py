"""The forest plot of an ablation study: differences, with the gaps beside it."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from pipeline.ablation.study import Study
from pipeline.core import files
from pipeline.report.plots import BLUE, GREY, INK, ORANGE, pinned, text


@pinned
def forest(study: Study, order: Sequence[str]) -> Figure:
    """Return differences from the baseline with their intervals; training and test accuracy.

    Parameters
    ----------
    order : sequence of str
        Names of the changes, from top to bottom.
    """
    changes = [study.changes[name] for name in order]
    figure = Figure((10, 1.6 + 0.36 * len(order)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.15, 1))
    level = f"{study.confidence_level:.0%}"
    left.set_title(f"Test accuracy less the baseline's ({level} interval)")
    right.set_title("Accuracy on training and test images")
    left.axvline(0, color=GREY, linewidth=1)
    for row, change in enumerate(changes):
        if change.interval:
            left.plot(np.multiply(change.interval, 100), [row, row], color=BLUE, linewidth=2)
        if change.difference is not None:
            left.plot(change.difference * 100, row, "s", color=BLUE, markersize=5)
        ends = np.multiply([change.accuracy, change.train_accuracy], 100)
        right.plot(ends, [row, row], color=GREY, linewidth=1.4, zorder=1)
    rows = range(len(order))
    for values, label, colour, marker in (
        ([change.train_accuracy for change in changes], "training", ORANGE, "^"),
        ([change.accuracy for change in changes], "test", BLUE, "o"),
    ):
        right.plot(
            [value * 100 for value in values], rows, marker, color=colour, label=label, markersize=5
        )
    left.set_yticks(rows, [text(name.replace("_", " ")) for name in order], color=INK)
    left.set_ylim(len(order) - 0.5, -0.5)
    left.set_xlabel("percentage points")
    right.set_xlabel("%")
    for axes in (left, right):
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
    handles, labels = right.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower right", ncols=2)
    return figure


@pinned
def save_svg(figure: Figure, path: Path) -> None:
    """Write a figure as SVG, text as outlines, without a date, a program's name or random ids."""
    with mpl.rc_context({"svg.hashsalt": "pipeline"}), files.new_file(path) as work:
        figure.savefig(work, format="svg", metadata={"Date": None, "Creator": None})
