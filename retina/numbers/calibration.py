"""Whether probabilities are right: reliability, calibration error, and recalibration on validation.

Bins hold equal numbers of images. A network's probabilities are mostly near 0 and 1 and RFMiD's positives are 79 %, so
that bins of equal width, the older method (Naeini et al. 2015, AAAI 29:2901-2907), are almost empty in the middle and
say nothing there; equal counts estimate the error with less bias (Nixon et al. 2019, CVPR Workshops; Roelofs et al.
2022, AISTATS). The error of any binning depends on the bins and hides what happens within them (Kumar, Liang and Ma
2019, NeurIPS), and it is never 0 in a finite set. So it is always given with the band that a perfectly calibrated model
would have.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import expit

from retina.numbers.metrics import validate
from retina.numbers.statistics import wilson

if TYPE_CHECKING:
    import pandas as pd

BINS = 10
DRAWS = 2000
TEMPERATURES = (1e-6, 1e6)
"""The range in which a temperature is searched for; there is none where the likelihood is best outside of it."""


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> "pd.DataFrame":
    """What a reliability diagram shows: in each bin, the mean probability against the share that was diseased.

    Images are put in order of probability and cut into `bins` equal parts. Images of equal probability stay together,
    so that there can be fewer bins, down to one.

    Args:
        labels: (N,) 0 or 1.
        probabilities: (N,) 0-1.
        bins: At least 1.

    Returns:
        One row a bin, ascending: `bin` (from 1), `lower_edge`, `upper_edge` (halfway between the images on either
        side of the cut; the first is 0, the last 1), `images`, `mean_probability`, `observed` (share diseased), `low`
        and `high` (95 % Wilson interval of `observed`).

    Raises:
        ValueError: labels and probabilities differ in length, a label is neither 0 nor 1, or a probability is not
            between 0 and 1.
    """
    import pandas as pd

    positive, probabilities = _validate(labels, probabilities)
    order = np.argsort(probabilities, kind="stable")
    ascending, starts = probabilities[order], _starts(np.sort(probabilities), bins)
    images = np.diff([*starts, len(order)])
    diseased = np.add.reduceat(positive[order].astype(np.int64), starts)
    cuts = (ascending[starts[1:] - 1] + ascending[starts[1:]]) / 2
    low, high = zip(*(wilson(int(hits), int(total)) for hits, total in zip(diseased, images, strict=True)), strict=True)
    return pd.DataFrame(
        {
            "bin": np.arange(1, len(starts) + 1),
            "lower_edge": [0.0, *cuts],
            "upper_edge": [*cuts, 1.0],
            "images": images,
            "mean_probability": np.add.reduceat(ascending, starts) / images,
            "observed": diseased / images,
            "low": low,
            "high": high,
        }
    )


def _validate(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check as `metrics.validate` does, and make sure that probabilities are between 0 and 1."""
    positive, probabilities = validate(labels, probabilities)
    if probabilities.min() < 0 or probabilities.max() > 1:
        raise ValueError(f"probabilities lie between 0 and 1: {probabilities.min()} to {probabilities.max()}")
    return positive, probabilities


def _starts(ascending: np.ndarray, bins: int) -> np.ndarray:
    """Where each bin begins among ascending probabilities; a cut between equal ones moves to the first of them."""
    even = np.arange(bins) * len(ascending) // bins
    return np.unique(np.searchsorted(ascending, ascending[even], "left"))


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> float:
    """Mean over the bins of `reliability`, weighted by their images, of |share diseased - mean probability|.

    Args:
        labels: (N,) 0 or 1.
        probabilities: (N,) 0-1.
        bins: At least 1, of equal counts.

    Returns:
        0-1; NaN where a probability is NaN, as after a recalibration that could not be fitted.

    Raises:
        ValueError: as in `reliability`.
    """
    if np.isnan(probabilities).any():
        return math.nan
    positive, probabilities = _validate(labels, probabilities)
    order = np.argsort(probabilities, kind="stable")
    ascending = probabilities[order]
    differences = np.add.reduceat(positive[order] - ascending, _starts(ascending, bins))
    return float(np.abs(differences).sum() / len(ascending))


def calibrated_band(
    probabilities: np.ndarray, bins: int = BINS, draws: int = DRAWS, seed: int = 0
) -> tuple[float, float]:
    """The calibration errors to expect if every probability were right: an error in this band is no sign of a fault.

    Outcomes are drawn from the probabilities themselves, `draws` times (Broecker and Smith 2007, Weather Forecast
    22:651-661; Vaicenavicius et al. 2019, AISTATS). Of each bin only the number of its diseased images counts, so that
    this number is drawn, from its own distribution.

    Args:
        probabilities: (N,) 0-1.
        bins: At least 1, of equal counts.
        draws: Sets of outcomes, at least 1.
        seed: The same seed and probabilities give the same band.

    Returns:
        The 2.5th and 97.5th percentile, 0-1; NaN where a probability is NaN.

    Raises:
        ValueError: a probability is not between 0 and 1.
    """
    if np.isnan(probabilities).any():
        return math.nan, math.nan
    _, probabilities = _validate(np.zeros(len(probabilities)), probabilities)
    ascending, stream = np.sort(probabilities), np.random.default_rng(seed)
    errors = np.zeros(draws)
    for part in np.split(ascending, _starts(ascending, bins)[1:]):
        up_to = np.cumsum(_chances(part))
        diseased = np.searchsorted(up_to, stream.random(draws) * up_to[-1], "right")
        errors += np.abs(diseased - part.sum())
    low, high = np.quantile(errors / len(ascending), (0.025, 0.975))
    return float(low), float(high)


def _chances(probabilities: np.ndarray) -> np.ndarray:
    """How likely 0, 1, ... n of n images are diseased, given each one's probability: (n + 1,), its sum 1.

    The Poisson binomial distribution, as the product of the polynomials 1 - p + p x, which are multiplied in pairs by
    Fourier transforms (Biscarri, Zhao and Brunner 2018, Comput Stat Data Anal 122:92-100).
    """
    factors = np.stack([1 - probabilities, probabilities], axis=1)
    while len(factors) > 1:
        if len(factors) % 2:
            factors = np.concatenate([factors, np.eye(1, factors.shape[1])])  # one more factor, of 1
        length = 2 * factors.shape[1] - 1
        spectra = np.fft.rfft(factors, length)
        factors = np.fft.irfft(spectra[::2] * spectra[1::2], length)
    return np.clip(factors[0, : len(probabilities) + 1], 0, None)  # rounding can leave a chance below 0


def fit_temperature(labels: np.ndarray, logits: np.ndarray) -> float:
    """The temperature that makes validation likeliest: logit / T (Guo et al. 2017, ICML, PMLR 70:1321-1330).

    Args:
        labels: (N,) 0 or 1, of validation images.
        logits: (N,) finite.

    Returns:
        T > 0: above 1 the model was over-confident. NaN where there is no such T: a class is missing; the sign of
        the logit is right for every image, so that a smaller T is always likelier; or the logits are wrong so often
        that a larger T is always likelier.

    Raises:
        ValueError: labels and logits differ in length, a label is neither 0 nor 1, or a logit is not finite.
    """
    positive, logits = validate(labels, logits)
    if positive.all() or not positive.any():
        return math.nan
    margins = np.where(positive, logits, -logits)

    def slope(log_inverse: float) -> float:
        """Derivative of the mean log-likelihood by 1 / T; it falls as 1 / T grows, the likelihood being concave."""
        return float(np.mean(margins * expit(-margins * math.exp(log_inverse))))

    coldest, hottest = (-math.log(limit) for limit in TEMPERATURES)
    # The slope falls, so it crosses 0 within the range only where its two ends have different signs.
    if slope(hottest) <= 0 or slope(coldest) >= 0:
        return math.nan
    return math.exp(-brentq(slope, hottest, coldest, xtol=1e-12))


def fit_platt(labels: np.ndarray, logits: np.ndarray) -> tuple[float, float]:
    """Slope and intercept that make validation likeliest: logit -> slope * logit + intercept.

    Platt 1999 (Advances in Large Margin Classifiers, 61-74), with his targets: (m + 1) / (m + 2) for each of the m
    diseased and 1 / (n + 2) for each of the n healthy images in place of 1 and 0, which keep the slope finite where the
    logits separate the classes without an error (Lin, Lin and Weng 2007, Mach Learn 68:267-276).

    Args:
        labels: (N,) 0 or 1, of validation images.
        logits: (N,) finite.

    Returns:
        Both NaN where a class is missing or all logits are equal. The slope is below 0 where the logits rank healthy
        eyes above diseased ones; it reverses the ranking.

    Raises:
        ValueError: as in `fit_temperature`.
    """
    positive, logits = validate(labels, logits)
    diseased = int(positive.sum())
    healthy, spread = len(positive) - diseased, float(logits.std())
    # Not the deviation, which rounding can leave above 0 where all logits are equal.
    if diseased == 0 or healthy == 0 or np.ptp(logits) == 0:
        return math.nan, math.nan
    target = np.where(positive, (diseased + 1) / (diseased + 2), 1 / (healthy + 2))
    centre = float(logits.mean())
    # Standardised logits: the solver's step and tolerance then suit logits of any scale.
    design = np.stack([(logits - centre) / spread, np.ones(len(logits))])
    solution = minimize(
        # Cross-entropy with a target t between 0 and 1, of a logit z: log(1 + e^z) - t z, without overflow.
        lambda weights: float(np.mean(np.logaddexp(0, weights @ design) - target * (weights @ design))),
        np.zeros(2),
        jac=lambda weights: design @ (expit(weights @ design) - target) / len(target),
        hess=lambda weights: (design * _variance(weights @ design)) @ design.T / len(target),
        method="trust-exact",
        options={"gtol": 1e-10},
    )
    slope = float(solution.x[0]) / spread
    return slope, float(solution.x[1]) - slope * centre


def _variance(logits: np.ndarray) -> np.ndarray:
    """Each logit's p (1 - p), p its probability, without cancellation."""
    return expit(logits) * expit(-logits)


def recalibrate(logits: np.ndarray, slope: float, intercept: float = 0.0) -> np.ndarray:
    """Recalibrate logits: slope * logit + intercept; a temperature T is a slope of 1 / T.

    Args:
        logits: (N,).
        slope: See `fit_platt`; NaN where it could not be fitted.
        intercept: The same.

    Returns:
        (N,) float64, all NaN where slope or intercept is.
    """
    return slope * np.asarray(logits, np.float64) + intercept
