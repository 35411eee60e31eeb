"""What "clearly" means: intervals and standard errors of metrics of a few hundred images."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina.analysis.diagnosis import evidence


@given(st.integers(1, 2000), st.floats(0, 1))
def test_the_interval_of_an_accuracy_holds_it_to_the_nearest_image(images, accuracy):
    low, high = evidence.interval(accuracy, images)
    assert 0 <= low <= round(accuracy * images) / images + 1e-12
    assert round(accuracy * images) / images - 1e-12 <= high <= 1


def test_nothing_is_clear_about_an_unknown_accuracy():
    assert not evidence.clearly_above(math.nan, 100, 0.0)
    assert not evidence.clearly_below(math.nan, 100, 1.0)


def test_an_accuracy_is_clearly_above_a_baseline_on_many_images_and_not_on_few():
    assert evidence.clearly_above(0.85, 1000, 0.8)
    assert not evidence.clearly_above(0.85, 100, 0.8)
    assert evidence.clearly_below(0.75, 1000, 0.8)
    assert not evidence.clearly_below(0.75, 100, 0.8)


@given(st.integers(1, 500), st.integers(1, 500))
def test_the_error_of_an_auroc_of_one_half_is_that_of_the_rank_sum_test(positives, negatives):
    """Mann and Whitney 1947: the variance of U under the null hypothesis is mn (m + n + 1) / 12."""
    exact = math.sqrt((positives + negatives + 1) / (12 * positives * negatives))
    assert evidence.auroc_error(0.5, positives, negatives) == pytest.approx(exact)


@pytest.mark.parametrize(("auroc", "positives", "negatives"), [(0.9, 0, 5), (0.9, 5, 0), (math.nan, 5, 5)])
def test_there_is_no_error_without_both_classes_or_an_auroc(auroc, positives, negatives):
    assert math.isnan(evidence.auroc_error(auroc, positives, negatives))


def test_the_error_of_a_difference_is_that_of_independent_images():
    assert evidence.difference_error(0.5, 0.5, 200) == pytest.approx(0.05)
    assert evidence.difference_error(1.0, 0.0, 200) == 0.0
