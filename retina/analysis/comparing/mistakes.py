"""The images that models got most confidently wrong, by id."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from retina.analysis.gathering.candidates import Group

if TYPE_CHECKING:
    import pandas as pd

MOST = 3
COLUMNS = ("data", "model", "kind", "id", "probability", "models_wrong", "models")


def table(groups: Sequence[Group], *, most: int = MOST) -> "pd.DataFrame":
    """Each model's most confident misses and false alarms among the test images.

    Args:
        groups: The models.
        most: Rows of each kind a model at most.

    Returns:
        `COLUMNS`: `kind` is `missed` (diseased, probability below 0.5) or `false_alarm`; `probability` is the model's
        of disease; `models_wrong` counts the models of the group, of `models`, that are wrong about the same image.
        Models that call all images the same are not counted: they are wrong about every image of one class.
    """
    import pandas as pd

    rows = []
    for group in groups:
        members = [candidate for candidate in group.candidates if "test" in candidate.parts]
        if not members:
            continue
        wrong = [wrongs(candidate.parts["test"].labels, candidate.parts["test"].logits) for candidate in members]
        counted = [place for place, candidate in enumerate(members) if decides(candidate.parts["test"].logits)]
        times = np.sum([wrong[place] for place in counted], axis=0, dtype=int) + np.zeros(len(wrong[0]), int)
        for candidate, missed in zip(members, wrong, strict=True):
            part = candidate.parts["test"]
            for kind, label in (("missed", 1), ("false_alarm", 0)):
                chosen = np.flatnonzero(missed & (part.labels == label))
                chosen = chosen[np.argsort(-np.abs(part.logits[chosen]), kind="stable")][:most]
                rows += [
                    (
                        *(group.name, candidate.label, kind, part.ids[place], float(expit(part.logits[place]))),
                        *(int(times[place]), len(counted)),
                    )
                    for place in chosen
                ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def decides(logits: np.ndarray) -> bool:
    """Whether a model calls some images diseased and others healthy."""
    called = logits >= 0
    return bool(called.any() and not called.all())


def wrongs(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Which images (N,) bool stand on the wrong side of probability 0.5."""
    return (logits >= 0) != (labels == 1)
