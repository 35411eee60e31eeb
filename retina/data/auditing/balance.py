"""Whether prevalence depends on what it should not depend on: the split, and the size of the image."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from retina.data.auditing.rules import Problem, is_label, problem
from retina.errors import some

SIGNIFICANT = 0.001
"""The p-value below which a difference of prevalence is reported."""

LEAST_SHIFT = 0.10
"""The least difference of prevalence between splits that is reported."""

LEAST_V = 0.10
"""The least Cramer's V that is reported: a small effect after Cohen (1988)."""

LEAST_EXPECTED = 5
"""Groups in which fewer of either class are expected are pooled: Cochran's (1954) condition for the test."""


def balance_rules(frame: pd.DataFrame) -> Iterator[Problem]:
    """A prevalence that differs between splits, and image sizes that tell the label.

    Args:
        frame: Listed rows with a column `size`, "widthxheight" or None.
    """
    # With thousands of images a negligible difference is significant too, so that its size counts as well.
    rows = frame[is_label(frame)]
    by_split = prevalence(rows, "split")
    probability, _ = heterogeneity(by_split["positive"], by_split["images"])
    rates = by_split["positive"] / by_split["images"]
    if probability < SIGNIFICANT and rates.max() - rates.min() >= LEAST_SHIFT:
        shares = ", ".join(f"{rate:.1%} in {split}" for split, rate in rates.items())
        yield problem("prevalence-shift", f"prevalence is {shares} (chi-squared test, p = {probability:.1g})")
    by_size = prevalence(rows[rows["size"].notna()], "size")
    probability, effect = heterogeneity(by_size["positive"], by_size["images"])
    if probability < SIGNIFICANT and effect >= LEAST_V:
        rates = by_size["positive"] / by_size["images"]
        shares = some([f"{rates[size]:.1%} of {by_size['images'][size]:,} at {size}" for size in by_size.index])
        test = f"chi-squared test, p = {probability:.1g}, Cramer's V = {effect:.2f}"
        yield problem("size-tells-label", f"image size tells something of the label: positive are {shares} ({test})")


def prevalence(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """Images and positives for each value of a column, most images first; labels are 0 or 1."""
    grouped = rows.groupby(by, sort=False)["label"]
    counts = pd.DataFrame({"images": grouped.size(), "positive": grouped.sum()}).astype(int)
    return counts.sort_values("images", ascending=False, kind="stable")


def heterogeneity(positives: Iterable[int], totals: Iterable[int]) -> tuple[float, float]:
    """Pearson's chi-squared test that groups share one prevalence, and its effect size.

    Groups in which fewer than five of either class are expected are pooled into one (Cochran 1954).

    Args:
        positives: Positives in each group.
        totals: Images in each group, each at least 1.

    Returns:
        The p-value and Cramer's V (1946), both 0-1; 1.0 and 0.0 where there is nothing to compare.
    """
    from scipy.special import chdtrc

    positive, total = np.array(list(positives), dtype=float), np.array(list(totals), dtype=float)
    rate = positive.sum() / total.sum() if total.sum() else 0.0
    small = total * min(rate, 1 - rate) < LEAST_EXPECTED
    pooled = [[values[small].sum()] if small.any() else [] for values in (positive, total)]
    positive, total = (
        np.array([*values[~small], *pool]) for values, pool in zip((positive, total), pooled, strict=True)
    )
    if len(total) < 2 or rate in (0.0, 1.0):  # noqa: PLR2004
        return 1.0, 0.0
    # Of two classes a group's two terms, positives and negatives, add up to this one.
    statistic = float(((positive - total * rate) ** 2 / (total * rate * (1 - rate))).sum())
    # chdtrc is the upper tail of chi-squared; with two classes Cramer's V divides by the number of images alone.
    return float(chdtrc(len(total) - 1, statistic)), float(np.sqrt(statistic / total.sum()))
