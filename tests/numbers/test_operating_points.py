"""Thresholds follow their stated rules, come from validation alone, and say so."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from retina.numbers import operating_points
from retina.numbers.metrics import Confusion, confusion

both_classes = st.lists(st.tuples(st.integers(0, 1), st.integers(-4, 4)), min_size=2, max_size=60).filter(
    lambda rows: {row[0] for row in rows} == {0, 1}
)


def arrays(rows):
    labels, logits = zip(*rows, strict=True)
    return np.array(labels), np.array(logits, np.float64)


@given(both_classes)
def test_screening_is_the_highest_threshold_that_reaches_its_sensitivity(rows):
    labels, logits = arrays(rows)
    point = operating_points.choose(labels, logits)[0]
    assert point.name == "sensitivity_95"
    assert 100 * point.validation.tp >= 95 * labels.sum()
    for higher in sorted(set(logits)):
        if higher > point.threshold:
            assert 100 * confusion(labels, logits, higher).tp < 95 * labels.sum()
    assert point.threshold in logits


@pytest.mark.parametrize(("diseased", "found"), [(1, 1), (19, 19), (20, 19), (39, 38), (40, 38), (506, 481)])
def test_screening_finds_no_more_than_it_must(diseased, found):
    """Of 20 diseased eyes 19 are 95 %; of 19, and of 506 (480.7), the next whole eye."""
    labels = np.repeat([1, 0], [diseased, 5])
    point = operating_points.choose(labels, np.arange(diseased + 5.0))[0]
    assert point.validation.tp == found


@given(both_classes)
def test_youden_is_the_largest_sum_and_among_equals_the_most_sensitive(rows):
    labels, logits = arrays(rows)
    point = operating_points.choose(labels, logits)[1]
    assert point.name == "youden"
    best = point.validation.sensitivity + point.validation.specificity
    for other in set(logits):
        counts = confusion(labels, logits, other)
        reached = counts.sensitivity + counts.specificity
        assert reached <= best + 1e-12
        if other < point.threshold:
            assert reached < best - 1e-12


def test_a_tie_of_youden_goes_to_the_lower_threshold():
    """At 3: 1/2 + 1 - 1; at 1: 1 + 1/2 - 1."""
    point = operating_points.choose(np.array([1, 0, 1, 0]), np.array([3.0, 2.0, 1.0, 0.0]))[1]
    assert point.threshold == 1.0


def test_scores_worse_than_chance_leave_youden_calling_every_eye_positive():
    point = operating_points.choose(np.array([1, 1, 0]), np.array([0.0, 1.0, 2.0]))[1]
    assert point.threshold == 0.0
    assert point.validation == Confusion(2, 1, 0, 0)


@given(both_classes)
def test_provenance_stands_with_every_point(rows):
    labels, logits = arrays(rows)
    points = operating_points.choose(labels, logits)
    assert [point.chosen_on for point in points] == ["validation", "validation", "nothing"]
    for point in points:
        assert point.rule
        assert point.validation == confusion(labels, logits, point.threshold)
        assert operating_points.apply(point, labels, logits) == point.validation


def test_a_point_is_applied_to_other_images_as_it_is():
    labels, logits = np.array([1, 1, 0, 0]), np.array([2.0, 1.0, 0.5, -1.0])
    point = operating_points.choose(labels, logits)[0]
    found = operating_points.apply(point, np.array([1, 1, 0, 0]), np.array([1.0, 0.9, 1.1, -3.0]))
    assert found == Confusion(tp=1, fp=1, fn=1, tn=1)


@pytest.mark.parametrize("labels", [[1, 1, 1], [0, 0, 0], [1], [0]])
def test_one_class_chooses_nothing_but_one_half_needs_no_choice(labels):
    labels, logits = np.array(labels), np.arange(float(len(labels)))
    screening, youden, half = operating_points.choose(labels, logits)
    for point in (screening, youden):
        assert math.isnan(point.threshold)
        assert point.validation is None
        assert operating_points.apply(point, np.array([1, 0]), np.array([1.0, 0.0])) is None
    assert half.threshold == 0
    assert operating_points.apply(half, np.array([1, 0]), np.array([0.0, -1.0])) == Confusion(1, 0, 0, 1)


@given(st.builds(Confusion, *[st.integers(0, 30)] * 4))
def test_intervals_are_wilsons_about_each_share(counts):
    found = operating_points.intervals(counts)
    totals = {
        "sensitivity": (counts.tp, counts.tp + counts.fn),
        "specificity": (counts.tn, counts.tn + counts.fp),
        "ppv": (counts.tp, counts.tp + counts.fp),
        "npv": (counts.tn, counts.tn + counts.fn),
        "accuracy": (counts.tp + counts.tn, sum(counts)),
    }
    for name, (hits, total) in totals.items():
        if total:
            expected = binomtest(hits, total).proportion_ci(method="wilson")
            assert getattr(found, name) == pytest.approx((expected.low, expected.high), abs=1e-12)
        else:
            assert all(math.isnan(bound) for bound in getattr(found, name))


def test_images_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="one score an image"):
        operating_points.choose(np.array([1, 0]), np.array([1.0]))
