"""How well scores rank: the area under the ROC curve, and the average precision. Only the order of the scores counts.

A metric that its labels leave undefined is NaN, never 0.
"""

import math

import numpy as np

from retina.numbers.metrics import validate


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a positive outscores a negative, ties counted one half.

    The Mann-Whitney statistic over the number of pairs (Hanley and McNeil 1982, Radiology 143:29-36). Nothing is
    validated here.

    Args:
        labels: (N,) 0 or 1.
        scores: (N,) any finite numbers; larger means more likely diseased.

    Returns:
        0-1, or NaN where one class is missing.
    """
    positive = np.asarray(labels) == 1
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if positives == 0 or negatives == 0:
        return math.nan
    scores = np.asarray(scores)
    return float(outscored(scores[positive], scores[~positive]).sum() / (2 * positives * negatives))


def outscored(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Twice the number of the other scores that each score exceeds, where an equal one counts one half.

    Twice, so that all counts are whole numbers, whose sums are exact.

    Args:
        scores: (m,) finite.
        others: (n,) finite.

    Returns:
        (m,) int64, 0 to 2 n.
    """
    ascending = np.sort(others)
    return np.searchsorted(ascending, scores, "left") + np.searchsorted(ascending, scores, "right")


def auroc_of_curve(labels: np.ndarray, scores: np.ndarray) -> float:
    """The area under the ROC curve by the trapezoidal rule, scikit-learn's `roc_auc_score`: 0-1.

    It equals `auroc` except in the last bits. Training has always computed what it writes (`val_auroc` of a history,
    the colour baseline) in this way, and a run that is repeated or resumed must write the same bytes.

    Args:
        labels: (N,) 0 or 1, both present.
        scores: (N,) finite; larger means more likely diseased.
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean precision over the diseased eyes, taken from the highest score downwards, without interpolation.

    The precision at each distinct score, weighted by the recall that it adds, as scikit-learn's
    `average_precision_score` takes it. Uninformative scores give the prevalence, not 0.5.

    Args:
        labels: (N,) 0 or 1.
        scores: (N,) finite; larger means more likely diseased.

    Returns:
        0-1, or NaN where no eye is diseased.

    Raises:
        ValueError: see `validate`.
    """
    positive, scores = validate(labels, scores)
    if not positive.any():
        return math.nan
    order = np.argsort(-scores, kind="stable")
    lasts = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # the last image of each distinct score
    hits = np.cumsum(positive[order])[lasts]
    return float(np.sum(np.diff(hits, prepend=0) * hits / (lasts + 1)) / hits[-1])
