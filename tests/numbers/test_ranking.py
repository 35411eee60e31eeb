"""Measures of ranking agree with scikit-learn and with their definitions, and are NaN where they are undefined."""

import math

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st

from retina.numbers import metrics, ranking

pairs = st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=1, max_size=40)


def arrays(rows):
    labels, scores = zip(*rows, strict=True)
    return np.array(labels), np.array(scores, np.float64)


@given(pairs)
def test_auroc_is_the_chance_that_a_positive_outscores_a_negative(rows):
    labels, scores = arrays(rows)
    found = ranking.auroc(labels, scores)
    if len(set(labels)) == 1:
        assert math.isnan(found)
        return
    difference = scores[labels == 1][:, None] - scores[labels == 0][None, :]
    assert found == pytest.approx(np.mean((difference > 0) + 0.5 * (difference == 0)))
    assert found == pytest.approx(reference.roc_auc_score(labels, scores))


@given(pairs)
def test_turning_the_scores_around_turns_the_auroc_around(rows):
    labels, scores = arrays(rows)
    if len(set(labels)) == 2:
        assert ranking.auroc(labels, -scores) == pytest.approx(1 - ranking.auroc(labels, scores))
        assert ranking.auroc(1 - labels, -scores) == pytest.approx(ranking.auroc(labels, scores))
        assert ranking.auroc(labels, np.exp(scores)) == ranking.auroc(labels, scores)


@given(pairs)
def test_the_area_of_a_history_is_the_auroc_but_for_the_last_bit(rows):
    labels, scores = arrays(rows)
    if len(set(labels)) == 2:
        area = ranking.auroc_of_curve(labels, scores)
        assert area == reference.roc_auc_score(labels, scores)
        assert area == pytest.approx(ranking.auroc(labels, scores), abs=1e-15)


@given(pairs)
def test_average_precision_sums_precision_over_the_diseased_found(rows):
    labels, scores = arrays(rows)
    found = ranking.average_precision(labels, scores)
    if not labels.any():
        assert math.isnan(found)
        return
    expected, before = 0.0, 0
    for threshold in sorted(set(scores), reverse=True):
        counts = metrics.confusion(labels, scores, threshold)
        expected += (counts.tp - before) / labels.sum() * counts.ppv
        before = counts.tp
    assert found == pytest.approx(expected)
    assert found == pytest.approx(reference.average_precision_score(labels, scores))


def test_average_precision_of_scores_that_tell_nothing_is_the_prevalence():
    assert ranking.average_precision(np.array([1, 0, 1, 1]), np.zeros(4)) == 0.75


@given(st.lists(st.integers(-3, 3), max_size=20), st.lists(st.integers(-3, 3), max_size=20))
def test_a_score_outscores_those_below_it_and_half_of_its_equals(scores, others):
    found = ranking.outscored(np.array(scores, float), np.array(others, float))
    assert found.tolist() == [sum(2 * (score > other) + (score == other) for other in others) for score in scores]
