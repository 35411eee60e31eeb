"""A rule on pretrained weights that the first steps of training destroy, and the loss of the best constant answer."""

import math

import numpy as np

from retina.analysis.diagnosis.curve import Curve
from retina.analysis.diagnosis.evidence import above_chance
from retina.analysis.diagnosis.finding import Finding
from retina.analysis.diagnosis.shape import SHORTEST
from retina.experiments.settings import ADDED

ABOVE = 0.10  # of the constant's loss: how far above it the first epoch is
BAND = 0.05  # of the constant's loss: a run that has learned ends a tenth below it, twice as far
ERRORS = 2.0  # standard errors of a mean
SURE = 3.0  # standard deviations: the first epoch is no draw from the scatter of the later ones
FEWEST = 3  # epochs that a run has to stay at the constant answer
RANKS = 0.65  # a validation AUROC that is more than colours: these alone reach 0.63 in docs/transfer.md
LOGITS = np.linspace(-20, 20, 8001)  # steps of 0.005: the lowest loss is right to a ten-thousandth of itself
SMALLEST_LOSS = 1e-6  # a lower loss of the best constant is no scale to measure by
BACKBONE_TRAINED = ("last", "full")
DECADE = 10.0  # rates are searched by factors of ten
WAYS_OUT = {
    "head_start": "--head-start prior",
    "warmup_epochs": "--warmup-epochs 1",
    "clip_norm": "--clip-norm 1",
    "layer_decay": "--layer-decay 0.5",
}
"""Setting -> the option that makes a start gentler, where the setting is as it was before there was one."""


def best_constant(curve: Curve) -> float | None:
    """The training loss of the best answer that is the same for every image.

    For cross-entropy it is the entropy of the training prevalence, in nats. The focal loss of a constant answer (Lin et
    al. 2017, arXiv 1708.02002, equation 5) has no such form; its minimum is searched on a grid of logits.

    Returns:
        > 0; `None` where the loss or one of its settings is unknown, or where the classes cannot be told apart by it:
        one class only, or one without weight.
    """
    if not 0 < curve.train_positives < curve.train_images:
        return None
    if curve.loss == "ce":
        gamma, alpha = 0.0, None
    elif curve.loss == "focal" and {"focal_gamma", "focal_alpha"} <= curve.settings.keys():
        gamma, alpha = curve.settings["focal_gamma"], curve.settings["focal_alpha"]
    else:
        return None
    positive, negative = _shares(curve)
    if alpha is not None:
        positive, negative = positive * alpha, negative * (1 - alpha)
    right, wrong = -np.logaddexp(0, -LOGITS), -np.logaddexp(0, LOGITS)  # log p, log(1 - p)
    losses = -positive * np.exp(gamma * wrong) * right - negative * np.exp(gamma * right) * wrong
    lowest = float(losses.min())
    return lowest if lowest > SMALLEST_LOSS else None


def _shares(curve: Curve) -> tuple[float, float]:
    """What the loss of a positive and of a negative label weigh among the training images, 0-1, 1 together.

    Balanced classes weigh a half each. With label smoothing e an image has e/2 of the loss of the other label.
    """
    share = 0.5 if curve.is_balanced else curve.train_positives / curve.train_images
    other = curve.settings.get("label_smoothing", 0.0) / 2
    positive = share * (1 - other) + (1 - share) * other
    return positive, 1 - positive


def lost_pretraining(curve: Curve) -> Finding | None:
    """The first steps destroy the pretrained weights: a loss above that of a constant answer, and that of one after it.

    The run begins from weights that are not random and trains the backbone or its last stage. The training loss of the
    first epoch lies more than a tenth above that of the best constant answer, and more than three standard deviations
    above the last ones. The last ones stay at that answer: over the last half of all epochs (at least three of them),
    and over the second half of these, the mean and two standard errors around it lie within 5 % of it.
    The epochs between may still be on their way down to it, but are on average not below it by more than 5 %: what was
    learned first and lost later is no loss of the first steps. Needs four epochs. A run that first trains the head
    alone is not judged, nor one that still ranks validation images in its last epochs: its answers have hardly left
    the constant, but what they are made from is there. Where origin, trained layers or the loss' settings are unknown
    it is silent.
    """
    pretrained = curve.origin not in (None, "random") and curve.settings.get("fine_tune") in BACKBONE_TRAINED
    at_risk = pretrained and curve.frozen_epochs == 0
    constant = best_constant(curve) if at_risk and len(curve) >= SHORTEST else None
    if constant is None:
        return None
    begins = len(curve) - max(FEWEST, len(curve) // 2)
    first, between, end = curve.at("train_loss", 1), curve.train_loss[1:begins], curve.train_loss[begins:]
    mean, scatter = float(end.mean()), float(end.std(ddof=1))
    if first <= max((1 + ABOVE) * constant, mean + SURE * scatter):
        return None
    if len(between) and between.mean() < (1 - BAND) * constant:
        return None
    if not all(_stays_at(constant, stretch) for stretch in (end, end[len(end) // 2 :])) or _ranks(curve, begins):
        return None
    ways = _ways_out(curve)
    return Finding.make(
        "warning",
        ("lost_pretraining.said", "lost_pretraining.ways" if ways else "lost_pretraining.slower"),
        (1, *range(begins + 1, len(curve) + 1)),
        train_first=first,
        constant=constant,
        since=begins + 1,
        last=len(curve),
        train_mean=mean,
        scatter=scatter,
        **({"ways": ", ".join(ways)} if ways else {"slower": curve.learning_rate / DECADE}),
    )


def _stays_at(constant: float, losses: np.ndarray) -> bool:
    """Whether the mean of two losses or more, and two standard errors around it, lie within 5 % of the constant's."""
    error = float(losses.std(ddof=1)) / math.sqrt(len(losses))
    return abs(float(losses.mean()) - constant) + ERRORS * error <= BAND * constant


def _ranks(curve: Curve, begins: int) -> bool:
    """Whether the mean validation AUROC after that many epochs is 0.65 or more, and clearly above 0.5."""
    auroc = float(curve.val_auroc[begins:].mean())
    return auroc >= RANKS and above_chance(auroc, curve)


def _ways_out(curve: Curve) -> list[str]:
    """The options of a gentler start that the run did not use."""
    return [option for name, option in WAYS_OUT.items() if curve.settings.get(name, ADDED[name]) == ADDED[name]]
