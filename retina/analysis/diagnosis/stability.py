"""Rules on whether training is steady: divergence, collapse, oscillation, an unfinished or very short run."""

import math

import numpy as np

from retina.analysis.diagnosis.curve import Curve
from retina.analysis.diagnosis.evidence import clearly_above, clearly_below, difference_error
from retina.analysis.diagnosis.finding import Finding, listed
from retina.analysis.diagnosis.shape import SHORTEST, levels, spread, swings

SWING = math.log(1.10)  # 10 %: what a reader sees as a swing on a plot from zero
SWING_SHARE = 0.10  # of the range: on a curve that falls far, a tenth of its height
SWINGS = 3  # up, down and up again: fewer is a bump
CLOSE = 5  # epochs that three swings fall within: in a long run chance alone makes three, far apart
JUMP = 2.0  # a validation loss that doubles in one epoch
JUMP_SHARE = 0.25  # of the median: a loss near zero may double without meaning
CRASH = 0.10  # of all images: a fall in accuracy that a reader acts on
SURE = 3.0  # standard errors
REGRESSED = 2.0  # times its lowest: training loss is of the images trained on, so only training can raise it
UNFINISHED = ("running", "interrupted", "failed")


def divergence(curve: Curve) -> Finding | None:
    """A loss that is no longer a number, or a training loss that goes up instead of down.

    The run ended as `diverged`; or a training or validation loss in its history is not finite; or training loss ends
    at twice its lowest or more, and above its first.
    """
    if curve.broken_epoch is not None:
        return Finding.make("critical", "divergence.history", [curve.broken_epoch], epoch=curve.broken_epoch)
    if curve.status == "diverged":
        epoch, step = len(curve) + 1, curve.broken_step
        if step is None:
            return Finding.make("critical", "divergence.status", [epoch], epoch=epoch)
        return Finding.make("critical", "divergence.step", [epoch], epoch=epoch, step=step)
    if len(curve) < SHORTEST:
        return None
    train = levels(curve.train_loss)
    if train[-1] < REGRESSED * train.min() or train[-1] <= train[0]:
        return None
    low = int(np.argmin(train)) + 1
    return Finding.make(
        "critical",
        "divergence.training",
        range(low + 1, len(curve) + 1),
        epoch=low,
        train_low=curve.at("train_loss", low),
        last=len(curve),
        train_last=curve.at("train_loss", len(curve)),
    )


def unfinished(curve: Curve) -> Finding | None:
    """The run is still running, was interrupted or failed: its curve is not final."""
    if curve.status not in UNFINISHED:
        return None
    return Finding.make("warning", f"unfinished.{curve.status}", (), epochs_run=len(curve), budget=curve.epochs)


def too_short(curve: Curve) -> Finding | None:
    """Fewer than four epochs: their shape may be scatter, and the rules on shape do not apply."""
    if len(curve) >= SHORTEST:
        return None
    return Finding.make("info", "too_short.said", (), epochs_run=len(curve), needed=SHORTEST)


def crashes(curve: Curve) -> list[int]:
    """Epochs whose validation accuracy fell below the majority guess, after it had not been below.

    Below: the upper end of its Wilson 95 % interval lies below the majority accuracy. Fell: from the best accuracy so
    far by at least a tenth of the images and three standard errors of a difference. Not counted is a model that
    begins to learn and therefore no longer gives every image the same answer: its best accuracy was not clearly above
    the majority guess, and its AUROC has risen since. Nor is one with balanced class weights whose AUROC has risen:
    these give accuracy at probability 1/2 away.
    """
    epochs = []
    for epoch in range(2, len(curve) + 1):
        peak = int(np.argmax(curve.val_accuracy[: epoch - 1])) + 1
        before, now = curve.at("val_accuracy", peak), curve.at("val_accuracy", epoch)
        if math.isnan(before + now) or clearly_below(before, curve.images, curve.majority):
            continue
        learns = curve.at("val_auroc", epoch) > curve.at("val_auroc", peak)
        if learns and (curve.is_balanced or not clearly_above(before, curve.images, curve.majority)):
            continue
        enough = max(CRASH, SURE * difference_error(before, now, curve.images))
        if before - now >= enough and clearly_below(now, curve.images, curve.majority):
            epochs.append(epoch)
    return epochs


def jumps(curve: Curve) -> list[int]:
    """Epochs whose validation loss is at least twice that of the epoch before and twice the lowest so far.

    The step is also at least a quarter of the run's median validation loss.
    """
    level = levels(curve.val_loss)
    enough = JUMP_SHARE * float(np.median(level)) if len(level) else 0.0
    return [
        epoch
        for epoch in range(2, len(curve) + 1)
        if level[epoch - 1] >= JUMP * level[: epoch - 1].min()
        and level[epoch - 1] >= JUMP * level[epoch - 2]
        and level[epoch - 1] - level[epoch - 2] >= enough
    ]


def collapse(curve: Curve) -> Finding | None:
    """What the model learned is lost in an epoch: accuracy crashes below the majority guess, or validation loss jumps.

    Crash: the accuracy had not been below the majority guess, and falls below it (upper end of the Wilson 95 %
    interval) by at least a tenth of the images and three standard errors. Jump: validation loss at least doubles in
    one epoch and is at least twice the lowest so far. Critical where the last epoch is a crash and the AUROC of the
    first crash is not above that of the best epoch before it.
    """
    crash_epochs, jump_epochs = crashes(curve), jumps(curve)
    if not crash_epochs and not jump_epochs:
        return None
    keys, numbers, critical = [], {}, False
    if jump_epochs:
        keys, numbers = ["collapse.jump"], _jump(curve, jump_epochs[0])
    if crash_epochs:
        is_last = crash_epochs[-1] == len(curve)
        crash = {name: value for name, value in _crash(curve, crash_epochs[0]).items() if not math.isnan(value)}
        keys += ["collapse.crash", *(["collapse.order"] if {"auroc", "auroc_peak"} <= set(crash) else [])]
        only_last = crash_epochs[0] == len(curve)
        if "accuracy_last" in crash:  # it may be no number, and then nothing is said of the end
            keys.append("collapse.last" if only_last else "collapse.end" if is_last else "collapse.recovered")
        numbers |= crash
        # With one class in validation neither AUROC is known: 0 is not above 0, so the crash is not excused.
        critical = is_last and not crash.get("auroc", 0.0) > crash.get("auroc_peak", 0.0)
    return Finding.make("critical" if critical else "warning", keys, sorted({*crash_epochs, *jump_epochs}), **numbers)


def _jump(curve: Curve, epoch: int) -> dict[str, float]:
    """The evidence of a jump at an epoch."""
    level = levels(curve.val_loss)
    return {
        "jump": epoch,
        "jump_before": epoch - 1,
        "val_before": curve.at("val_loss", epoch - 1),
        "val_after": curve.at("val_loss", epoch),
        "factor": float(level[epoch - 1] / level[epoch - 2]),
    }


def _crash(curve: Curve, epoch: int) -> dict[str, float]:
    """The evidence of a crash at an epoch."""
    peak = int(np.argmax(curve.val_accuracy[: epoch - 1])) + 1
    return {
        "crash": epoch,
        "accuracy": curve.at("val_accuracy", epoch),
        "peak": peak,
        "auroc": curve.at("val_auroc", epoch),
        "auroc_peak": curve.at("val_auroc", peak),
        "accuracy_peak": curve.at("val_accuracy", peak),
        "majority": curve.majority,
        "last": len(curve),
        "accuracy_last": curve.at("val_accuracy", len(curve)),
    }


def oscillation(curve: Curve) -> Finding | None:
    """Validation loss swings: three turning points within five epochs whose smaller step is at least 10 % of the loss.

    Each swing is also at least a tenth of the range, taken on a logarithmic axis from the lowest to the second highest
    loss. A trend has no turning points, so it is not counted. Late where the first swing lies in the second half.
    All swings within five epochs of two others are named.
    """
    return _oscillation("oscillation", curve.val_loss, "warning")


def training_oscillation(curve: Curve) -> Finding | None:
    """Training loss swings, by the definition of `oscillation`. A mean over an epoch, it rarely does by chance."""
    return _oscillation("training_oscillation", curve.train_loss, "warning")


def close(epochs: np.ndarray) -> np.ndarray:
    """The epochs, in rising order, that lie with two others within five consecutive epochs."""
    windows = [epochs[i : i + SWINGS] for i in range(len(epochs) - SWINGS + 1)]
    together = [window for window in windows if window[-1] - window[0] < CLOSE]
    return np.unique(np.concatenate(together)) if together else epochs[:0]


def _oscillation(rule: str, losses: np.ndarray, severity: str) -> Finding | None:
    """The swings of a loss, where there are enough."""
    if len(losses) < SHORTEST:
        return None
    sizes, height = swings(losses), spread(losses)
    where = close(np.flatnonzero(sizes >= max(SWING, SWING_SHARE * height)) + 1)
    if not len(where):
        return None
    size = float(np.mean(sizes[where - 1]))
    logs = np.log(levels(losses))
    return Finding.make(
        severity,
        f"{rule}.late" if where[0] > len(losses) / 2 else f"{rule}.throughout",
        where,
        swings=len(where),
        where=listed(where),
        first=int(where[0]),
        size=math.expm1(size),
        share=size / float(np.ptp(logs)),
        low=float(losses.min()),
        high=float(losses.max()),
    )
