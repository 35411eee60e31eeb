"""Two models on the same test images: paired differences with their uncertainty and the family they belong to.

The pairs of k models are k (k - 1) / 2, and Holm's correction over all of them leaves less to find with every model. So
beyond `MOST_MODELS` a group's first model, by validation AUROC, is compared with each of the others, and no more.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, islice, product
from typing import TYPE_CHECKING, Any

import numpy as np

from retina.analysis.gathering.candidates import Candidate, Group
from retina.numbers import resampling, statistics
from retina.numbers.operating_points import SCREENING

if TYPE_CHECKING:
    import pandas as pd

MOST_MODELS = 50
"""Models of a group whose pairs are all tested: 1,225 pairs."""

COLUMNS = (
    *("data", "model_a", "model_b", "images", "positives"),
    *("auroc_a", "auroc_b", "difference", "standard_error", "low", "high", "z", "p_value"),
    *("p_holm", "smallest_detectable", "bootstrap_low", "bootstrap_high", "bootstrap_p_value"),
    *("positives_only_a", "positives_only_b", "p_positives", "p_positives_holm"),
    *("negatives_only_a", "negatives_only_b", "p_negatives", "p_negatives_holm", "not_paired"),
)


def table(groups: Sequence[Group], *, every: bool = False) -> "pd.DataFrame":
    """The pairs, one row each; pairs that share no test images have no number, and `not_paired` says why.

    Differences are model a minus model b. DeLong's test and the exact McNemar tests are two-sided. Holm's correction
    covers two families in every group: the AUROC tests of all its pairs here, and their McNemar tests, positives and
    negatives together. McNemar's decisions are those at the threshold that reached 95 % sensitivity on validation.

    Args:
        groups: The models.
        every: All pairs of all groups; else, in a group of more than `MOST_MODELS`, those with its first model.

    Returns:
        `COLUMNS`.
    """
    import pandas as pd

    frames = [within(group, every=every) for group in groups]
    for first, second in combinations(groups, 2):
        reason = f"different data: {first.name} and {second.name}"
        apart = list(product(*(labels(firsts(tested(group), every=every)) for group in (first, second))))
        frames.append(pd.DataFrame(apart, columns=["model_a", "model_b"]).assign(not_paired=reason))
    frames = [frame.dropna(axis="columns", how="all") for frame in frames if len(frame)]
    return (
        pd.concat(frames, ignore_index=True).reindex(columns=list(COLUMNS)) if frames else pd.DataFrame(columns=COLUMNS)
    )


def firsts(models: Sequence[Candidate], *, every: bool) -> Sequence[Candidate]:
    """The models that are compared with all after them: every one of few, the first of many."""
    return models if every or len(models) <= MOST_MODELS else models[:1]


def labels(models: Sequence[Candidate]) -> list[str]:
    """Their labels."""
    return [model.label for model in models]


def tested(group: Group) -> list[Candidate]:
    """The models of a group that have test scores, in its order."""
    return [candidate for candidate in group.candidates if "test" in candidate.parts]


def is_complete(group: Group, pairs: "pd.DataFrame") -> bool:
    """Whether all pairs of a group were tested; `pairs` has those that were."""
    models = len(tested(group))
    return len(pairs) == models * (models - 1) // 2


def within(group: Group, *, every: bool) -> "pd.DataFrame":
    """The pairs of one group, with the columns of `COLUMNS` that they have; models without test scores are left out."""
    import pandas as pd

    members = tested(group)
    if len(members) < 2:  # noqa: PLR2004 - a pair
        return pd.DataFrame()
    frame = pd.concat([pd.DataFrame(block) for block in blocks(group, members, every=every)], ignore_index=True)
    frame["p_holm"] = statistics.holm(frame["p_value"])
    names = ("positives", "negatives")
    # The family holds the tests of all pairs on positives, then those on negatives.
    adjusted = statistics.holm(pd.concat([frame[f"p_{name}"] for name in names]))
    for name, part in zip(names, (adjusted[: len(frame)], adjusted[len(frame) :]), strict=True):
        frame[f"p_{name}_holm"] = part
    images = members[0].parts["test"].labels
    return frame.assign(data=group.name, images=len(images), positives=int(images.sum()))


def blocks(group: Group, members: Sequence[Candidate], *, every: bool) -> Iterator[dict[str, Any]]:
    """The columns of each model's pairs with all models after it, before they are corrected as a family."""
    diseased = members[0].parts["test"].labels == 1
    draws = np.stack([group.draws["test"][member.label] for member in members])
    decided = [decisions(member) for member in members]
    known = np.array([calls is not None for calls in decided])
    correct = np.stack([np.zeros(len(diseased), bool) if calls is None else calls for calls in decided])
    names = np.array(labels(members), dtype=object)
    tests = statistics.paired_delong_rest(diseased, np.stack([member.parts["test"].logits for member in members]))
    for a, test in enumerate(islice(tests, len(firsts(members, every=every)))):
        others = slice(a + 1, None)
        block = {"model_a": names[a], "model_b": names[others]} | test._asdict()
        block["smallest_detectable"] = statistics.smallest_detectable(test.standard_error)
        bootstrap = resampling.paired_bootstrap(draws[a], draws[others])
        block |= {f"bootstrap_{name}": values for name, values in bootstrap._asdict().items()}
        for name, among in (("positives", diseased), ("negatives", ~diseased)):
            counts = statistics.mcnemar(correct[a][among], correct[others][:, among])
            columns = (f"{name}_only_a", f"{name}_only_b", f"p_{name}")
            block |= {
                column: np.where(known[a] & known[others], values, np.nan)
                for column, values in zip(columns, counts, strict=True)
            }
        yield block


def decisions(candidate: Candidate) -> np.ndarray | None:
    """Which test images a model gets right at its screening threshold, (N,) bool; `None` where it has no threshold."""
    point = next((item for item in candidate.points if item.name == SCREENING), None)
    if point is None or np.isnan(point.threshold):
        return None
    test = candidate.parts["test"]
    return (test.logits >= point.threshold) == (test.labels == 1)
