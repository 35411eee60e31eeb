"""The stratified bootstrap of the AUROC: every model on the same resamples, so that differences are paired.

A resample draws as many diseased and as many healthy images as there are, with replacement, within each class. It is
stored as the number of times each image was drawn. With the healthy images in the order of a model's scores, running
sums of those numbers give how many healthy images each diseased one outscores: exact, O(draws x images) a model, and
in memory that does not grow with the number of images squared, of draws or of models.

The resamples depend on the order of the images: the same images in another order are resampled differently.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from retina.numbers.metrics import validate

DRAWS = 2000
CHUNK = 128
"""Resamples held at a time: the running sums of 640 images stay in a processor's cache. Results do not depend on it."""


class PairedBootstrap(NamedTuple):
    """95 % percentile interval of a difference a minus b, and its two-sided p-value; one number or an array each."""

    low: float | np.ndarray
    high: float | np.ndarray
    p_value: float | np.ndarray


class Resamples(NamedTuple):
    """How often each image was drawn in each of c resamples.

    Attributes:
        positives: (m, c) float64, whole numbers; each column sums to m, the diseased images.
        negatives: (n, c) float64, whole numbers; each column sums to n, the healthy images.
    """

    positives: np.ndarray
    negatives: np.ndarray


def resamples(positives: int, negatives: int, draws: int, seed: int) -> Iterator[Resamples]:
    """`draws` stratified resamples, at most `CHUNK` at a time. Each class has a random stream of its own.

    Args:
        positives: Diseased images, at least 1.
        negatives: Healthy images, at least 1.
        draws: At least 1.
        seed: At least 0.
    """
    streams = [np.random.default_rng(stream) for stream in np.random.SeedSequence(seed).spawn(2)]
    for start in range(0, draws, CHUNK):
        columns = min(CHUNK, draws - start)
        yield Resamples(
            *(_counts(stream, size, columns) for stream, size in zip(streams, (positives, negatives), strict=True))
        )


def _counts(stream: np.random.Generator, size: int, columns: int) -> np.ndarray:
    """How often each of `size` images is drawn in each of `columns` resamples: (size, columns) float64."""
    # Image i of resample c has the number i * columns + c, so that one bincount serves all resamples.
    numbers = stream.integers(0, size, (columns, size)) * columns + np.arange(columns)[:, None]
    return np.bincount(numbers.ravel(), minlength=size * columns).reshape(size, columns).astype(np.float64)


def bootstrap_aurocs(labels: np.ndarray, scores: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """The AUROC of every model in every resample (Efron and Tibshirani 1993, An Introduction to the Bootstrap).

    Row i minus row j are the paired differences of models i and j.

    Args:
        labels: (N,) 0 or 1.
        scores: (k, N) finite, one row a model; larger means more likely diseased.
        draws: Resamples, at least 1.
        seed: The same seed and images give the same resamples.

    Returns:
        (k, draws) float64, 0-1; NaN throughout where a class is missing.

    Raises:
        ValueError: labels and scores differ in length, a label is neither 0 nor 1, or a score is not finite.
    """
    positive, scores = validate(labels, scores)
    m, n = int(positive.sum()), int((~positive).sum())
    aurocs = np.full((len(scores), draws), np.nan)
    if m == 0 or n == 0:
        return aurocs
    ranks = [_ranks(row[positive], row[~positive]) for row in scores]
    start = 0
    for chunk in resamples(m, n, draws, seed):
        columns = chunk.positives.shape[1]
        running = np.zeros((n + 1, columns))
        for row, (order, below, up_to) in zip(aurocs, ranks, strict=True):
            np.cumsum(chunk.negatives[order], axis=0, out=running[1:])
            # Twice the pairs won: each pair below, and each not above, counts once, so that a tie counts one half.
            wins = np.einsum("ij,ij->j", chunk.positives, running[below] + running[up_to])
            row[start : start + columns] = wins / (2 * m * n)
        start += columns
    return aurocs


def _ranks(diseased: np.ndarray, healthy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The healthy images in ascending order, and how many of them score below, and not above, each diseased one."""
    order = np.argsort(healthy, kind="stable")
    ascending = healthy[order]
    return order, np.searchsorted(ascending, diseased, "left"), np.searchsorted(ascending, diseased, "right")


def percentile_interval(values: np.ndarray) -> tuple[float, float]:
    """The 2.5th and 97.5th percentile of bootstrap values (Efron 1981, Can J Stat 9:139-158).

    Percentiles between two values are interpolated linearly. The interval is slightly too narrow for few images.

    Args:
        values: (draws,) float; at least one.

    Returns:
        The lower and the upper bound, in the unit of the values; both NaN where a value is NaN.
    """
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def paired_bootstrap(values_a: np.ndarray, values_b: np.ndarray) -> PairedBootstrap:
    """The difference of two models over shared resamples.

    The p-value is the level at which the percentile interval first touches 0: twice the share of differences on the
    rarer side of 0. Differences of exactly 0 count on both sides, and one more resample is counted on the rarer side
    (Davison and Hinkley 1997, Bootstrap Methods and their Application, ch. 4), so that the p-value is never 0. It is at
    least 2 / (draws + 1), and a coarser measure than DeLong's test.

    Args:
        values_a: (draws,) values of model a, a row of `bootstrap_aurocs`.
        values_b: (draws,) the same resamples for model b; (r, draws) where a is compared with several models.

    Returns:
        Interval and p-value, all NaN where a value is NaN; (r,) each for several models.

    Raises:
        ValueError: the lengths differ.
    """
    a, b = np.asarray(values_a), np.asarray(values_b)
    if a.shape != b.shape[-1:]:
        raise ValueError(f"paired values come from shared resamples: {a.shape} and {b.shape}")
    difference = a - b
    low, high = np.quantile(difference, (0.025, 0.975), axis=-1)
    rarer = np.minimum(np.count_nonzero(difference <= 0, axis=-1), np.count_nonzero(difference >= 0, axis=-1))
    p_value = np.minimum(1.0, 2 * (rarer + 1) / (len(a) + 1))
    return PairedBootstrap(low, high, np.where(np.isnan(low), np.nan, p_value))
