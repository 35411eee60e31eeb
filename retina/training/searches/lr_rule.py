"""How a learning-rate range test is read: a smoothed curve, when it has diverged, and the rate that it suggests.

The test is Smith's (2017, "Cyclical learning rates for training neural networks", WACV, arXiv 1506.01186, section
3.3): the rate grows while the loss is watched. Smith reads two rates off by eye; the rule here is that of Howard and
Gugger (2020, "fastai: a layered API for deep learning", Information 11:108, its `minimum`): a tenth of the rate at
which the smoothed loss is lowest. The other common rule, the steepest descent, looks at differences of
neighbouring losses, so that one lucky batch decides; the place of a minimum needs the whole curve to be wrong.
"""

import math
from typing import NamedTuple

import numpy as np

DIVIDE = 10.0
"""The rule's safety: at the minimum itself the loss is about to rise."""
WIDTH = 0.05
"""Standard deviation of the smoothing, as a share of the range's steps: wide enough for the noise of batches, a third
of a decade in the usual range of seven."""
MEMORY = 0.9
"""Decay of the running mean that watches for divergence."""
EXPLODED = 4.0
"""A running mean this many times its lowest value has diverged (Howard and Gugger's bound)."""
LEAST_STEPS = 10
"""Of fewer losses no curve can be made."""
FALL = 0.02
"""Share of its first value by which the smoothed loss must fall, and"""
ERRORS = 3.0
"""the standard errors of that fall: less is a flat curve, whose lowest place is chance."""


class Suggestion(NamedTuple):
    """What a curve suggests.

    Attributes:
        rate: The rate to try, or `None` where the loss does not clearly fall.
        lowest: The step, from 0, at which the smoothed loss is lowest.
        at_end: The loss was lowest at the last step, so that the range ended before it rose: the rate is a lower bound.
    """

    rate: float | None
    lowest: int
    at_end: bool


def rates(low: float, high: float, steps: int) -> np.ndarray:
    """The learning rates of the steps, (steps,) float64, each the same factor above the one before.

    Args:
        low: The first, > 0.
        high: The last, > `low`.
        steps: At least 2.
    """
    return np.geomspace(low, high, steps)


def smooth(losses: np.ndarray, steps: int) -> np.ndarray:
    """Losses (N,) averaged with their neighbours by Gaussian weights, (N,) float64.

    A running mean would lag behind and find the minimum too late; this one looks both ways.

    Args:
        losses: (N,) finite.
        steps: Steps of the whole range, which set the width; N may be fewer.
    """
    places = np.arange(len(losses))
    width = max(1.0, WIDTH * steps)
    weights = np.exp(-0.5 * ((places[:, None] - places) / width) ** 2)
    return (weights * np.asarray(losses, np.float64)).sum(axis=1) / weights.sum(axis=1)


class DivergenceDetector:
    """Detects, step by step, when the loss has diverged."""

    def __init__(self) -> None:
        self.mean = 0.0
        self.seen = 0
        self.lowest = math.inf

    def diverged(self, loss: float) -> bool:
        """Whether this loss is not finite, or its running mean is more than `EXPLODED` times its lowest value."""
        if not math.isfinite(loss):
            return True
        self.seen += 1
        self.mean = MEMORY * self.mean + (1 - MEMORY) * loss
        # A running mean that starts at 0 is too low at first; this undoes it, as in Adam.
        mean = self.mean / (1 - MEMORY**self.seen)
        self.lowest = min(self.lowest, mean)
        return self.seen > LEAST_STEPS and mean > EXPLODED * self.lowest


def suggest(rates: np.ndarray, losses: np.ndarray, steps: int) -> Suggestion:
    """The rate that a curve suggests: a tenth of that at which the smoothed loss is lowest.

    Args:
        rates: (N,) the learning rates, rising.
        losses: (N,) the training losses, finite, > 0.
        steps: Steps of the whole range.

    Returns:
        No rate where the smoothed loss never falls by `FALL` of its first value and by `ERRORS` standard errors, where
        it is lowest so early that the rate would lie below the range, or where there are fewer than `LEAST_STEPS`.
    """
    if len(losses) < LEAST_STEPS:
        return Suggestion(None, 0, at_end=False)
    smoothed = smooth(losses, steps)
    lowest = int(np.argmin(smoothed))
    fall = smoothed[0] - smoothed[lowest]
    fell = fall > max(FALL * smoothed[0], ERRORS * fall_error(losses, smoothed, steps))
    rate = float(rates[lowest]) / DIVIDE
    if not fell or rate < rates[0]:
        return Suggestion(None, lowest, at_end=False)
    return Suggestion(rate, lowest, at_end=lowest == len(losses) - 1)


def fall_error(losses: np.ndarray, smoothed: np.ndarray, steps: int) -> float:
    """The standard error of the fall from the first smoothed loss to another: of a half window and a whole one.

    The noise of single batches is 1.4826 times the median distance from the curve, which a few losses near divergence
    do not inflate. A Gaussian window of standard deviation w averages 2 sqrt(pi) w batches' worth.
    """
    # 1.4826 is 1 over the upper quartile of the standard normal distribution: the median distance of normal noise is
    # that much smaller than its standard deviation.
    noise = 1.4826 * float(np.median(np.abs(np.asarray(losses) - smoothed)))
    batches = 2 * math.sqrt(math.pi) * max(1.0, WIDTH * steps)
    # The first loss has neighbours on one side alone: half the batches, twice the variance.
    return noise * math.sqrt(1 / batches + 2 / batches)
