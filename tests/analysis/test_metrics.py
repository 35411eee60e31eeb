"""Metrics agree with scikit-learn and scipy, and with their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import binomtest
from sklearn.metrics import log_loss, roc_auc_score

from retina.analysis import metrics

pairs = st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=1, max_size=40)


def arrays(rows):
    labels, scores = zip(*rows, strict=True)
    return np.array(labels), np.array(scores, np.float64)


@given(pairs)
def test_auroc_is_the_chance_that_a_positive_outscores_a_negative(rows):
    labels, scores = arrays(rows)
    found = metrics.auroc(labels, scores)
    if len(set(labels)) == 1:
        assert math.isnan(found)
        return
    difference = scores[labels == 1][:, None] - scores[labels == 0][None, :]
    assert found == pytest.approx(np.mean((difference > 0) + 0.5 * (difference == 0)))
    assert found == pytest.approx(roc_auc_score(labels, scores))


@given(pairs)
def test_turning_the_scores_around_turns_the_auroc_around(rows):
    labels, scores = arrays(rows)
    if len(set(labels)) == 2:
        assert metrics.auroc(labels, -scores) == pytest.approx(1 - metrics.auroc(labels, scores))
        assert metrics.auroc(1 - labels, -scores) == pytest.approx(metrics.auroc(labels, scores))
        assert metrics.auroc(labels, np.exp(scores)) == metrics.auroc(labels, scores)


@given(pairs)
def test_log_loss_is_that_of_the_probabilities(rows):
    labels, scores = arrays(rows)
    expected = log_loss(labels, expit(scores), labels=[0, 1])
    assert metrics.log_loss(labels, scores) == pytest.approx(expected)


def test_log_loss_is_exact_where_probabilities_round_to_one():
    assert metrics.log_loss(np.array([0]), np.array([800.0])) == pytest.approx(800.0)


@given(pairs)
def test_accuracy_is_the_share_on_the_right_side_of_one_half(rows):
    labels, scores = arrays(rows)
    assert metrics.accuracy(labels, scores) == np.mean((expit(scores) > 0.5) == labels)


@given(st.integers(0, 60), st.integers(1, 60))
def test_wilson_is_scipys(successes, total):
    successes = min(successes, total)
    expected = binomtest(successes, total).proportion_ci(method="wilson")
    assert metrics.wilson(successes, total) == pytest.approx((expected.low, expected.high), abs=1e-12)
