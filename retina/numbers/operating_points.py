"""Thresholds chosen on validation, never on test, and the calls that they make on any split.

An image is called positive where its logit is not below the threshold; the thresholds that validation can choose are
the logits of its images.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from retina.numbers.metrics import Confusion, confusion, validate
from retina.numbers.statistics import wilson

SCREENING = "sensitivity_95"
YOUDEN = "youden"
HALF = "probability_half"
SENSITIVITY_PERCENT = 95


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and where it comes from.

    Attributes:
        name: `SCREENING`, `YOUDEN` or `HALF`.
        rule: How the threshold was chosen, in a few words.
        threshold: A logit; NaN where validation could not choose one.
        chosen_on: `validation`, or `nothing` where the rule needs no data.
        validation: The calls on validation at the threshold; `None` where there is no threshold.
    """

    name: str
    rule: str
    threshold: float
    chosen_on: str
    validation: Confusion | None


class Intervals(NamedTuple):
    """95 % Wilson intervals (low, high), 0-1, of the shares at an operating point; NaN where the share is."""

    sensitivity: tuple[float, float]
    specificity: tuple[float, float]
    ppv: tuple[float, float]
    npv: tuple[float, float]
    accuracy: tuple[float, float]


def choose(labels: np.ndarray, logits: np.ndarray) -> tuple[OperatingPoint, OperatingPoint, OperatingPoint]:
    """The three operating points of a model.

    `SCREENING` is the highest threshold with a sensitivity of at least 95 % on validation; it need not reach 95 % on
    other images. `YOUDEN` is the threshold of the largest sensitivity + specificity - 1 (Youden 1950, Cancer 3:32-35);
    of several the lowest, which has the highest sensitivity, since a missed eye costs screening more than a false
    alarm. `HALF` is a logit of 0.

    Args:
        labels: (N,) 0 or 1, of validation images.
        logits: (N,) finite.

    Returns:
        The points in that order; the thresholds of the first two are NaN where validation lacks a class.

    Raises:
        ValueError: labels and logits differ in length, a label is neither 0 nor 1, or a logit is not finite.
    """
    positive, logits = validate(labels, logits)
    rules = (
        (SCREENING, f"highest threshold with sensitivity >= {SENSITIVITY_PERCENT} %", _screening(positive, logits)),
        (YOUDEN, "largest sensitivity + specificity - 1", _youden(positive, logits)),
        (HALF, "probability 0.5", 0.0),
    )
    return tuple(
        OperatingPoint(
            name,
            rule,
            threshold,
            "nothing" if name == HALF else "validation",
            None if math.isnan(threshold) else confusion(positive, logits, threshold),
        )
        for name, rule, threshold in rules
    )


def _screening(positive: np.ndarray, logits: np.ndarray) -> float:
    if positive.all() or not positive.any():
        return math.nan
    descending = -np.sort(-logits[positive])
    # Rounded up in whole numbers, because 0.95 has no exact float.
    needed = -(-SENSITIVITY_PERCENT * len(descending) // 100)
    return float(descending[needed - 1])


def _youden(positive: np.ndarray, logits: np.ndarray) -> float:
    if positive.all() or not positive.any():
        return math.nan
    thresholds = np.unique(logits)
    diseased, healthy = np.sort(logits[positive]), np.sort(logits[~positive])
    true_positives = len(diseased) - np.searchsorted(diseased, thresholds, "left")
    false_positives = len(healthy) - np.searchsorted(healthy, thresholds, "left")
    # Youden's index times m n: whole numbers, so that ties are exact.
    return float(thresholds[np.argmax(true_positives * len(healthy) - false_positives * len(diseased))])


def apply(point: OperatingPoint, labels: np.ndarray, logits: np.ndarray) -> Confusion | None:
    """Count the calls on these images at an operating point; `None` where it has no threshold.

    Args:
        point: One of those that `choose` returned for the same model.
        labels: (N,) 0 or 1.
        logits: (N,) finite.

    Raises:
        ValueError: as in `choose`.
    """
    return None if math.isnan(point.threshold) else confusion(labels, logits, point.threshold)


def intervals(counts: Confusion) -> Intervals:
    """The uncertainty of each share over images like these; that of the threshold is left out."""
    return Intervals(
        sensitivity=wilson(counts.tp, counts.tp + counts.fn),
        specificity=wilson(counts.tn, counts.tn + counts.fp),
        ppv=wilson(counts.tp, counts.tp + counts.fp),
        npv=wilson(counts.tn, counts.tn + counts.fn),
        accuracy=wilson(counts.tp + counts.tn, sum(counts)),
    )
