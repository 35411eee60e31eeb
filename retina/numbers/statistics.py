"""How sure a number is, and whether two differ: Wilson, DeLong, McNemar, Holm, smallest detectable difference.

Intervals cover 95 %, tests are two-sided. What cannot be computed from the images is NaN; arguments that are wrong
(labels and scores of different lengths, a label of 2) raise ValueError.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import bdtr, erfc, ndtri

from retina.numbers.metrics import validate
from retina.numbers.ranking import outscored

Z95 = float(ndtri(0.975))
DETECTABLE = 2.80
"""The smallest detectable difference in standard errors: a two-sided test at 5 % detects it in 80 % of test sets. It is
the sum of the normal quantiles 1.960 and 0.842 (Bloom 1995, Evaluation Review 19:547-556)."""


class Delong(NamedTuple):
    """An AUROC with its standard error and 95 % interval, 0-1."""

    auroc: float
    standard_error: float
    low: float
    high: float


class PairedDelong(NamedTuple):
    """The difference of two AUROCs, a minus b, with its 95 % interval and two-sided test; or arrays of several."""

    auroc_a: float | np.ndarray
    auroc_b: float | np.ndarray
    difference: float | np.ndarray
    standard_error: float | np.ndarray
    z: float | np.ndarray
    p_value: float | np.ndarray
    low: float | np.ndarray
    high: float | np.ndarray


class Mcnemar(NamedTuple):
    """Images that only a and only b got right, and the exact two-sided p-value; or arrays of several."""

    only_a: int | np.ndarray
    only_b: int | np.ndarray
    p_value: float | np.ndarray


def wilson(successes: int, total: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a proportion (Wilson 1927, JASA 22:209-212).

    Args:
        successes: 0 to `total`.
        total: At least 0.

    Returns:
        Lower and upper bound, 0-1; both NaN where `total` is 0.
    """
    if total == 0:
        return math.nan, math.nan
    share = successes / total
    centre = share + Z95**2 / (2 * total)
    half = Z95 * math.sqrt(share * (1 - share) / total + Z95**2 / (4 * total**2))
    scale = 1 + Z95**2 / total
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


class _Placements(NamedTuple):
    """Twice the number of images of the other class that each image is ranked correctly against, whole numbers.

    They are DeLong's structural components times 2 n and 2 m. Sums of whole numbers are exact in float64, so that two
    models with the same ranking differ by exactly 0, with a standard error of exactly 0.

    Attributes:
        positives: (k, m) float64, 0 to 2 n, for the m diseased images.
        negatives: (k, n) float64, 0 to 2 m, for the n healthy images.
    """

    positives: np.ndarray
    negatives: np.ndarray

    def aurocs(self) -> np.ndarray:
        """(k,) float64, 0-1, or NaN where one class is missing."""
        pairs = self.positives.shape[1] * self.negatives.shape[1]
        return self.positives.sum(axis=1) / (2 * pairs) if pairs else np.full(len(self.positives), np.nan)

    def standard_errors(self) -> np.ndarray:
        """(k,) float64, at least 0, or NaN where a class has fewer than two images."""
        m, n = self.positives.shape[1], self.negatives.shape[1]
        if min(m, n) < 2:  # noqa: PLR2004 - a variance needs two
            return np.full(len(self.positives), np.nan)
        first, second = self.positives.var(axis=1, ddof=1), self.negatives.var(axis=1, ddof=1)
        return np.sqrt(first / (4.0 * n**2 * m) + second / (4.0 * m**2 * n))


def _placements(labels: np.ndarray, scores: np.ndarray) -> _Placements:
    """Placements of (k, N) scores, O(k N log N), as by midranks (Sun and Xu 2014, IEEE Signal Process Lett 21:1389)."""
    positive, scores = validate(labels, scores)
    diseased, healthy = scores[:, positive], scores[:, ~positive]
    placed = _Placements(np.empty(diseased.shape), np.empty(healthy.shape))
    for row in range(len(scores)):
        placed.positives[row] = outscored(diseased[row], healthy[row])
        placed.negatives[row] = 2 * diseased.shape[1] - outscored(healthy[row], diseased[row])
    return placed


def delong(labels: np.ndarray, scores: np.ndarray) -> Delong:
    """AUROC with DeLong's standard error (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837-845).

    The interval is auroc +- 1.96 standard errors, cut at 0 and 1, as in the published references, so that the numbers
    can be compared. It is too narrow close to 0 and 1, and with few images of a class.

    Args:
        labels: (N,) 0 or 1.
        scores: (N,) finite; larger means more likely diseased.

    Returns:
        AUROC is NaN where a class is missing; the standard error where a class has fewer than two images; the
        interval also where the standard error is 0, as at an AUROC of exactly 1: a sample without spread says nothing
        about the true spread.

    Raises:
        ValueError: labels and scores differ in length, a label is neither 0 nor 1, or a score is not finite.
    """
    placements = _placements(labels, np.asarray(scores)[None])
    area, error = float(placements.aurocs()[0]), float(placements.standard_errors()[0])
    return Delong(area, error, *map(float, _interval(area, error, lowest=0.0)))


def _interval(value: np.ndarray, error: np.ndarray, lowest: float) -> tuple[np.ndarray, np.ndarray]:
    half = np.where(np.greater(error, 0), Z95 * error, math.nan)
    return np.maximum(lowest, value - half), np.minimum(1.0, value + half)


def delong_covariance(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The AUROCs of many models on the same images, and DeLong's covariance of their errors.

    Args:
        labels: (N,) 0 or 1.
        scores: (k, N) finite, one row a model.

    Returns:
        AUROCs (k,) and covariance (k, k), float64; NaN as in `delong`.

    Raises:
        ValueError: as in `delong`.
    """
    placements = _placements(labels, scores)
    m, n = placements.positives.shape[1], placements.negatives.shape[1]
    if min(m, n) < 2:  # noqa: PLR2004 - a variance needs two
        return placements.aurocs(), np.full((len(placements.positives),) * 2, np.nan)
    first, second = (np.atleast_2d(np.cov(rows)) for rows in placements)  # of one model `cov` is a single number
    return placements.aurocs(), first / (4.0 * n**2 * m) + second / (4.0 * m**2 * n)


def paired_delong(labels: np.ndarray, scores_a: np.ndarray, scores_b: np.ndarray) -> PairedDelong:
    """DeLong's test that two models have the same AUROC, for scores of the same images.

    Args:
        labels: (N,) 0 or 1.
        scores_a: (N,) finite; larger means more likely diseased. Only the order counts.
        scores_b: (N,) the same for the other model.

    Returns:
        Difference, standard error and z are 0 and p is 1 where the models rank all images alike. z and p are NaN where
        another difference has no spread, or a class has fewer than two images. The interval is cut at -1 and 1, and
        NaN where the standard error is 0 or NaN.

    Raises:
        ValueError: as in `delong`.
    """
    labels, a, b = np.asarray(labels), np.asarray(scores_a), np.asarray(scores_b)
    if a.shape != labels.shape or b.shape != labels.shape:
        raise ValueError(f"one score an image is needed: {labels.shape} labels, {a.shape} and {b.shape} scores")
    return PairedDelong(*(float(column[0]) for column in next(paired_delong_rest(labels, np.stack([a, b])))))


def paired_delong_rest(labels: np.ndarray, scores: np.ndarray) -> Iterator[PairedDelong]:
    """`paired_delong` of each row of (k, N) scores with all rows after it; every row is ranked once.

    Yields:
        k - 1 times: the fields of row i with rows i + 1 to k - 1 as model b, arrays (k - 1 - i,) float64.
    """
    placements = _placements(labels, scores)
    areas = placements.aurocs()
    for i in range(len(areas) - 1):
        errors = _Placements(*(rows[i] - rows[i + 1 :] for rows in placements)).standard_errors()
        yield _compare(np.full(len(errors), areas[i]), areas[i + 1 :], errors)


def _compare(a: np.ndarray, b: np.ndarray, error: np.ndarray) -> PairedDelong:
    difference = a - b
    z = np.where((error == 0) & (difference == 0), 0.0, math.nan)
    np.divide(difference, error, out=z, where=error > 0)
    p_value = erfc(np.abs(z) / math.sqrt(2))
    return PairedDelong(a, b, difference, error, z, p_value, *_interval(difference, error, lowest=-1.0))


def smallest_detectable(standard_error: float | np.ndarray) -> float | np.ndarray:
    """The true difference that a two-sided test at 5 % would detect in 80 % of test sets like this one.

    Args:
        standard_error: Of the paired difference, one or an array; the result has its unit. NaN and 0 (models that rank
            all images alike, whose spread is unknown) give NaN.
    """
    return DETECTABLE * np.where(np.greater(standard_error, 0), standard_error, math.nan)


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray) -> Mcnemar:
    """The exact test that two models are right equally often on the same images (McNemar 1947, Psychometrika 12:153).

    It is a binomial test: an image that only one model got right is as likely to be model a's as model b's.

    Args:
        correct_a: (N,) bool, whether a called the image correctly.
        correct_b: (N,) bool, the same for b; (r, N) where a is compared with several models.

    Returns:
        Both counts, and p, which is 1 where the models disagree on no image; (r,) each for several models.

    Raises:
        ValueError: the lengths differ.
    """
    a, b = np.asarray(correct_a, bool), np.asarray(correct_b, bool)
    if a.shape != b.shape[-1:]:
        raise ValueError(f"both models answer the same images: {a.shape} and {b.shape}")
    only_a, only_b = np.count_nonzero(a & ~b, axis=-1), np.count_nonzero(b & ~a, axis=-1)
    tail = bdtr(np.minimum(only_a, only_b), only_a + only_b, 0.5)
    return Mcnemar(only_a, only_b, np.minimum(1.0, 2 * tail))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's step-down adjusted p-values, which hold the family-wise error (Holm 1979, Scand J Stat 6:65-70).

    Args:
        p_values: (K,) 0-1. A NaN is a test that was not made: it is no member of the family and stays NaN.

    Returns:
        (K,) float64, in the order given; each at least its p-value, at most 1.
    """
    raw = np.asarray(p_values, np.float64)
    adjusted = np.full(raw.shape, np.nan)
    family = np.flatnonzero(~np.isnan(raw))
    order = family[np.argsort(raw[family], kind="stable")]
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raw[order] * np.arange(len(order), 0, -1)))
    return adjusted
