"""Rules on images that were not trained on: best epoch, overfitting, over-confidence, lost ranking."""

import math
from dataclasses import dataclass

import numpy as np

from retina.analysis.diagnosis.curve import Curve
from retina.analysis.diagnosis.evidence import auroc_error, clearly_above, fits_training, ranks
from retina.analysis.diagnosis.finding import Finding
from retina.analysis.diagnosis.shape import SHORTEST, levels, noise
from retina.analysis.diagnosis.stability import collapse

LEAST_RISE = math.log(1.05)  # 5 %: a smaller rise of the loss is no reason to act, however certain it is
SURE = 3.0  # standard deviations of the curve's own scatter: the lowest of ten epochs lies 1.5 below their mean
STRETCH = 2  # epochs: one alone is a bump
STRETCH_SHARE = 1 / 3  # of the epochs after the minimum: a shorter stretch, late in a long run, may be chance
TRAINED_ON = math.log(1.10)  # 10 %: how far training loss must fall after the best epoch for mild overfitting
FLAT = 1.0  # standard errors of the AUROC that count as "holds"
LOST = 2.0  # standard errors of the AUROC that count as a loss


@dataclass(frozen=True)
class Departure:
    """Where a validation loss leaves its minimum for good.

    Args:
        best: Epoch of the minimum.
        onset: First epoch of the last unbroken stretch, up to the end, spent above the minimum by the margin.
        margin: The margin, log units.
    """

    best: int
    onset: int
    margin: float


def departure(curve: Curve) -> Departure | None:
    """Where the validation loss leaves its minimum for good, or `None` where it does not.

    It leaves it for good where it stays above it, to the end, for at least two epochs and a third of those after the
    minimum, by more than 5 % and more than three standard deviations of its own scatter.
    """
    if len(curve) < SHORTEST or curve.best is None:
        return None
    logs = np.log(levels(curve.val_loss))
    margin = max(LEAST_RISE, SURE * noise(curve.val_loss))
    near = np.flatnonzero(logs - logs[curve.best - 1] < margin)
    # `near` counts from 0 and epochs from 1: the epoch after the last near one. The minimum itself is always near.
    onset = int(near[-1]) + 2
    if len(curve) - onset + 1 < max(STRETCH, STRETCH_SHARE * (len(curve) - curve.best)):
        return None
    return Departure(curve.best, onset, margin)


def rise(curve: Curve, epoch: int, since: int) -> float:
    """The rise of validation loss between two epochs, as a share of the earlier: 0.5 from 0.4 to 0.6."""
    level = levels(curve.val_loss)
    return float(level[epoch - 1] / level[since - 1] - 1)


def stuck(curve: Curve) -> bool:
    """Whether nothing was learned: validation loss only rose, and accuracy was never clearly above the majority guess.

    Rose: it was lowest after the first of at least four epochs, and ends 5 % or more above that. Such a curve does not
    swing, and is not called steady for that.
    """
    if any(clearly_above(float(value), curve.images, curve.majority) for value in curve.val_accuracy):
        return False
    return curve.best == 1 and len(curve) >= SHORTEST and rise(curve, len(curve), 1) >= math.expm1(LEAST_RISE)


def best_epoch(curve: Curve) -> Finding | None:
    """The first epoch with the lowest validation loss. Its weights are the ones that retina keeps."""
    if curve.best is None:
        return None
    numbers = {"epoch": curve.best, "epochs_run": len(curve), "val_loss": curve.at("val_loss", curve.best)}
    metrics = {name: curve.at(name, curve.best) for name in ("val_accuracy", "val_auroc")}
    is_known = not any(math.isnan(value) for value in metrics.values())
    key = "best_epoch.metrics" if is_known else "best_epoch.loss"
    return Finding.make("info", key, [curve.best], **numbers, **(metrics if is_known else {}))


def overfitting(curve: Curve) -> Finding | None:
    """Validation loss leaves its minimum for good while training loss still falls.

    For good: from the onset to the end, two epochs at least and a third of those after the minimum, it stays above its
    minimum by more than 5 % and by more than three standard deviations of its own scatter (median distance of an epoch
    from the mean of its neighbours over 0.83, in log units). Falling: training loss of
    that stretch is on average below that of the best epoch, and its mean training accuracy is clearly above the
    majority guess (Wilson 95 % interval). Size: the last validation loss against the lowest.
    """
    leaving = departure(curve)
    if leaving is None or not fits_training(curve, leaving.onset):
        return None
    if curve.train_loss[leaving.onset - 1 :].mean() >= curve.at("train_loss", leaving.best):
        return None
    stopped = curve.status == "stopped_early"
    return Finding.make(
        "warning",
        ("overfitting.rise", "overfitting.kept" if stopped else "overfitting.stop"),
        range(leaving.onset, len(curve) + 1),
        best=leaving.best,
        onset=leaving.onset,
        last=len(curve),
        margin=math.expm1(leaving.margin),
        val_best=curve.at("val_loss", leaving.best),
        val_last=curve.at("val_loss", len(curve)),
        rise=rise(curve, len(curve), leaving.best),
        train_best=curve.at("train_loss", leaving.best),
        train_last=curve.at("train_loss", len(curve)),
    )


def mild_overfitting(curve: Curve) -> Finding | None:
    """Training loss still falls while validation loss no longer does, though that stays within its own scatter.

    Not `overfitting`, but there are at least two epochs after the best one; their median validation loss lies more
    than 5 % above the lowest, while training loss fell by a further tenth from the best epoch to the last. Something
    was learned: the AUROC of the best epoch lies above 0.5 by more than 1.96 standard errors, and the mean training
    accuracy after it is clearly above the majority guess. A curve that collapses is not called mild.
    """
    best = curve.best
    if len(curve) < SHORTEST or best is None or len(curve) - best < STRETCH:
        return None
    if not (ranks(curve, best) and fits_training(curve, best + 1)) or overfitting(curve) or collapse(curve):
        return None
    median = float(np.median(levels(curve.val_loss)[best:]))
    above = median / float(levels(curve.val_loss)[best - 1]) - 1
    train = levels(curve.train_loss)
    fall = 1 - float(train[-1] / train[best - 1])
    if math.log1p(above) < LEAST_RISE or -math.log1p(-fall) < TRAINED_ON:
        return None
    return Finding.make(
        "info",
        "mild_overfitting.said",
        range(best + 1, len(curve) + 1),
        best=best,
        val_best=curve.at("val_loss", best),
        above=above,
        scatter=math.expm1(noise(curve.val_loss)),
        fall=fall,
        train_best=curve.at("train_loss", best),
        train_last=curve.at("train_loss", len(curve)),
    )


@dataclass(frozen=True)
class Ranking:
    """The validation AUROC before and after the loss left its minimum: at the best epoch, mean from the onset on."""

    departure: Departure
    before: float
    after: float
    error: float

    @property
    def fall(self) -> float:
        """The fall, in standard errors of the AUROC at the best epoch."""
        return (self.before - self.after) / self.error


def ranking(curve: Curve) -> Ranking | None:
    """The AUROC before and after overfitting set in; `None` without it, or where the AUROC is like 0.5."""
    leaving = departure(curve)
    if overfitting(curve) is None or leaving is None:
        return None
    before, after = curve.at("val_auroc", leaving.best), float(curve.val_auroc[leaving.onset - 1 :].mean())
    error = auroc_error(before, curve.positives, curve.images - curve.positives)
    is_known = ranks(curve, leaving.best) and error > 0 and not math.isnan(after)
    return Ranking(leaving, before, after, error) if is_known else None


def over_confidence(curve: Curve) -> Finding | None:
    """Overfitting in the probabilities, not in the order: validation loss rises while validation AUROC holds.

    Holds: its mean from the onset to the end is less than one standard error (Hanley and McNeil 1982) below its value
    at the best epoch, which lies above 0.5 by more than 1.96 of them. What Guo et al. 2017 (arXiv 1706.04599) see in
    deep networks: the log-loss is overfitted while the classification is not.
    """
    order = ranking(curve)
    if order is None or order.fall >= FLAT:
        return None
    return _ranking_finding("over_confidence", curve, order)


def lost_ranking(curve: Curve) -> Finding | None:
    """Overfitting that costs the order too: the mean validation AUROC from the onset is two standard errors lower."""
    order = ranking(curve)
    if order is None or order.fall <= LOST:
        return None
    return _ranking_finding("lost_ranking", curve, order)


def _ranking_finding(rule: str, curve: Curve, order: Ranking) -> Finding:
    """Either finding on the ranking, with the same evidence."""
    return Finding.make(
        "warning",
        f"{rule}.said",
        range(order.departure.onset, len(curve) + 1),
        best=order.departure.best,
        onset=order.departure.onset,
        rise=rise(curve, len(curve), order.departure.best),
        auroc_best=order.before,
        auroc_after=order.after,
        error=order.error,
    )
