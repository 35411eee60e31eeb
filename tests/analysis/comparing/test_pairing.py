"""Every pair of models with its paired tests, recomputed here from the logits."""

import numpy as np
import pytest

from retina.analysis.comparing import pairing
from retina.numbers import operating_points, statistics


@pytest.fixture(scope="module")
def pairs(groups):
    return pairing.table(groups)


def test_every_pair_stands_once_with_the_paired_test_of_its_scores(groups, pairs):
    members = {item.label: item.parts["test"] for item in groups[0].candidates}
    assert len(pairs) == 9 * 8 / 2
    assert len({frozenset((row.model_a, row.model_b)) for row in pairs.itertuples()}) == len(pairs)
    for row in pairs.itertuples():
        a, b = members[row.model_a], members[row.model_b]
        test = statistics.paired_delong(a.labels, a.logits, b.logits)
        assert (row.difference, row.p_value) == pytest.approx((test.difference, test.p_value))
        assert row.smallest_detectable == pytest.approx(2.80 * test.standard_error)
        assert row.bootstrap_low < row.difference < row.bootstrap_high


def test_holm_covers_all_auroc_tests_as_one_family_and_all_mcnemar_tests_as_another(pairs):
    assert pairs["p_holm"].tolist() == pytest.approx(statistics.holm(pairs["p_value"]).tolist())
    both = [*pairs["p_positives"], *pairs["p_negatives"]]
    adjusted = [*pairs["p_positives_holm"], *pairs["p_negatives_holm"]]
    assert adjusted == pytest.approx(statistics.holm(both).tolist())


def test_mcnemar_counts_decisions_at_the_screening_threshold_of_each_model(groups, pairs):
    right = {}
    for item in groups[0].candidates:
        validation, test = item.parts["validation"], item.parts["test"]
        threshold = operating_points.choose(validation.labels, validation.logits)[0].threshold
        right[item.label] = (test.logits >= threshold) == (test.labels == 1)
    labels = groups[0].candidates[0].parts["test"].labels
    for row in pairs.itertuples():
        a, b = right[row.model_a], right[row.model_b]
        assert row.positives_only_a == np.sum(a & ~b & (labels == 1))
        assert row.positives_only_b == np.sum(b & ~a & (labels == 1))
        assert row.negatives_only_a == np.sum(a & ~b & (labels == 0))
        assert row.negatives_only_b == np.sum(b & ~a & (labels == 0))
