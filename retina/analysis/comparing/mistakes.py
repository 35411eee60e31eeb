"""The images about which models are wrong with most confidence, by id."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from retina.analysis.gathering.candidates import Group

if TYPE_CHECKING:
    import pandas as pd

MOST = 3
"""Rows of each kind a model."""
COLUMNS = ("data", "model", "kind", "id", "probability", "models_wrong", "models")


def table(groups: Sequence[Group], *, most: int = MOST) -> "pd.DataFrame":
    """Each model's most confident misses and false alarms among the test images.

    Args:
        groups: The models.
        most: At most this many rows of each kind a model.

    Returns:
        `COLUMNS`: `kind` is `missed` (positive, probability below 0.5) or `false_alarm`; `probability` is the model's
        of the positive class; `models_wrong` counts the models, of `models` in the group, that are wrong about the same
        image.
        Models that give every image the same answer are not counted: they are wrong about every image of one class.
    """
    import pandas as pd

    rows = []
    for group in groups:
        members = [candidate for candidate in group.candidates if "test" in candidate.parts]
        if not members:
            continue
        errors = [wrong(candidate.parts["test"].labels, candidate.parts["test"].logits) for candidate in members]
        deciding = [place for place, candidate in enumerate(members) if decides(candidate.parts["test"].logits)]
        # Where no model decides, the sum of nothing is a single 0: the zeros make it one for each image.
        models_wrong = np.sum([errors[place] for place in deciding], axis=0, dtype=int) + np.zeros(len(errors[0]), int)
        for candidate, is_wrong in zip(members, errors, strict=True):
            part = candidate.parts["test"]
            for kind, label in (("missed", 1), ("false_alarm", 0)):
                images = np.flatnonzero(is_wrong & (part.labels == label))
                images = images[np.argsort(-np.abs(part.logits[images]), kind="stable")][:most]
                rows += [
                    (
                        *(group.name, candidate.label, kind, part.ids[place], float(expit(part.logits[place]))),
                        *(int(models_wrong[place]), len(deciding)),
                    )
                    for place in images
                ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def decides(logits: np.ndarray) -> bool:
    """Whether a model calls some images positive and others negative, instead of all the same."""
    positive = logits >= 0
    return bool(positive.any() and not positive.all())


def wrong(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Which images have a probability on the wrong side of 0.5, (N,) bool."""
    return (logits >= 0) != (labels == 1)
