"""Labels and scores in, metrics out. Labels are 0 or 1, a positive is a diseased eye; scores are logits."""

import math

import numpy as np
from scipy.stats import norm, rankdata


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a positive outscores a negative, ties counted one half.

    The Mann-Whitney statistic over the number of pairs (Hanley and McNeil 1982, Radiology 143:29-36).

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
    ranks = rankdata(scores)
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def accuracy(labels: np.ndarray, logits: np.ndarray) -> float:
    """Share of images on the right side of probability 0.5 (logit 0), 0-1."""
    return float(np.mean((np.asarray(logits) > 0) == (np.asarray(labels) == 1)))


def log_loss(labels: np.ndarray, logits: np.ndarray) -> float:
    """Mean cross-entropy of the sigmoid probabilities, nats per image, computed from logits without clipping."""
    signed = np.where(np.asarray(labels) == 1, logits, -np.asarray(logits))
    return float(np.mean(np.logaddexp(0.0, -signed)))


def wilson(successes: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a proportion (Wilson 1927, JASA 22:209-212).

    Args:
        successes: 0 to `total`.
        total: At least 1.
        level: Coverage, 0-1.

    Returns:
        Lower and upper bound, 0-1.
    """
    z = norm.ppf((1 + level) / 2)
    share = successes / total
    centre = share + z**2 / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    scale = 1 + z**2 / total
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
