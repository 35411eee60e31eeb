"""Every two models on the same test images: paired differences with their uncertainty and the family they belong to."""

from collections.abc import Sequence
from itertools import combinations
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from retina.analysis.gathering.candidates import Candidate, Group
from retina.numbers import resampling, statistics
from retina.numbers.operating_points import SCREENING

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("data", "model_a", "model_b", "images", "positives"),
    *("auroc_a", "auroc_b", "difference", "standard_error", "low", "high", "z", "p_value"),
    *("p_holm", "smallest_detectable", "bootstrap_low", "bootstrap_high", "bootstrap_p_value"),
    *("positives_only_a", "positives_only_b", "p_positives", "p_positives_holm"),
    *("negatives_only_a", "negatives_only_b", "p_negatives", "p_negatives_holm", "not_paired"),
)


def table(groups: Sequence[Group]) -> "pd.DataFrame":
    """All pairs, one row each; pairs that share no test images have no number, and `not_paired` says why.

    Differences are model a minus model b. DeLong's test and the exact McNemar tests are two-sided. Holm's correction
    covers two families in every group: the AUROC tests of all its pairs, and their McNemar tests, positives and
    negatives together. McNemar's decisions are those at the threshold that reached 95 % sensitivity on validation.

    Returns:
        `COLUMNS`.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for group in groups:
        rows += within(group)
    for first, second in combinations(groups, 2):
        rows += [
            {"model_a": a.label, "model_b": b.label, "not_paired": f"different data: {first.name} and {second.name}"}
            for a in first.candidates
            for b in second.candidates
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def within(group: Group) -> list[dict[str, Any]]:
    """The pairs of one group; models without test scores are left out."""
    members = [candidate for candidate in group.candidates if "test" in candidate.parts]
    if len(members) < 2:  # noqa: PLR2004 - a pair
        return []
    labels = members[0].parts["test"].labels
    scores = np.stack([candidate.parts["test"].logits for candidate in members])
    draws = [group.draws["test"][candidate.label] for candidate in members]
    correct = [decisions(candidate) for candidate in members]
    rows = []
    for (a, b), test in statistics.paired_delong_all(labels, scores).items():
        row = {
            "data": group.name,
            "model_a": members[a].label,
            "model_b": members[b].label,
            "images": len(labels),
            "positives": int(labels.sum()),
        }
        row |= test._asdict() | {"smallest_detectable": statistics.smallest_detectable(test.standard_error)}
        bootstrap = resampling.paired_bootstrap(draws[a], draws[b])
        row |= {f"bootstrap_{name}": value for name, value in bootstrap._asdict().items()}
        for name, label in (("positives", 1), ("negatives", 0)):
            row |= disagreement(name, correct[a], correct[b], labels == label)
        rows.append(row)
    correct_for_family(rows)
    return rows


def decisions(candidate: Candidate) -> np.ndarray | None:
    """Which test images a model gets right at its screening threshold, (N,) bool; `None` where it has no threshold."""
    point = next((item for item in candidate.points if item.name == SCREENING), None)
    if point is None or np.isnan(point.threshold):
        return None
    test = candidate.parts["test"]
    return (test.logits >= point.threshold) == (test.labels == 1)


def disagreement(name: str, a: np.ndarray | None, b: np.ndarray | None, among: np.ndarray) -> dict[str, float]:
    """The McNemar columns of a pair, of the images in `among` alone, (N,) bool."""
    if a is None or b is None:
        return dict.fromkeys((f"{name}_only_a", f"{name}_only_b", f"p_{name}"), nan)
    test = statistics.mcnemar(a[among], b[among])
    return {f"{name}_only_a": test.only_a, f"{name}_only_b": test.only_b, f"p_{name}": test.p_value}


def correct_for_family(rows: Sequence[dict[str, Any]]) -> None:
    """Add Holm's adjusted p-values to the pairs of a group, see `table` for the families."""
    for row, adjusted in zip(rows, statistics.holm([row["p_value"] for row in rows]), strict=True):
        row["p_holm"] = adjusted
    names = ("positives", "negatives")
    adjusted = statistics.holm([row[f"p_{name}"] for name in names for row in rows])
    # The family holds the tests of all pairs on positives, then those on negatives.
    for place, name in enumerate(names):
        for row, value in zip(rows, adjusted[place * len(rows) :], strict=False):
            row[f"p_{name}_holm"] = value
