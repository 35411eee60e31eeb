"""What the focal loss changed against cross-entropy, each on its own scale; and what the labels say of balance."""

import math
from typing import Any

from retina.analysis.diagnosis.contrasts import differing, outcome, rougher
from retina.analysis.diagnosis.curve import Curve
from retina.analysis.diagnosis.evidence import auroc_error
from retina.analysis.diagnosis.finding import Finding
from retina.analysis.diagnosis.shape import SHORTEST, levels, roughness
from retina.analysis.diagnosis.stability import collapse

APART = 0.05  # of the first loss: five points on a normalised curve
TOLD_APART = 2.0  # standard errors
OF_THE_LOSS = ("focal_gamma", "focal_alpha")
IMBALANCED = 1.5  # to one, 60 % against 40 %


def compare_losses(ce: Curve, focal: Curve) -> list[Finding]:
    """What the focal loss changed: how far the loss falls, how rough it is, what it came to.

    Losses are divided by their first epoch, or compared in relative terms: the focal loss is smaller by construction.

    Args:
        ce: The run with cross-entropy.
        focal: The run with the focal loss, of the same backbone and parameter set.

    Returns:
        `focal_fall`, `focal_roughness` and `focal_collapse` where both have four epochs without a broken loss, and
        `focal_outcome` where both have an AUROC; otherwise `focal_short`.

    Raises:
        ValueError: the backbones differ.
    """
    if ce.backbone != focal.backbone:
        raise ValueError("losses are compared within one backbone")
    plain, focused = ce.whole(), focal.whole()
    if min(len(plain), len(focused)) < SHORTEST:
        numbers = {"ce_epochs": len(plain), "focal_epochs": len(focused), "needed": SHORTEST}
        return [Finding.make("info", "focal_short.said", (), **numbers)]
    found = [_fall(plain, focused), _roughness(plain, focused), _collapses(plain, focused), _auroc(plain, focused)]
    return [finding for finding in found if finding is not None]


def _fall(ce: Curve, focal: Curve) -> Finding:
    """Training loss at the last common epoch, as a share of its first."""
    last = min(len(ce), len(focal))
    left = {name: float(levels(c.train_loss)[last - 1] / levels(c.train_loss)[0]) for name, c in _named(ce, focal)}
    gap = left["focal"] - left["ce"]
    word = "alike" if abs(gap) <= APART else "farther" if gap < 0 else "less_far"
    numbers: dict[str, Any] = {"last": last, "ce_left": left["ce"], "focal_left": left["focal"]}
    for name, curve in _named(ce, focal):
        numbers |= {f"{name}_first": curve.at("train_loss", 1), f"{name}_last": curve.at("train_loss", last)}
    return Finding.make("info", (f"focal_fall.{word}", "focal_fall.scale"), [last], **numbers)


def _named(ce: Curve, focal: Curve) -> tuple[tuple[str, Curve], tuple[str, Curve]]:
    """The two curves with the prefixes of their numbers."""
    return ("ce", ce), ("focal", focal)


def _roughness(ce: Curve, focal: Curve) -> Finding:
    """Which loss is rougher, in relative terms."""
    numbers = {}
    for name, curve in _named(ce, focal):
        numbers |= {f"{name}_training": roughness(curve.train_loss), f"{name}_validation": roughness(curve.val_loss)}
    one, two = numbers["ce_validation"], numbers["focal_validation"]
    word = "alike" if not rougher(one, two) else "rougher" if two > one else "smoother"
    return Finding.make("info", f"focal_roughness.{word}", (), **numbers)


def _collapses(ce: Curve, focal: Curve) -> Finding | None:
    """Where one of the runs collapsed."""
    found = {name: collapse(curve) for name, curve in _named(ce, focal)}
    where = {name: finding.epochs[0] for name, finding in found.items() if finding is not None}
    if not where:
        return None
    word = "both" if len(where) > 1 else next(iter(where))
    return Finding.make("warning", f"focal_collapse.{word}", sorted(set(where.values())), **where)


def _auroc(ce: Curve, focal: Curve) -> Finding | None:
    """The validation AUROC of both best epochs, beside the standard error of their difference."""
    numbers: dict[str, Any] = {}
    variance = 0.0
    for name, curve in _named(ce, focal):
        reached = outcome(name, curve)
        if not reached:
            return None
        numbers |= reached
        variance += auroc_error(reached[f"{name}_val_auroc"], curve.positives, curve.images - curve.positives) ** 2
    difference, error = numbers["focal_val_auroc"] - numbers["ce_val_auroc"], math.sqrt(variance)
    if math.isnan(error):
        return None
    word = "within" if abs(difference) <= TOLD_APART * error else "beyond"
    keys, others = [f"focal_outcome.{word}"], [name for name in differing(ce, focal) if name not in OF_THE_LOSS]
    if others:
        keys.append("focal_outcome.confounded")
        numbers["others"] = ", ".join(others)
    return Finding.make("info", keys, (), **numbers, difference=difference, error=error)


def imbalance(images: int, positives: int) -> Finding:
    """Whether the classes are imbalanced, from the labels and from nothing else.

    Imbalanced: the larger class has at least 1.5 images for each of the smaller (60 % against 40 %).

    Args:
        images: At least 1.
        positives: Diseased ones among them, 0 to `images`.

    Raises:
        ValueError: there are no images.
    """
    if images < 1:
        raise ValueError("the balance of no images cannot be told")
    larger = max(positives, images - positives)
    numbers = {"images": images, "positives": positives, "prevalence": positives / images, "majority": larger / images}
    if larger == images:
        return Finding.make("warning", "imbalance.one_class", (), **numbers)
    ratio = larger / (images - larger)
    word = "balanced" if ratio < IMBALANCED else "positive" if larger == positives else "negative"
    return Finding.make("info", f"imbalance.{word}", (), **numbers, ratio=ratio)
