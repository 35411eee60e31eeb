"""Rules on how the epochs were spent: early stopping, a budget that ran out, time."""

import math
from collections.abc import Sequence

import numpy as np

from retina.analysis.diagnosis.curve import WARM, Curve
from retina.analysis.diagnosis.finding import Finding
from retina.analysis.diagnosis.shape import SHORTEST, levels, noise
from retina.runs import epochs

LOOK_BACK = 3  # epochs, the study's patience: what early stopping would have waited
STILL_FALLING = math.log(1.05)  # 5 % in those epochs
SURE = 2.0  # standard deviations of the curve's own scatter


def early_stop(curve: Curve) -> Finding | None:
    """Where early stopping ended the run, or would have ended it, and with which effect.

    As `retina.runs.epochs` counts: after `patience` epochs in a row without a new lowest validation loss.
    """
    stop = epochs.stop_epoch(curve.val_loss.tolist(), curve.patience, after=curve.opening_epochs)
    if curve.best is None or (curve.early_stopping and curve.status != "stopped_early"):
        return None
    numbers = {"patience": curve.patience, "budget": curve.epochs, "best": curve.best, "epochs_run": len(curve)}
    numbers |= {"best_loss": curve.at("val_loss", curve.best)}
    if curve.early_stopping:
        saved = curve.epochs - len(curve)
        return Finding.make("info", "early_stop.fired", [len(curve)], **numbers, saved=saved)
    if stop is None:
        return Finding.make("info", "early_stop.never", (), **numbers)
    best = epochs.best_epoch(curve.val_loss[:stop].tolist()) or curve.best
    numbers |= {"stop": stop, "kept": best, "kept_loss": curve.at("val_loss", best), "saved": len(curve) - stop}
    key = "early_stop.would_keep" if best == curve.best else "early_stop.would_miss"
    return Finding.make("info", key, [stop], **numbers)


def budget_limited(curve: Curve) -> Finding | None:
    """The epochs ran out while validation loss was still falling.

    The last epoch of the budget has the lowest validation loss, and lies below that of three epochs earlier by more
    than 5 % and more than two standard deviations of the curve's own scatter.
    """
    if len(curve) < SHORTEST or len(curve) < curve.epochs or curve.best != len(curve):
        return None
    level = levels(curve.val_loss)
    earlier = len(curve) - LOOK_BACK
    fall = math.log(float(level[earlier - 1] / level[-1]))
    if fall < max(STILL_FALLING, SURE * noise(curve.val_loss)):
        return None
    return Finding.make(
        "info",
        "budget_limited.said",
        [len(curve)],
        budget=curve.epochs,
        earlier=earlier,
        val_earlier=curve.at("val_loss", earlier),
        val_last=curve.at("val_loss", len(curve)),
        fall=-math.expm1(-fall),
    )


def time_per_epoch(curve: Curve, peers: Sequence[Curve] = ()) -> Finding | None:
    """The median wall time of an epoch, compared with that of the other runs under the same conditions.

    The first epoch is left out where there are three or more. The conditions are the machine (device, processor,
    cores, threads), data, image size, precision and the layers that are trained.
    """
    own = curve.seconds_per_epoch
    if not math.isfinite(own):
        return None
    alike = [peer for peer in peers if curve.conditions and peer.conditions == curve.conditions]
    others = {
        peer.name: peer.seconds_per_epoch
        for peer in sorted(alike, key=lambda peer: peer.name)
        if peer.name != curve.name and math.isfinite(peer.seconds_per_epoch) and peer.seconds_per_epoch > 0
    }
    numbers = {"seconds": own, "measured": len(curve) - (len(curve) >= WARM)}
    if not others:
        return Finding.make("info", "time_per_epoch.alone", (), **numbers)
    quickest, slowest = min(others, key=others.__getitem__), max(others, key=others.__getitem__)
    return Finding.make(
        "info",
        "time_per_epoch.compared",
        (),
        **numbers,
        peers=len(others),
        quickest=quickest,
        quickest_seconds=others[quickest],
        slowest=slowest,
        slowest_seconds=others[slowest],
        ratio=own / float(np.median(list(others.values()))),
    )
