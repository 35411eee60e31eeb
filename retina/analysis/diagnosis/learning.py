"""Rules on how, and whether, the model learns: start, convergence, plateau, underfitting, the majority guess."""

import math

import numpy as np

from retina.analysis.diagnosis.curve import Curve
from retina.analysis.diagnosis.evidence import clearly_above, clearly_below, fits_training, interval, ranks
from retina.analysis.diagnosis.finding import Finding
from retina.analysis.diagnosis.shape import SHORTEST, levels

SLOW = 4  # the first epoch above the majority guess of a slow start: three are spent below it
LATE = 5  # the first epoch clearly above it of a late one
FAST_SHARE = 0.5  # of the whole fall of training loss, in the first of its steps
FAST_FALL = 0.10  # of the first training loss: a smaller fall is no convergence
AT_REST = 4  # epochs that a plateau has to last
REST_BAND = 0.03  # of the loss: how far it moves at rest
PATIENT = 5  # epochs before a rule says that a model does not learn
CONSTANT_SHARE = 0.5  # of the epochs spent on a constant answer
ENOUGH_IMAGES = 20  # on fewer, an accuracy may well equal that of a constant answer by chance


def first_above(curve: Curve) -> int | None:
    """The first epoch whose validation accuracy is above the majority accuracy, or `None`."""
    above = np.flatnonzero(curve.val_accuracy > curve.majority)
    return int(above[0]) + 1 if len(above) else None


def first_clearly_above(curve: Curve) -> int | None:
    """The first epoch whose accuracy has a Wilson 95 % interval above the majority accuracy, or `None`."""
    epochs = range(1, len(curve) + 1)
    clear = (e for e in epochs if clearly_above(curve.at("val_accuracy", e), curve.images, curve.majority))
    return next(clear, None)


def slow_start(curve: Curve) -> Finding | None:
    """Accuracy starts below that of the majority guess, or is clearly above it only late.

    Warning: accuracy starts clearly below the majority accuracy (upper end of its Wilson 95 % interval below it), and
    is above it for the first time at the fourth epoch or later. Information: it does not start so, but is clearly
    above (lower end of the interval) only from the fifth epoch or later. Epochs of the head alone and of the warm-up,
    which are meant to be slow, are not counted. With balanced class weights, which give accuracy at probability 1/2
    away for the smaller class, it is silent.
    """
    if curve.is_balanced:
        return None
    above, clear, opening = first_above(curve), first_clearly_above(curve), curve.opening_epochs
    if above is None or len(curve) < SHORTEST or math.isnan(curve.at("val_accuracy", 1)):
        return None
    below = clearly_below(curve.at("val_accuracy", 1), curve.images, curve.majority) and above >= SLOW + opening
    if not below and (clear is None or clear < LATE + opening):
        return None
    numbers = {
        "first": curve.at("val_accuracy", 1),
        "reached": above,
        "accuracy": curve.at("val_accuracy", above),
        "majority": curve.majority,
        "images": curve.images,
    }
    keys = ["slow_start.below" if below else "slow_start.above", _clearness(above, clear)]
    if clear:
        numbers |= {"clear": clear, "clear_accuracy": curve.at("val_accuracy", clear)}
        numbers |= {"clear_low": interval(curve.at("val_accuracy", clear), curve.images)[0]}
    slow_epochs = range(1, above if below else clear or above)
    return Finding.make("warning" if below else "info", keys, slow_epochs, **numbers)


def _clearness(above: int, clear: int | None) -> str:
    """The sentence on when accuracy was clearly above the majority guess."""
    if clear is None:
        return "slow_start.unclear"
    return "slow_start.clear_at_once" if clear == above else "slow_start.clear"


def fast_convergence(curve: Curve) -> Finding | None:
    """Training loss makes half of its whole fall, and a tenth of its first value at least, in its first step.

    The step is from epoch 1 to epoch 2; the whole fall is from epoch 1 to the lowest training loss. The mean training
    accuracy after the step is clearly above the majority guess: a loss that falls fast to where nothing is learned does
    not converge.
    """
    if len(curve) < SHORTEST or not fits_training(curve, 2):
        return None
    train = levels(curve.train_loss)
    step, fall = float(train[0] - train[1]), float(train[0] - train.min())
    if fall <= 0 or step < FAST_SHARE * fall or step < FAST_FALL * train[0]:
        return None
    numbers = {"train_first": curve.at("train_loss", 1), "train_second": curve.at("train_loss", 2)}
    numbers |= {"step": numbers["train_first"] - numbers["train_second"], "share": step / fall}
    return Finding.make("info", "fast_convergence.said", [1, 2], **numbers)


def rest_band(losses: np.ndarray) -> float:
    """The range of the last four losses, relative to their mean."""
    last = levels(losses)[-AT_REST:]
    return float(np.ptp(last) / last.mean())


def plateau(curve: Curve) -> Finding | None:
    """Training has stopped moving: its last four losses, and those of validation, differ by at most 3 % of their mean.

    Needs six epochs. More epochs at this rate would change nothing; that does not make the result bad.
    """
    if len(curve) < AT_REST + 2:
        return None
    train, validation = rest_band(curve.train_loss), rest_band(curve.val_loss)
    if max(train, validation) > REST_BAND:
        return None
    since = len(curve) - AT_REST + 1
    return Finding.make(
        "info",
        "plateau.said",
        range(since, len(curve) + 1),
        since=since,
        last=len(curve),
        train_band=train,
        val_band=validation,
        train_last=curve.at("train_loss", len(curve)),
        val_last=curve.at("val_loss", len(curve)),
    )


def underfitting(curve: Curve) -> Finding | None:
    """The model does not even fit the training images: accuracy on them never clearly exceeds the majority guess.

    After five epochs or more, the best training accuracy has a Wilson 95 % interval whose lower end lies at or below
    the share of the larger class in training. Says nothing of a loss with class weights: it gives accuracy at a
    probability of 0.5 away for the smaller class.
    """
    if curve.is_balanced:
        return None
    if len(curve) < PATIENT or np.isnan(curve.train_accuracy).any():
        return None
    epoch = int(np.argmax(curve.train_accuracy)) + 1
    best = curve.at("train_accuracy", epoch)
    if clearly_above(best, curve.train_images, curve.train_majority):
        return None
    low, high = interval(best, curve.train_images)
    return Finding.make(
        "warning",
        "underfitting.said",
        [epoch],
        epoch=epoch,
        epochs_run=len(curve),
        accuracy=best,
        low=low,
        high=high,
        majority=curve.train_majority,
        train_first=curve.at("train_loss", 1),
        train_last=curve.at("train_loss", len(curve)),
    )


def constant_epochs(curve: Curve) -> list[int]:
    """Epochs whose accuracy is, to the image, that of giving every image the same answer."""
    answers = (curve.majority * curve.images, (1 - curve.majority) * curve.images)
    right = curve.val_accuracy * curve.images
    same = np.any([np.abs(right - answer) < 0.5 for answer in answers], axis=0)  # noqa: PLR2004 - counts of images
    return [int(epoch) for epoch in np.flatnonzero(same) + 1]


def majority_trap(curve: Curve) -> Finding | None:
    """The model gives one answer for all images, or does no better than that.

    Constant (warning): in half of the epochs, and in four at least, validation accuracy is to the image that of calling
    every image the one class or the other, on twenty images or more. Epochs of the head alone and of a warm-up, which
    are meant to be slow, are not counted. Near: even the best accuracy of any epoch is not
    clearly above the majority accuracy (Wilson 95 % interval); a warning where the AUROC of the best epoch does not lie
    above 0.5 by more than 1.96 standard errors (Hanley and McNeil 1982) either, else information. Below four epochs,
    information. With balanced class weights only the constant answer is judged: they give accuracy at probability 1/2
    away.
    """
    if curve.best is None or np.isnan(curve.val_accuracy).any():
        return None
    same = [epoch for epoch in constant_epochs(curve) if epoch > curve.opening_epochs]
    judged = len(curve) - curve.opening_epochs
    if curve.images >= ENOUGH_IMAGES and len(same) >= max(SHORTEST, CONSTANT_SHARE * judged):
        numbers = {"constant": len(same), "epochs_run": judged, "majority": curve.majority}
        key = "constant_later" if curve.opening_epochs else "constant"
        numbers |= {"opening": curve.opening_epochs} if curve.opening_epochs else {}
        return Finding.make("warning", f"majority_trap.{key}", same, **numbers, minority=1 - curve.majority)
    epoch = int(np.argmax(curve.val_accuracy)) + 1
    best = curve.at("val_accuracy", epoch)
    if clearly_above(best, curve.images, curve.majority) or curve.is_balanced:
        return None
    low, high = interval(best, curve.images)
    numbers = {"epoch": epoch, "accuracy": best, "low": low, "high": high, "majority": curve.majority}
    keys, auroc = ["majority_trap.near"], curve.at("val_auroc", curve.best)
    ranked = ranks(curve, curve.best)
    if not math.isnan(auroc):
        keys.append("majority_trap.ranks" if ranked else "majority_trap.no_ranking")
        numbers |= {"auroc": auroc, "best": curve.best}
    severity = "info" if ranked or len(curve) < SHORTEST else "warning"
    return Finding.make(severity, keys, [epoch], **numbers, images=curve.images)
