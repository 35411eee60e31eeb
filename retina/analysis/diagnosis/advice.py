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
from retina.analysis.diagnosis.shape import SHORTEST, noise
from retina.analysis.diagnosis.stability import SWING, collapse, divergence, oscillation, training_oscillation
from retina.runs.searches import RangeTest

DECADE = 10.0  # rates are searched by factors of ten (Bengio 2012, arXiv 1206.5533, section 3.2)
TELLING = 0.05  # a validation set tells five points of accuracy above the majority guess, or is too small to judge by
SAME_DATA = "data"
NEAR = ("majority_trap", "underfitting")
STEADINESS = ("divergence", "collapse", "oscillation", "slow_and_rough")  # reasons that ask for a steadier rate
UNSTEADY = (divergence, collapse, oscillation, training_oscillation)


class Step(NamedTuple):
    """A direction (`lower`, `raise`, `keep` or `either`) and the word for its reason."""

    direction: str
    reason: str


def advise(
    curve: Curve, findings: Sequence[Finding], peers: Sequence[Curve] = (), measured: RangeTest | None = None
) -> Finding | None:
    """Which way to move the learning rate, how far, and why.

    In order: a run that diverged or collapsed asks for a lower rate. One whose loss swings does too, unless a run of
    the same backbone and loss is steady at a higher rate. A slow start follows the run that starts faster, if there
    is one. A run no better than the majority guess follows the run that is better by more than a standard error;
    without one, a fast first step speaks for a lower rate, and nothing speaks for either direction otherwise.
    Overfitting and a budget that ran out are answered by epochs, not by the rate.

    Args:
        curve: The run.
        findings: What the rules found on it.
        peers: The other runs.
        measured: A learning-rate range test of the run's setting, which is quoted and changes nothing.

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
    if measured is not None and measured.typical is not None:
        keys.append("learning_rate.measured")
        numbers |= {"measured": measured.typical, "measured_spread": measured.spread}
        numbers |= {"measured_seeds": len(measured.known), "measured_all": len(measured.suggestions)}
    return Finding.make("info", keys, (), **numbers)


def rival(curve: Curve, peers: Sequence[Curve]) -> Curve | None:
    """The run to compare rates with: same backbone, loss and data at another rate; same seed first, then nearest."""
    fitting = [
        peer
        for peer in peers
        if (peer.backbone, peer.loss) == (curve.backbone, curve.loss)
        and peer.settings.get(SAME_DATA) == curve.settings.get(SAME_DATA)
        and peer.learning_rate != curve.learning_rate
        and len(peer.whole()) >= SHORTEST
    ]

    def distance(peer: Curve) -> tuple[bool, float, str]:
        return peer.seed != curve.seed, abs(math.log(peer.learning_rate / curve.learning_rate)), peer.name

    return min(fitting, key=distance, default=None)


def steady(curve: Curve) -> bool:
    """Whether the run made progress, and none of the rules on stability finds anything."""
    if stuck(curve.whole()):
        return False
    return not any(rule(curve if rule is divergence else curve.whole()) for rule in UNSTEADY)


def _step(curve: Curve, found: dict[str, Finding], other: Curve | None) -> Step | None:
    """The direction and its reason, the gravest first."""
    for rule in ("divergence", "collapse"):
        if rule in found:
            return Step("lower", rule)
    if len(curve) < SHORTEST:
        return None
    step = None
    slow = "slow_start" in found and found["slow_start"].alarming
    if "oscillation" in found or "training_oscillation" in found:
        step = _after_oscillation(curve, other, slow=slow)
    elif slow and "overfitting" not in found:
        step = _after_slow_start(curve, other)
    elif any(rule in found for rule in NEAR):
        step = _near_majority(curve, other, alarming=any(found[rule].alarming for rule in NEAR if rule in found))
    reason = "overfitting" if "overfitting" in found else "budget" if "budget_limited" in found else "sound"
    return step or Step("keep", reason)


def _after_oscillation(curve: Curve, other: Curve | None, *, slow: bool) -> Step:
    """Down, unless a run at a higher rate is steady."""
    if other is not None and other.learning_rate > curve.learning_rate and steady(other):
        return Step("raise", "steady_rival")
    return Step("lower", "slow_and_rough" if slow else "oscillation")


def _after_slow_start(curve: Curve, other: Curve | None) -> Step:
    """Towards the run that does not start slowly; without one, up, where the curve scatters by less than a swing."""
    if other is not None and not _slow(other):
        return Step("lower" if other.learning_rate < curve.learning_rate else "raise", "quicker_rival")
    return Step("raise", "slow_start") if noise(curve.val_loss) < SWING else Step("either", "slow_start")


def _slow(curve: Curve) -> bool:
    """Whether a curve starts slowly."""
    found = slow_start(curve.whole())
    return found is not None and found.alarming


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
    tells = 1.96 * math.sqrt(curve.majority * (1 - curve.majority) / curve.images) < TELLING
    if fast_convergence(curve.whole()) is not None and tells:
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
    """The rates to try, lowest and highest, and the sentence that says so.

    A lower rate that is unsteady itself is no end to steer for where steadiness is what is asked for; the range then
    lies below it.
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
