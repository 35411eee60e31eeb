"""The uncertainty of a metric of a few hundred images: the intervals behind the word "clearly"."""

import math

from retina.analysis.diagnosis.curve import Curve
from retina.numbers.statistics import wilson


def interval(accuracy: float, images: int) -> tuple[float, float]:
    """The Wilson 95 % interval of an accuracy measured on that many images; NaN for NaN."""
    if math.isnan(accuracy):
        return math.nan, math.nan
    return wilson(round(accuracy * images), images)


def clearly_above(accuracy: float, images: int, baseline: float) -> bool:
    """Whether the lower end of the accuracy's 95 % interval lies above the baseline."""
    return interval(accuracy, images)[0] > baseline


def clearly_below(accuracy: float, images: int, baseline: float) -> bool:
    """Whether the upper end of the accuracy's 95 % interval lies below the baseline."""
    return interval(accuracy, images)[1] < baseline


def difference_error(first: float, second: float, images: int) -> float:
    """Standard error of the difference of two accuracies on that many images each.

    The formula is that of independent images. Both accuracies are of the same images, so it is an upper bound wherever
    the two models agree more than by chance.
    """
    return math.sqrt((first * (1 - first) + second * (1 - second)) / images)


def auroc_error(auroc: float, positives: int, negatives: int) -> float:
    """Standard error of an AUROC (Hanley and McNeil 1982, Radiology 143:29-36, exponential approximation).

    Args:
        auroc: 0-1.
        positives: Number of positive images.
        negatives: Number of the others.

    Returns:
        >= 0; NaN where a class is missing or the AUROC is NaN.
    """
    if positives < 1 or negatives < 1 or math.isnan(auroc):
        return math.nan
    both_positive = auroc / (2 - auroc)
    both_negative = 2 * auroc**2 / (1 + auroc)
    variance = auroc * (1 - auroc) + (positives - 1) * (both_positive - auroc**2)
    variance += (negatives - 1) * (both_negative - auroc**2)
    return math.sqrt(max(0.0, variance) / (positives * negatives))


def fits_training(curve: Curve, since: int = 1) -> bool:
    """Whether the mean training accuracy from an epoch on is clearly above the larger class' share of training.

    Otherwise the model has learned nothing, neither fast nor too closely.
    """
    accuracy = float(curve.train_accuracy[since - 1 :].mean())
    return clearly_above(accuracy, curve.train_images, curve.train_majority)


def ranks(curve: Curve, epoch: int) -> bool:
    """Whether the validation AUROC of an epoch lies above 0.5 by more than 1.96 standard errors."""
    return above_chance(curve.at("val_auroc", epoch), curve)


def above_chance(auroc: float, curve: Curve) -> bool:
    """Whether an AUROC of a run's validation images lies above 0.5 by more than 1.96 standard errors."""
    return auroc - 1.96 * auroc_error(auroc, curve.positives, curve.images - curve.positives) > 0.5  # noqa: PLR2004
