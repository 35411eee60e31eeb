"""Labels and scores in, metrics out. Labels are 0 or 1, a positive is a diseased eye; scores are logits.

An image is called positive where its logit is not below the threshold, wherever finished runs are read: an operating
point is the logit of an image of the validation set, and that image must be called positive. The curves recorded during
training call a logit of exactly 0 negative; `accuracy` differs from them only by images with that very logit.
A metric that its labels leave undefined is NaN, never 0.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import expit, log_expit, xlogy


class Confusion(NamedTuple):
    """How many images were called what, and every proportion that follows.

    Each property is a share, 0-1, except `mcc`, -1 to 1. All are NaN where their denominator is 0.

    Attributes:
        tp: Diseased eyes called positive.
        fp: Healthy eyes called positive.
        fn: Diseased eyes called negative.
        tn: Healthy eyes called negative.
    """

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def sensitivity(self) -> float:
        """Share of the diseased eyes called positive; NaN without a diseased eye."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """Share of the healthy eyes called negative; NaN without a healthy eye."""
        return _share(self.tn, self.tn + self.fp)

    @property
    def ppv(self) -> float:
        """Share of diseased among the eyes called positive; NaN where none was."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def npv(self) -> float:
        """Share of healthy among the eyes called negative; NaN where none was."""
        return _share(self.tn, self.tn + self.fn)

    @property
    def accuracy(self) -> float:
        """Share of all eyes that were called correctly; NaN without an eye."""
        return _share(self.tp + self.tn, sum(self))

    @property
    def balanced_accuracy(self) -> float:
        """Mean of sensitivity and specificity; NaN where one class is missing."""
        return (self.sensitivity + self.specificity) / 2

    @property
    def f1(self) -> float:
        """Harmonic mean of PPV and sensitivity; NaN where no eye is diseased and none was called positive."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def mcc(self) -> float:
        """Matthews correlation coefficient, -1 to 1; NaN where a class is missing or every call was the same.

        Matthews 1975, Biochim Biophys Acta 405:442-451. scikit-learn calls the undefined case 0.
        """
        positive_calls, negative_calls = self.tp + self.fp, self.fn + self.tn
        diseased, healthy = self.tp + self.fn, self.fp + self.tn
        denominator = math.sqrt(positive_calls * negative_calls * diseased * healthy)
        return _share(self.tp * self.tn - self.fp * self.fn, denominator)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def validate(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make sure that labels (N,) and scores (..., N) are valid and belong together.

    Returns:
        Which labels are 1, (N,) bool, and the scores, (..., N) float64.

    Raises:
        ValueError: there is no image, the lengths differ, a label is neither 0 nor 1, or a score is not finite.
    """
    labels, scores = np.asarray(labels), np.asarray(scores, np.float64)
    if labels.ndim != 1 or labels.size == 0:
        raise ValueError(f"labels must be one number an image, at least one; their shape is {labels.shape}")
    if scores.ndim == 0 or scores.shape[-1] != len(labels):
        raise ValueError(f"one score an image is needed: {len(labels)} labels, scores of shape {scores.shape}")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"labels must be 0 or 1; found {np.setdiff1d(labels, (0, 1))[0]}")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite numbers")
    return labels == 1, scores


def confusion(labels: np.ndarray, logits: np.ndarray, threshold: float) -> Confusion:
    """Count the images by label and by call at a threshold: positive where the logit is not below it.

    Args:
        labels: (N,) 0 or 1.
        logits: (N,) finite.
        threshold: A logit; 0 is probability 0.5.

    Raises:
        ValueError: see `validate`; or the threshold is NaN.
    """
    positive, logits = validate(labels, logits)
    if math.isnan(threshold):
        raise ValueError("no call can be made at a threshold of NaN")
    call = logits >= threshold
    return Confusion(
        *(int(np.count_nonzero(cell)) for cell in (call & positive, call & ~positive)),
        *(int(np.count_nonzero(cell)) for cell in (~call & positive, ~call & ~positive)),
    )


def accuracy(labels: np.ndarray, logits: np.ndarray) -> float:
    """Share of images called correctly at probability 0.5 (a logit of 0 is called positive), 0-1; see `confusion`."""
    return confusion(labels, logits, 0.0).accuracy


def log_loss(labels: np.ndarray, logits: np.ndarray) -> float:
    """Mean cross-entropy of the sigmoid probabilities, nats per image, computed from logits without clipping.

    Args:
        labels: (N,) 0 or 1.
        logits: (N,); NaN logits, such as those of a recalibration that could not be fitted, give NaN.
    """
    signed = np.where(np.asarray(labels) == 1, logits, -np.asarray(logits))
    return -float(np.mean(log_expit(signed)))


def brier(labels: np.ndarray, logits: np.ndarray) -> float:
    """Mean squared distance of the sigmoid probabilities from the labels, 0-1 (Brier 1950, Mon Weather Rev 78:1-3).

    Args:
        labels: (N,) 0 or 1.
        logits: (N,); NaN logits, such as those of a recalibration that could not be fitted, give NaN.
    """
    return float(np.mean((expit(np.asarray(logits, np.float64)) - (np.asarray(labels) == 1)) ** 2))


def majority_accuracy(labels: np.ndarray) -> float:
    """Accuracy of giving every image the label that most of these (N,) labels are, 0.5-1."""
    prevalence = _prevalence(labels)
    return max(prevalence, 1 - prevalence)


def prevalence_brier(labels: np.ndarray) -> float:
    """Brier score of the prevalence p of (N,) labels as every answer: p (1 - p), the best of all constants, 0-0.25."""
    prevalence = _prevalence(labels)
    return prevalence * (1 - prevalence)


def prevalence_log_loss(labels: np.ndarray) -> float:
    """Log-loss of the prevalence of (N,) labels as every answer: its entropy, the best of all constants, in nats."""
    prevalence = _prevalence(labels)
    return float(abs(xlogy(prevalence, prevalence) + xlogy(1 - prevalence, 1 - prevalence)))


def _prevalence(labels: np.ndarray) -> float:
    positive, _ = validate(labels, np.zeros(len(labels)))
    return float(positive.mean())


def ppv_at(sensitivity: float, specificity: float, prevalence: float) -> float:
    """Positive predictive value where another share of eyes is diseased, by Bayes' theorem.

    It assumes that sensitivity and specificity stay the same; a milder spectrum of disease would change them (Altman
    and Bland 1994, BMJ 309:102).

    Args:
        sensitivity: 0-1.
        specificity: 0-1.
        prevalence: Share of diseased eyes, 0-1.

    Returns:
        0-1; NaN where no eye would be called positive, or an argument is NaN.
    """
    true_positives, false_positives = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    return _share(true_positives, true_positives + false_positives)
