"""ROC and precision-recall curves on a fixed grid, with a pointwise 95 % bootstrap band.

Both are read as one reads them to choose a threshold: the ROC curve gives the best sensitivity whose false positive
rate is not above the grid's, the precision-recall curve the precision at the highest threshold that reaches the
grid's sensitivity. Both are step functions, exact on the grid; nothing is interpolated, and images of equal score are
never parted. The band repeats the same reading in each stratified resample: it holds at every point by itself, not
for the whole curve at once, and it keeps the prevalence, on which precision depends, as it is.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from retina.numbers.metrics import checked
from retina.numbers.resampling import resamples

if TYPE_CHECKING:
    import pandas as pd

STEPS = 200
"""Grid intervals, 0.005 wide."""
DRAWS = 1000
"""Resamples behind a band; half of those behind a number, since a band is looked at."""

Reading = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Diseased and healthy images (U, c) at or above each distinct score, descending -> the curve on its grid (G, c)."""


def roc(labels: np.ndarray, logits: np.ndarray, draws: int = DRAWS, seed: int = 0) -> "pd.DataFrame":
    """The ROC curve with its band.

    Args:
        labels: (N,) 0 or 1.
        logits: (N,) finite; larger means more likely diseased.
        draws: Resamples behind the band, at least 1.
        seed: The same seed and images give the same band.

    Returns:
        201 rows from 0 to 1: `false_positive_rate`, `sensitivity`, `low`, `high`, all 0-1. All but the grid are NaN
        where a class is missing.

    Raises:
        ValueError: labels and logits differ in length, a label is neither 0 nor 1, or a logit is not finite.
    """
    names, grid = ("false_positive_rate", "sensitivity"), np.arange(STEPS + 1)
    return _curve(labels, logits, _sensitivities, names=names, grid=grid, draws=draws, seed=seed)


def precision_recall(labels: np.ndarray, logits: np.ndarray, draws: int = DRAWS, seed: int = 0) -> "pd.DataFrame":
    """The precision-recall curve with its band; scores that tell nothing give a precision of the prevalence.

    Args:
        labels: (N,) 0 or 1.
        logits: (N,) finite; larger means more likely diseased.
        draws: Resamples behind the band, at least 1.
        seed: The same seed and images give the same band.

    Returns:
        200 rows from 0.005 to 1: `sensitivity`, `precision`, `low`, `high`, all 0-1. Precision has no value at a
        sensitivity of 0. All but the grid are NaN where a class is missing.

    Raises:
        ValueError: as in `roc`.
    """
    names, grid = ("sensitivity", "precision"), np.arange(1, STEPS + 1)
    return _curve(labels, logits, _precisions, names=names, grid=grid, draws=draws, seed=seed)


def _curve(
    labels: np.ndarray,
    logits: np.ndarray,
    read: Reading,
    *,
    names: tuple[str, str],
    grid: np.ndarray,
    draws: int,
    seed: int,
) -> "pd.DataFrame":
    """The curve of the images themselves, and the percentiles of the curves of their resamples."""
    import pandas as pd

    positive, logits = checked(labels, logits)
    m, n = int(positive.sum()), int((~positive).sum())
    curve, low, high = np.full((3, len(grid)), np.nan)
    if m and n:
        distinct = np.unique(-logits)
        steps = [_Steps(distinct, -logits[members]) for members in (positive, ~positive)]
        curve = read(*(step.counts(np.ones((step.size, 1))) for step in steps))[:, 0]
        drawn = [
            read(*(step.counts(counts) for step, counts in zip(steps, chunk, strict=True)))
            for chunk in resamples(m, n, draws, seed)
        ]
        low, high = np.quantile(np.concatenate(drawn, axis=1), (0.025, 0.975), axis=1)
    return pd.DataFrame({names[0]: grid / STEPS, names[1]: curve, "low": low, "high": high})


class _Steps:
    """The images of one class, sorted once, to be counted at or above each distinct score of both classes.

    Args:
        distinct: (U,) negated scores of both classes, each once, ascending.
        negated: (size,) negated scores of the class.
    """

    def __init__(self, distinct: np.ndarray, negated: np.ndarray) -> None:
        self.order = np.argsort(negated, kind="stable")
        self.reached = np.searchsorted(negated[self.order], distinct, "right")
        self.size = len(negated)

    def counts(self, drawn: np.ndarray) -> np.ndarray:
        """Images drawn (size, c) -> images at or above each distinct score (U, c), whole numbers."""
        running = np.zeros((self.size + 1, drawn.shape[1]))
        np.cumsum(drawn[self.order], axis=0, out=running[1:])
        return running[self.reached]


def _sensitivities(found: np.ndarray, alarms: np.ndarray) -> np.ndarray:
    """The largest share found with at most the grid's share of false alarms, (U, c) twice -> (STEPS + 1, c)."""
    n = int(alarms[-1, 0])
    allowed = np.arange(STEPS + 1) * n // STEPS
    place = _search(alarms, allowed, n, "right")
    return np.take_along_axis(_from_none(found), place, axis=0) / found[-1, 0]


def _precisions(found: np.ndarray, alarms: np.ndarray) -> np.ndarray:
    """The precision where the grid's share is first found, (U, c) twice -> (STEPS, c)."""
    m = int(found[-1, 0])
    needed = -(-np.arange(1, STEPS + 1) * m // STEPS)
    place = _search(found, needed, m, "left")
    hits, false = (np.take_along_axis(counts, place, axis=0) for counts in (found, alarms))
    return hits / (hits + false)


def _from_none(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((1, counts.shape[1])), counts])


def _search(counts: np.ndarray, values: np.ndarray, largest: int, side: str) -> np.ndarray:
    """`np.searchsorted` in every column of ascending counts (U, c) at once, for whole values (G,): (G, c).

    Columns are laid end to end, each lifted above the one before, so that one search in ascending order serves all.
    """
    steps, columns = counts.shape
    place = np.arange(columns)[:, None]
    lift = place * (largest + 1.0)
    found = np.searchsorted((counts.T + lift).ravel(), (values + lift).ravel(), side)
    return (found.reshape(columns, -1) - place * steps).T
