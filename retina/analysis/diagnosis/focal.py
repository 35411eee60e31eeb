"""How the focal loss differs from cross-entropy, each on its own scale; and whether the classes are balanced."""

import math
from typing import Any

from retina.analysis.diagnosis.contrasts import differing, outcome, rougher
from retina.analysis.diagnosis.curve import Curve
from retina.analysis.diagnosis.evidence import auroc_error
from retina.analysis.diagnosis.finding import Finding
from retina.analysis.diagnosis.shape import SHORTEST, levels, roughness
from retina.analysis.diagnosis.stability import collapse

APART = 0.05  # of the first loss: five points on a curve that begins at 1
ERRORS_APART = 2.0  # standard errors of a difference: within them two AUROCs are called alike
OF_THE_LOSS = ("focal_gamma", "focal_alpha")
IMBALANCED = 1.5  # to one, 60 % against 40 %


def compare_losses(ce: Curve, focal: Curve) -> list[Finding]:
    """How the focal loss differs: how far it falls, how rough it is, whether it collapses, which AUROC it reaches.

    Losses are divided by their first epoch, or compared in relative terms: a focal loss is always the smaller one.

    Args:
        ce: The run with cross-entropy.
        focal: The run with the focal loss, of the same backbone and parameter set.

    Returns:
        `focal_short` where one has fewer than four epochs without a broken loss. Otherwise `focal_fall` and
        `focal_roughness`, `focal_collapse` where one collapsed, and `focal_outcome` where both have an AUROC.

    Raises:
        ValueError: the backbones differ.
    """
    if ce.backbone != focal.backbone:
        raise ValueError("losses are compared within one backbone")
    plain, focused = ce.whole(), focal.whole()
    if min(len(plain), len(focused)) < SHORTEST:
        numbers = {"ce_epochs": len(plain), "focal_epochs": len(focused), "needed": SHORTEST}
        return [Finding.make("info", "focal_short.said", (), **numbers)]
    findings = [_fall(plain, focused), _roughness(plain, focused), _collapses(plain, focused), _auroc(plain, focused)]
    return [finding for finding in findings if finding is not None]


def _fall(ce: Curve, focal: Curve) -> Finding:
    """Training loss at the last common epoch, as a share of its first."""
    last = min(len(ce), len(focal))
    shares = {name: float(levels(c.train_loss)[last - 1] / levels(c.train_loss)[0]) for name, c in _named(ce, focal)}
    gap = shares["focal"] - shares["ce"]
    word = "alike" if abs(gap) <= APART else "farther" if gap < 0 else "less_far"
    numbers: dict[str, Any] = {"last": last, "ce_left": shares["ce"], "focal_left": shares["focal"]}
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
    findings = {name: collapse(curve) for name, curve in _named(ce, focal)}
    where = {name: finding.epochs[0] for name, finding in findings.items() if finding is not None}
    if not where:
        return None
    word = "both" if len(where) > 1 else next(iter(where))
    return Finding.make("warning", f"focal_collapse.{word}", sorted(set(where.values())), **where)


def _auroc(ce: Curve, focal: Curve) -> Finding | None:
    """The validation AUROC of both best epochs, and the standard error of their difference."""
    numbers: dict[str, Any] = {}
    variance = 0.0
    for name, curve in _named(ce, focal):
        metrics = outcome(name, curve)
        if not metrics:
            return None
        numbers |= metrics
        # As of two sets of images. Both runs are scored on the same, where their errors partly cancel: an upper bound.
        variance += auroc_error(metrics[f"{name}_val_auroc"], curve.positives, curve.images - curve.positives) ** 2
    difference, error = numbers["focal_val_auroc"] - numbers["ce_val_auroc"], math.sqrt(variance)
    if math.isnan(error):
        return None
    word = "within" if abs(difference) <= ERRORS_APART * error else "beyond"
    keys, others = [f"focal_outcome.{word}"], [name for name in differing(ce, focal) if name not in OF_THE_LOSS]
    if others:
        keys.append("focal_outcome.confounded")
        numbers["others"] = ", ".join(others)
    return Finding.make("info", keys, (), **numbers, difference=difference, error=error)


def imbalance(images: int, positives: int) -> Finding:
    """Whether the classes are imbalanced, by the labels alone.

    Imbalanced: the larger class has at least 1.5 images for each of the smaller (60 % against 40 %).

    Args:
        images: At least 1.
        positives: Positives among them, 0 to `images`.

    Raises:
        ValueError: there are no images.
    """
    if images < 1:
        raise ValueError("there are no images whose classes could be balanced")
    larger = max(positives, images - positives)
    numbers = {"images": images, "positives": positives, "prevalence": positives / images, "majority": larger / images}
    if larger == images:
        return Finding.make("warning", "imbalance.one_class", (), **numbers)
    ratio = larger / (images - larger)
    word = "balanced" if ratio < IMBALANCED else "positive" if larger == positives else "negative"
    return Finding.make("info", f"imbalance.{word}", (), **numbers, ratio=ratio)
