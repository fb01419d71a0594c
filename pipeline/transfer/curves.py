"""The figure of a study of fine-tuning: accuracy against labelled images, for both starts."""

from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from pipeline.report.plots import BLUE, GREY, INK, ORANGE, pinned, text
from pipeline.transfer.study import Accuracy, Transfer


@pinned
def draw(study: Transfer) -> Figure:
    """Return a chart for each dataset: means over the seeds, with their intervals."""
    figure = Figure((5 * len(study.targets), 4), layout="constrained")
    charts = figure.subplots(1, len(study.targets), squeeze=False)[0]
    for axes, target in zip(charts, study.targets.values(), strict=True):
        counts = [size.images_per_class for size in target.sizes]
        axes.set_title(text(target.title))
        axes.set_xscale("log")
        for label, shift, colour, marker, found in (
            ("from nothing", 0.97, ORANGE, "^", [size.fresh for size in target.sizes]),
            ("fine-tuned", 1.03, BLUE, "o", [size.tuned for size in target.sizes]),
        ):
            axes.errorbar(
                [count * shift for count in counts],  # so that intervals stand beside each other
                [100 * one.mean for one in found],
                _lengths(found),
                color=colour,
                marker=marker,
                markersize=5,
                capsize=3,
                label=label,
            )
        if target.all_images is not None:
            axes.axhline(
                100 * target.all_images, color=GREY, linewidth=1, dashes=(4, 3), label="all images"
            )
        axes.set_xticks(counts, [f"{count:,}" for count in counts], color=INK)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("labelled images of each class")
        axes.set_ylabel(f"test accuracy in %, {study.confidence_level:.0%} intervals")
    charts[0].legend(loc="lower right")
    return figure


def _lengths(found: list[Accuracy]) -> list[list[float]]:
    """Return how far the intervals reach below the means and above; 0 where there are none."""
    ends = [one.interval or (one.mean, one.mean) for one in found]
    return [
        [100 * (one.mean - low) for one, (low, _) in zip(found, ends, strict=True)],
        [100 * (high - one.mean) for one, (_, high) in zip(found, ends, strict=True)],
    ]
