"""ROC and precision-recall curves on a fixed grid, with a pointwise 95 % bootstrap band.

Both are evaluated as one uses them to choose a threshold: the ROC curve gives the best sensitivity whose false positive
rate is not above the grid's, the precision-recall curve the precision at the highest threshold that reaches the
grid's sensitivity. Both are step functions, exact on the grid; nothing is interpolated, and images of equal score are
never separated. The band evaluates the curve of every stratified resample in the same way: it holds at every point by
itself, not for the whole curve at once, and it keeps the prevalence, on which precision depends, as it is.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from retina.numbers.metrics import validate
from retina.numbers.resampling import resamples

if TYPE_CHECKING:
    import pandas as pd

STEPS = 200
"""Grid intervals, 0.005 wide."""
DRAWS = 1000
"""Resamples behind a band; half of those behind a number, since a band is only looked at."""

Curve = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""True and false positives (U, c) at each distinct score, descending, of c resamples -> the curve on a grid (G, c)."""


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
    """The precision-recall curve with its band; uninformative scores give a precision of the prevalence.

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
    curve_of: Curve,
    *,
    names: tuple[str, str],
    grid: np.ndarray,
    draws: int,
    seed: int,
) -> "pd.DataFrame":
    """The curve of the images themselves, and the percentiles of the curves of their resamples."""
    import pandas as pd

    positive, logits = validate(labels, logits)
    m, n = int(positive.sum()), int((~positive).sum())
    curve, low, high = np.full((3, len(grid)), np.nan)
    if m and n:
        distinct = np.unique(-logits)
        classes = [_Class(distinct, -logits[members]) for members in (positive, ~positive)]
        curve = curve_of(*(group.calls(np.ones((group.size, 1))) for group in classes))[:, 0]
        curves = [
            curve_of(*(group.calls(counts) for group, counts in zip(classes, chunk, strict=True)))
            for chunk in resamples(m, n, draws, seed)
        ]
        low, high = np.quantile(np.concatenate(curves, axis=1), (0.025, 0.975), axis=1)
    return pd.DataFrame({names[0]: grid / STEPS, names[1]: curve, "low": low, "high": high})


class _Class:
    """The images of one class, sorted once, to count those called positive at each distinct score of both classes.

    Args:
        distinct: (U,) negated scores of both classes, each once, ascending.
        negated: (size,) negated scores of the class.
    """

    def __init__(self, distinct: np.ndarray, negated: np.ndarray) -> None:
        self.order = np.argsort(negated, kind="stable")
        self.ends = np.searchsorted(negated[self.order], distinct, "right")
        self.size = len(negated)

    def calls(self, counts: np.ndarray) -> np.ndarray:
        """How often each image was drawn (size, c) -> images at or above each distinct score (U, c), whole numbers."""
        running = np.zeros((self.size + 1, counts.shape[1]))
        np.cumsum(counts[self.order], axis=0, out=running[1:])
        return running[self.ends]


def _sensitivities(true_positives: np.ndarray, false_positives: np.ndarray) -> np.ndarray:
    """The best sensitivity with at most the grid's false positive rate, (U, c) twice -> (STEPS + 1, c)."""
    n = int(false_positives[-1, 0])
    limits = np.arange(STEPS + 1) * n // STEPS
    places = _search(false_positives, limits, n, "right")
    return np.take_along_axis(_from_zero(true_positives), places, axis=0) / true_positives[-1, 0]


def _precisions(true_positives: np.ndarray, false_positives: np.ndarray) -> np.ndarray:
    """The precision where the grid's sensitivity is first reached, (U, c) twice -> (STEPS, c)."""
    m = int(true_positives[-1, 0])
    needs = -(-np.arange(1, STEPS + 1) * m // STEPS)  # rounded up, in whole numbers
    places = _search(true_positives, needs, m, "left")
    hits, alarms = (np.take_along_axis(counts, places, axis=0) for counts in (true_positives, false_positives))
    return hits / (hits + alarms)


def _from_zero(counts: np.ndarray) -> np.ndarray:
    """The counts with those above every score before them, none: (U, c) -> (U + 1, c)."""
    return np.concatenate([np.zeros((1, counts.shape[1])), counts])


def _search(counts: np.ndarray, values: np.ndarray, largest: int, side: str) -> np.ndarray:
    """`np.searchsorted` in every column of ascending counts (U, c) at once, for whole values (G,): (G, c).

    Columns are laid end to end, each lifted above the one before, so that one search in ascending order serves all.
    """
    steps, columns = counts.shape
    column = np.arange(columns)[:, None]
    lift = column * (largest + 1.0)
    places = np.searchsorted((counts.T + lift).ravel(), (values + lift).ravel(), side)
    return (places.reshape(columns, -1) - column * steps).T
