"""Whether prevalence depends on the split or the size of the image."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from retina.data.auditing.balance import LEAST_V, SIGNIFICANT, balance_rules, heterogeneity


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(20, 400), st.integers(20, 400)), min_size=2, max_size=5))
def test_the_test_of_prevalence_is_pearsons(groups):
    positives, negatives = zip(*groups, strict=True)
    totals = [sum(group) for group in groups]
    share = sum(positives) / sum(totals)
    if min(totals) * min(share, 1 - share) < 5:
        return
    expected = stats.chi2_contingency([positives, negatives], correction=False)
    probability, effect = heterogeneity(positives, totals)
    assert probability == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-300)
    assert effect == pytest.approx(stats.contingency.association([positives, negatives], method="cramer"), abs=1e-12)


def test_groups_too_small_for_the_test_are_pooled():
    assert heterogeneity([60, 40, 1, 0, 1], [100, 100, 1, 1, 1]) == heterogeneity([60, 40, 2], [100, 100, 3])


@pytest.mark.parametrize(("positives", "totals"), [([], []), ([3], [5]), ([50, 40], [50, 40]), ([0, 0], [50, 40])])
def test_where_there_is_nothing_to_compare_nothing_is_found(positives, totals):
    assert heterogeneity(positives, totals) == (1.0, 0.0)


def test_a_size_that_tells_little_of_the_label_is_not_reported():
    rates = {"a": 0.50, "b": 0.53}
    frame = pd.concat(
        pd.DataFrame(
            {"split": "train", "size": size, "label": pd.array(np.arange(20_000) < rate * 20_000, dtype="Int64")}
        )
        for size, rate in rates.items()
    )
    probability, effect = heterogeneity([10_000, 10_600], [20_000, 20_000])
    assert probability < SIGNIFICANT
    assert effect < LEAST_V
    assert list(balance_rules(frame)) == []


def test_a_size_that_tells_the_label_by_chance_is_not_reported():
    labelled = pd.array([1] * 13 + [0] * 7 + [1] * 7 + [0] * 13, dtype="Int64")
    frame = pd.DataFrame({"split": "train", "size": ["a"] * 20 + ["b"] * 20, "label": labelled})
    probability, effect = heterogeneity([13, 7], [20, 20])
    assert probability > SIGNIFICANT
    assert effect > LEAST_V
    assert list(balance_rules(frame)) == []
