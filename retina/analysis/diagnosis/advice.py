"""Learning-rate advice: a direction, a range and the reason, from the findings and from a run at another rate."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from retina.analysis.diagnosis.curve import Curve
from retina.analysis.diagnosis.evidence import auroc_error, difference_error
from retina.analysis.diagnosis.finding import Finding
from retina.analysis.diagnosis.generalisation import stuck
from retina.analysis.diagnosis.learning import fast_convergence, slow_start
from retina.analysis.diagnosis.pretraining import lost_pretraining
from retina.analysis.diagnosis.shape import SHORTEST, noise
from retina.analysis.diagnosis.stability import SWING, collapse, divergence, oscillation, training_oscillation
from retina.runs.searches import RangeTest

DECADE = 10.0  # rates are searched by factors of ten (Bengio 2012, arXiv 1206.5533, section 3.2)
RESOLUTION = 0.05  # a validation set that cannot show five points of accuracy above the majority guess is too small
SHARED = (
    *("data", "image_size", "fine_tune", "optimizer", "weight_decay", "layer_decay", "schedule", "ema"),
    *("head_start", "warmup_epochs", "clip_norm", "freeze_epochs"),
    *("class_weight", "label_smoothing"),
)
"""Settings of runs whose rates are compared: larger images are another task, a rate of SGD is none of Adam, with a
layer decay it is the head's alone, with a rate that falls, averaged weights or a gentler start a run is steady whatever
its rate, and with other class weights accuracy at 0.5 is another matter."""
NEAR = ("majority_trap", "underfitting")
STEADINESS = ("divergence", "collapse", "lost_pretraining", "oscillation", "slow_and_rough")
"""Reasons to look for a steadier rate."""
UNSTEADY = (divergence, collapse, lost_pretraining, oscillation, training_oscillation)


class Step(NamedTuple):
    """A direction (`lower`, `raise`, `keep` or `either`) and the word for its reason."""

    direction: str
    reason: str


def advise(
    curve: Curve, findings: Sequence[Finding], peers: Sequence[Curve] = (), range_test: RangeTest | None = None
) -> Finding | None:
    """Which way to move the learning rate, how far, and why.

    In order: a run that diverged, collapsed or destroyed its pretrained weights needs a lower rate. One whose loss
    swings does too, unless a run of the same backbone and loss is steady at a higher rate. After a slow start the
    advice points to the rate of the run that starts faster, if there is one. For a run no better than the majority
    guess it points to the run that is better by more than a standard error; without one, to a lower rate after a fast
    first step, and otherwise to neither direction. Overfitting and a budget that ran out are matters of epochs, not of
    the rate.

    Args:
        curve: The run.
        findings: What the rules found on it.
        peers: The other runs.
        range_test: A learning-rate range test of the run's setting, which is quoted and does not change the advice.

    Returns:
        A finding of rule `learning_rate`, or `None` where the curve is too short to say.
    """
    other = rival(curve, peers)
    step = _step(curve, {finding.rule: finding for finding in findings}, other)
    if step is None:
        return None
    low, high, ending = _range(step, curve, other)
    keys = [f"learning_rate.{step.direction}_{step.reason}"]
    if step.direction != "keep":
        keys.append(f"learning_rate.{ending}")
    numbers = {
        "direction": step.direction,
        "reason": step.reason,
        "rate": curve.learning_rate,
        "low": low,
        "high": high,
    }
    numbers |= {"batch": curve.batch_size}
    if other is not None:
        numbers |= {"rival": other.params, "rival_rate": other.learning_rate, "rival_batch": other.batch_size}
        numbers |= _accuracies(curve, other)
    if curve.best is not None:
        numbers |= {"best": curve.best, "budget": curve.epochs}
    if range_test is not None and range_test.typical is not None:
        keys.append("learning_rate.measured")
        numbers |= {"measured": range_test.typical, "measured_spread": range_test.spread}
        numbers |= {"measured_seeds": len(range_test.known), "measured_all": len(range_test.suggestions)}
    return Finding.make("info", keys, (), **numbers)


def rival(curve: Curve, peers: Sequence[Curve]) -> Curve | None:
    """The run to compare rates with: another rate, and backbone, loss, data, starting weights and trained layers alike.

    Of several the one with the same seed, then the one with the nearest rate.
    """
    question = (curve.backbone, curve.loss, curve.origin)
    comparable = [
        peer
        for peer in peers
        if peer.learning_rate != curve.learning_rate
        and (peer.backbone, peer.loss, peer.origin) == question
        and all(peer.settings.get(key) == curve.settings.get(key) for key in SHARED)
        and peer.whole_epochs >= SHORTEST
    ]

    def distance(peer: Curve) -> tuple[bool, float, str]:
        return peer.seed != curve.seed, abs(math.log(peer.learning_rate / curve.learning_rate)), peer.name

    return min(comparable, key=distance, default=None)


def steady(curve: Curve) -> bool:
    """Whether the run made progress, kept its pretrained weights, and no rule on stability has a finding."""
    if stuck(curve.whole()):
        return False
    return not any(rule(curve if rule is divergence else curve.whole()) for rule in UNSTEADY)


def _step(curve: Curve, findings: dict[str, Finding], other: Curve | None) -> Step | None:
    """The direction and its reason, the most severe first."""
    for rule in ("divergence", "collapse", "lost_pretraining"):
        if rule in findings:
            return Step("lower", rule)
    if len(curve) < SHORTEST:
        return None
    step = None
    slow = "slow_start" in findings and findings["slow_start"].alarming
    if "oscillation" in findings or "training_oscillation" in findings:
        step = _after_oscillation(curve, other, slow=slow)
    elif slow and "overfitting" not in findings:
        step = _after_slow_start(curve, other)
    elif any(rule in findings for rule in NEAR):
        step = _near_majority(curve, other, alarming=any(findings[rule].alarming for rule in NEAR if rule in findings))
    reason = "overfitting" if "overfitting" in findings else "budget" if "budget_limited" in findings else "sound"
    return step or Step("keep", reason)


def _after_oscillation(curve: Curve, other: Curve | None, *, slow: bool) -> Step:
    """Down, unless a run at a higher rate is steady."""
    if other is not None and other.learning_rate > curve.learning_rate and steady(other):
        return Step("raise", "steady_rival")
    return Step("lower", "slow_and_rough" if slow else "oscillation")


def _after_slow_start(curve: Curve, other: Curve | None) -> Step:
    """Towards the run that does not start slowly; without one, up if the curve scatters little."""
    if other is not None and not _slow(other):
        return Step("lower" if other.learning_rate < curve.learning_rate else "raise", "quicker_rival")
    return Step("raise", "slow_start") if noise(curve.val_loss) < SWING else Step("either", "slow_start")


def _slow(curve: Curve) -> bool:
    """Whether a curve starts slowly."""
    finding = slow_start(curve.whole())
    return finding is not None and finding.alarming


def _near_majority(curve: Curve, other: Curve | None, *, alarming: bool) -> Step | None:
    """Towards the run that is clearly more accurate; else by the speed of the first step."""
    if other is not None:
        towards = "lower" if other.learning_rate < curve.learning_rate else "raise"
        own, theirs = best_accuracy(curve), best_accuracy(other)
        if theirs - own > difference_error(own, theirs, min(curve.images, other.images)):
            return Step(towards, "better_rival")
        own, theirs = best_auroc(curve), best_auroc(other)
        if theirs - own > math.hypot(_auroc_error(curve, own), _auroc_error(other, theirs)):
            return Step(towards, "ranking_rival")
    # Half the width of the 95 % interval of the majority guess
    is_large_enough = 1.96 * math.sqrt(curve.majority * (1 - curve.majority) / curve.images) < RESOLUTION
    if fast_convergence(curve.whole()) is not None and is_large_enough:
        return Step("lower", "hasty")
    if not alarming:
        return None
    return Step("either", "near_majority" if other is None else "no_better_rival")


def best_accuracy(curve: Curve) -> float:
    """The highest validation accuracy of any epoch, 0-1; NaN where it is unknown."""
    return float(np.max(curve.whole().val_accuracy))


def best_auroc(curve: Curve) -> float:
    """The validation AUROC of the best epoch, 0-1; NaN where it is unknown."""
    whole = curve.whole()
    return whole.at("val_auroc", whole.best) if whole.best else math.nan


def _auroc_error(curve: Curve, auroc: float) -> float:
    """The standard error of a validation AUROC."""
    return auroc_error(auroc, curve.positives, curve.images - curve.positives)


def _accuracies(curve: Curve, other: Curve) -> dict[str, float]:
    """The best accuracy, and the AUROC of the best epoch, of both, where they are known."""
    if not len(curve.whole()):
        return {}
    numbers = {"accuracy": best_accuracy(curve), "rival_accuracy": best_accuracy(other)}
    numbers |= {"auroc": best_auroc(curve), "rival_auroc": best_auroc(other)}
    return {name: value for name, value in numbers.items() if not math.isnan(value)}


def _range(step: Step, curve: Curve, other: Curve | None) -> tuple[float, float, str]:
    """The lowest and the highest rate to try, and the key of the sentence on them.

    Where the reason is to find a steadier rate and the run at the lower rate is unsteady too, the range is below that
    rate.
    """
    rate = curve.learning_rate
    theirs = other.learning_rate if other is not None else rate
    if step.direction == "keep":
        return rate, rate, "range"
    if step.direction == "either":
        return rate / DECADE, rate * DECADE, "range"
    if step.direction == "raise":
        return (rate, theirs, "range_to_rival") if theirs > rate else (rate, rate * DECADE, "range")
    if other is None or theirs > rate:
        return rate / DECADE, rate, "range"
    usable = step.reason not in STEADINESS or steady(other)
    return (theirs, rate, "range_to_rival") if usable else (theirs / DECADE, theirs, "range_below_rival")
