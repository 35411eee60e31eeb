"""Metrics agree with scikit-learn and with their definitions, and are NaN where they are undefined."""

import math

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from retina.numbers import metrics, ranking
from retina.numbers.metrics import Confusion

pairs = st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=1, max_size=40)
cells = st.builds(Confusion, *[st.integers(0, 30)] * 4)
share = st.floats(0, 1)


def arrays(rows):
    labels, scores = zip(*rows, strict=True)
    return np.array(labels), np.array(scores, np.float64)


def images_of(counts):
    """Labels and calls of each image of a confusion matrix."""
    return np.repeat([1, 0, 1, 0], counts), np.repeat([1, 1, 0, 0], counts)


@given(pairs)
def test_log_loss_and_brier_are_those_of_the_probabilities(rows):
    labels, scores = arrays(rows)
    assert metrics.log_loss(labels, scores) == pytest.approx(reference.log_loss(labels, expit(scores), labels=[0, 1]))
    assert metrics.brier(labels, scores) == pytest.approx(
        reference.brier_score_loss(labels, expit(scores), pos_label=1)
    )


def test_log_loss_is_exact_where_probabilities_round_to_one():
    assert metrics.log_loss(np.array([0]), np.array([800.0])) == pytest.approx(800.0)


def test_a_recalibration_that_failed_has_neither_brier_nor_log_loss():
    nothing = np.full(2, np.nan)
    assert math.isnan(metrics.brier(np.array([0, 1]), nothing))
    assert math.isnan(metrics.log_loss(np.array([0, 1]), nothing))


@given(pairs, st.integers(-4, 4))
def test_an_image_at_the_threshold_is_called_positive(rows, threshold):
    labels, scores = arrays(rows)
    counts = metrics.confusion(labels, scores, threshold)
    expected = reference.confusion_matrix(labels, scores >= threshold, labels=[0, 1])
    assert (counts.tn, counts.fp, counts.fn, counts.tp) == tuple(expected.ravel())
    assert all(type(count) is int for count in counts)


def test_accuracy_calls_a_probability_of_one_half_positive():
    assert metrics.accuracy(np.array([1, 0, 1, 0]), np.array([0.0, 0.0, 2.0, -2.0])) == 0.75


@given(cells)
def test_proportions_are_scikit_learns_where_they_are_defined(counts):
    labels, called = images_of(counts)
    expected = {
        "sensitivity": (reference.recall_score, counts.tp + counts.fn, {}),
        "specificity": (reference.recall_score, counts.fp + counts.tn, {"pos_label": 0}),
        "ppv": (reference.precision_score, counts.tp + counts.fp, {}),
        "npv": (reference.precision_score, counts.fn + counts.tn, {"pos_label": 0}),
        "f1": (reference.f1_score, counts.tp + counts.fp + counts.fn, {}),
        "accuracy": (reference.accuracy_score, sum(counts), {}),
        "balanced_accuracy": (
            reference.balanced_accuracy_score,
            (counts.tp + counts.fn) * (counts.fp + counts.tn),
            {},
        ),
        "mcc": (
            reference.matthews_corrcoef,
            (counts.tp + counts.fn) * (counts.fp + counts.tn) * (counts.tp + counts.fp) * (counts.fn + counts.tn),
            {},
        ),
    }
    for name, (function, defined, options) in expected.items():
        found = getattr(counts, name)
        if defined:
            assert found == pytest.approx(function(labels, called, **options), abs=1e-12), name
        else:
            assert math.isnan(found), name


@pytest.mark.parametrize("labels", [[1, 1, 1, 0], [0, 0, 0, 1], [1, 1], [0]])
def test_the_baselines_are_what_the_best_constant_answer_scores(labels):
    labels = np.array(labels)
    prevalence = labels.mean()
    assert metrics.majority_accuracy(labels) == max(np.mean(labels == 1), np.mean(labels == 0))
    assert metrics.prevalence_brier(labels) == pytest.approx(np.mean((labels - prevalence) ** 2))
    constants = np.full(len(labels), prevalence)
    expected = reference.log_loss(labels, constants, labels=[0, 1])
    assert metrics.prevalence_log_loss(labels) == pytest.approx(expected, abs=1e-12)
    assert math.copysign(1, metrics.prevalence_log_loss(labels)) == 1
    assert metrics.prevalence_brier(labels) <= np.mean((labels - (prevalence + 0.01)) ** 2)


@given(cells)
def test_the_predictive_value_at_the_prevalence_of_the_images_is_their_own(counts):
    prevalence = (counts.tp + counts.fn) / sum(counts) if sum(counts) else math.nan
    found = metrics.ppv_at(counts.sensitivity, counts.specificity, prevalence)
    if math.isnan(counts.balanced_accuracy) or math.isnan(counts.ppv):
        assert math.isnan(found)
    else:
        assert found == pytest.approx(counts.ppv, abs=1e-9)


def test_the_predictive_value_falls_with_the_prevalence():
    """Altman and Bland's arithmetic: 0.9 x 0.1 / (0.9 x 0.1 + 0.2 x 0.9) = 1 / 3."""
    assert metrics.ppv_at(0.9, 0.8, 0.1) == pytest.approx(1 / 3)
    assert math.isnan(metrics.ppv_at(0.0, 1.0, 0.1))


@given(share, share, share)
def test_the_predictive_value_is_a_share(sensitivity, specificity, prevalence):
    found = metrics.ppv_at(sensitivity, specificity, prevalence)
    assert math.isnan(found) or 0 <= found <= 1


BAD = [
    ([1, 0], [0.0], "one score an image"),
    ([], [], "at least one"),
    ([[1, 0]], [[0.0, 1.0]], "at least one"),
    ([1, 2], [0.0, 1.0], "0 or 1; found 2"),
    ([1, 0.5], [0.0, 1.0], "0 or 1; found 0.5"),
    ([1, 0], [0.0, np.nan], "finite"),
    ([1, 0], [0.0, np.inf], "finite"),
    ([1], 0.0, "one score an image"),
]


@pytest.mark.parametrize(("labels", "scores", "problem"), BAD)
def test_labels_and_scores_that_do_not_belong_together_are_refused(labels, scores, problem):
    with pytest.raises(ValueError, match=problem):
        metrics.confusion(np.array(labels), np.array(scores), 0.0)
    with pytest.raises(ValueError, match=problem):
        ranking.average_precision(np.array(labels), np.array(scores))


def test_no_call_is_made_without_a_threshold():
    with pytest.raises(ValueError, match="NaN"):
        metrics.confusion(np.array([1]), np.array([1.0]), math.nan)
