"""Two curves compared: which parameter set was steadier for a backbone, and why."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from retina.analysis.diagnosis.curve import Curve
from retina.analysis.diagnosis.finding import Finding
from retina.analysis.diagnosis.generalisation import overfitting, rise, stuck
from retina.analysis.diagnosis.shape import SHORTEST, roughness
from retina.analysis.diagnosis.stability import UNFINISHED, collapse, divergence

ROUGHER = 2.0  # times: the roughness of ten epochs is itself uncertain by about a third
ROUGH = 0.02  # of the loss an epoch: below it neither curve is rough
RISE_APART = 0.05  # of the lowest loss: by how much one overfitting must exceed another to count as worse
OUTCOMES = 4  # how many numbers an outcome has
BY_DESIGN = ("params", "learning_rate", "batch_size", "backbone", "loss")


class Criterion(NamedTuple):
    """A reason to call one of two runs steadier, and its measure: the run with the smaller value is steadier."""

    reason: str
    measure: Callable[[Curve], float]


def _overfitting_rise(curve: Curve) -> float:
    """The rise of an overfitted validation loss, as a share; 0 without overfitting."""
    finding = overfitting(curve)
    return float(finding.numbers["rise"]) if finding is not None else 0.0


CRITERIA = (
    Criterion("collapse", lambda curve: float(collapse(curve) is not None)),
    Criterion("stuck", lambda curve: float(stuck(curve.whole()))),
    Criterion("roughness", lambda curve: roughness(curve.val_loss)),
    Criterion("training_roughness", lambda curve: roughness(curve.train_loss)),
    Criterion("overfitting", _overfitting_rise),
)


def compare_params(first: Curve, second: Curve) -> Finding:
    """Which of two parameter sets was steadier for a backbone, and why.

    In this order: a run that diverged is less steady than one that did not; one that collapsed, than one that did not;
    one that learned nothing (see `stuck`), than one that did; one whose validation loss swings at least twice as much
    (and by 2 % of the loss an epoch); one whose training loss does; one whose overfitting rises by five points more.
    Undecided where none of these separates them, or where a run is unfinished or has fewer than four epochs.

    Args:
        first: A run.
        second: A run of the same backbone and the same loss.

    Raises:
        ValueError: the backbones or the losses differ, so that their curves have different scales.
    """
    if (first.backbone, first.loss) != (second.backbone, second.loss):
        raise ValueError("parameter sets are compared within one backbone and one loss")
    reason, steadier = verdict(first, second)
    numbers: dict[str, Any] = {"backbone": first.backbone, "reason": reason}
    numbers |= {"steadier": "undecided" if steadier is None else steadier.params}
    numbers |= {"first": first.params, "second": second.params}
    numbers |= _settings("first", first) | _settings("second", second)
    if steadier is not None:
        numbers["other"] = (second if steadier is first else first).params
        numbers |= _why(reason, second if steadier is first else first)
    keys = [f"steadier.{reason}" if steadier is not None else f"steadier.undecided_{reason}"]
    if min(len(first.whole()), len(second.whole())) >= SHORTEST:
        keys.append("steadier.numbers")
        numbers |= _shape("first", first.whole()) | _shape("second", second.whole())
    outcomes = outcome("first", first) | outcome("second", second)
    if len(outcomes) == 2 * OUTCOMES:
        keys.append("steadier.outcome")
        numbers |= outcomes
    others = differing(first, second)
    if others:
        keys.append("steadier.confounded")
        numbers["others"] = ", ".join(others)
    return Finding.make("info", keys, (), **numbers)


def verdict(first: Curve, second: Curve) -> tuple[str, Curve | None]:
    """The reason, and the steadier of two curves, or `None` where it is undecided."""
    diverged = [divergence(curve) is not None for curve in (first, second)]
    if any(curve.status in UNFINISHED for curve in (first, second)):
        return "unfinished", None
    if all(diverged):
        return "both_diverged", None
    if any(diverged):
        return "divergence", second if diverged[0] else first
    if min(len(first), len(second)) < SHORTEST:
        return "short", None
    for criterion in CRITERIA:
        one, two = criterion.measure(first), criterion.measure(second)
        if apart(criterion.reason, one, two):
            return criterion.reason, first if one < two else second
    return "alike", None


def apart(reason: str, one: float, two: float) -> bool:
    """Whether the measures of two runs by a criterion differ enough to decide."""
    if "roughness" in reason:
        return rougher(one, two)
    # Yes and no are 1 and 0 among the measures, which are farther apart than that.
    return abs(one - two) > RISE_APART


def rougher(one: float, two: float) -> bool:
    """Whether the larger of two roughnesses is at least 2 % of the loss an epoch and at least twice the smaller."""
    return max(one, two) >= ROUGH and max(one, two) >= ROUGHER * min(one, two)


def _why(reason: str, other: Curve) -> dict[str, float]:
    """The epoch at which the less steady run diverged or collapsed, where that decided."""
    finding = {"collapse": collapse, "divergence": divergence}.get(reason, lambda _: None)(other)
    return {} if finding is None else {"epoch": finding.epochs[0]}


def differing(first: Curve, second: Curve) -> list[str]:
    """Names of the settings that differ beyond the parameter set's rate and batch size, sorted."""
    names = set(first.settings) | set(second.settings)
    return sorted(name for name in names - set(BY_DESIGN) if first.settings.get(name) != second.settings.get(name))


def _settings(which: str, curve: Curve) -> dict[str, Any]:
    """Rate, batch size and epochs of a run."""
    return {
        f"{which}_rate": curve.learning_rate,
        f"{which}_batch": curve.batch_size,
        f"{which}_epochs": len(curve),
    }


def _shape(which: str, curve: Curve) -> dict[str, float]:
    """The measures of steadiness of a run."""
    return {
        f"{which}_roughness": roughness(curve.val_loss),
        f"{which}_training_roughness": roughness(curve.train_loss),
        f"{which}_rise": rise(curve, len(curve), curve.best) if curve.best else 0.0,
    }


def outcome(which: str, curve: Curve) -> dict[str, float]:
    """The metrics of the best epoch; empty where one of them is unknown."""
    whole = curve.whole()
    if whole.best is None:
        return {}
    metrics = {name: whole.at(name, whole.best) for name in ("val_loss", "val_accuracy", "val_auroc")}
    if any(math.isnan(value) for value in metrics.values()):
        return {}
    return {f"{which}_best": whole.best} | {f"{which}_{name}": value for name, value in metrics.items()}
