"""Whether a run is worse than another by more than is allowed, beyond what chance explains.

What is tested is the hypothesis that the second loses no more than a margin. A margin is for what
another training of the same code changes; the test, for how few images there are.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats


def p_of_counts(only_first: float, only_second: float, n: float, margin: float) -> float:
    """Return the p-value of a loss of correct images, one-sided.

    It is McNemar's exact test, but for the margin: of the images that one model alone gets right,
    the first may have ``margin * n / 2`` more than its half. It errs on the side of no loss.

    Parameters
    ----------
    only_first, only_second : float
        Images that this one alone gets right; of runs that are not paired, what is expected.
    n : float
        All images.
    margin : float
        The share of the images that may be lost.

    Examples
    --------
    >>> round(p_of_counts(7, 1, 100, 0), 4), p_of_counts(7, 1, 100, 0.06)
    (0.0352, 0.63671875)
    """
    discordant = math.ceil(only_first + only_second)
    if not discordant:
        return 1.0
    least = math.ceil(only_first - margin * n / 2 - 1e-9)
    return float(stats.binom.sf(least - 1, discordant, 0.5))


def p_unpaired(first: float, second: float, n: float, margin: float) -> float:
    """Return the same for two shares of correct images, where nobody knows of which.

    They are taken for independent, which two models never are that are shown the same images: so a
    loss has to be greater than with their predictions.
    """
    return p_of_counts(n * first * (1 - second), n * second * (1 - first), n, margin)


def p_of_losses(first: NDArray[np.float64], second: NDArray[np.float64], relative: float) -> float:
    """Return the p-value of a greater mean loss, by the paired t-test, one-sided.

    Parameters
    ----------
    first, second : ndarray of float64
        Losses of the same images; shape (n,).
    relative : float
        By how much the mean may grow, as a share of the first.
    """
    grown = second - first * (1 + relative)
    if len(grown) < 2 or np.ptp(grown) == 0:
        return float(grown.mean() <= 0)
    return float(stats.ttest_1samp(grown, 0, alternative="greater").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, so that one level holds for all together.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", 1979.

    Examples
    --------
    >>> holm([0.01, 0.5, 0.02])
    [0.03, 0.5, 0.04]
    """
    adjusted = [0.0] * len(p_values)
    most = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        most = max(most, min(1.0, p_values[place] * (len(p_values) - rank)))
        adjusted[place] = most
    return adjusted
