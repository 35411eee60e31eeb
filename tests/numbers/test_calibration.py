"""Calibration by its definitions, by scikit-learn's logistic regression, and on models whose calibration is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import binomtest, norm
from sklearn.linear_model import LogisticRegression

from retina.numbers import calibration, metrics, ranking

images = st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=40)
logit_images = st.lists(st.tuples(st.integers(0, 1), st.floats(-8, 8)), min_size=1, max_size=40)


def drawn(seed, size=2000, spread=2.0):
    """Outcomes drawn from the very probabilities given: a perfectly calibrated model. Labels and logits."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(1.0, spread, size)
    return (rng.random(size) < expit(logits)).astype(int), logits


def test_reliability_by_hand():
    labels = np.array([0, 1, 0, 1, 1, 1])
    found = calibration.reliability(labels, np.array([0.5, 0.9, 0.1, 0.3, 0.8, 0.7]), bins=3)
    assert list(found) == [
        *("bin", "lower_edge", "upper_edge", "images", "mean_probability", "observed", "low", "high"),
    ]
    assert list(found["bin"]) == [1, 2, 3]
    assert found["lower_edge"].to_numpy() == pytest.approx([0, 0.4, 0.75])
    assert found["upper_edge"].to_numpy() == pytest.approx([0.4, 0.75, 1])
    assert list(found["images"]) == [2, 2, 2]
    assert found["mean_probability"].to_numpy() == pytest.approx([0.2, 0.6, 0.85])
    assert list(found["observed"]) == [0.5, 0.5, 1.0]
    expected = binomtest(1, 2).proportion_ci(method="wilson")
    assert (found["low"][0], found["high"][0]) == pytest.approx((expected.low, expected.high))
    error = calibration.expected_calibration_error(labels, np.array([0.5, 0.9, 0.1, 0.3, 0.8, 0.7]), bins=3)
    assert error == pytest.approx((0.3 + 0.1 + 0.15) / 3)


@given(images, st.integers(1, 12))
def test_bins_hold_every_image_once_and_never_part_equal_probabilities(rows, bins):
    labels, probabilities = np.array(rows).T
    found = calibration.reliability(labels, probabilities, bins)
    assert found["images"].sum() == len(rows)
    assert found["images"].min() >= 1
    assert len(found) <= bins
    assert found["mean_probability"].is_monotonic_increasing
    assert (found["lower_edge"].iloc[0], found["upper_edge"].iloc[-1]) == (0, 1)
    assert list(found["lower_edge"][1:]) == list(found["upper_edge"][:-1])
    ends = np.cumsum(found["images"])[:-1]
    ascending = np.sort(probabilities)
    assert (ascending[ends - 1] < ascending[ends]).all()


@given(images, st.integers(1, 12), st.randoms(use_true_random=False))
def test_the_error_is_that_of_the_bins_whatever_the_order_of_the_images(rows, bins, random):
    labels, probabilities = np.array(rows).T
    table = calibration.reliability(labels, probabilities, bins)
    gaps = (table["observed"] - table["mean_probability"]).abs() * table["images"] / len(rows)
    assert calibration.expected_calibration_error(labels, probabilities, bins) == pytest.approx(gaps.sum(), abs=1e-12)
    random.shuffle(rows)
    labels, probabilities = np.array(rows).T
    assert calibration.expected_calibration_error(labels, probabilities, bins) == pytest.approx(gaps.sum(), abs=1e-12)


@given(st.integers(1, 200), st.integers(1, 12))
def test_distinct_probabilities_fill_bins_evenly(size, bins):
    probabilities = np.linspace(0, 1, size)
    found = calibration.reliability(np.zeros(size), probabilities, bins)
    assert len(found) == min(size, bins)
    assert found["images"].max() - found["images"].min() <= 1


def test_a_constant_answer_is_one_bin():
    found = calibration.reliability(np.array([1, 1, 1, 0]), np.full(4, 0.75))
    assert len(found) == 1
    assert calibration.expected_calibration_error(np.array([1, 1, 1, 0]), np.full(4, 0.75)) == 0


def test_an_error_is_judged_against_what_a_calibrated_model_would_show():
    """Calibrated models lie in their band in about 95 of 100 sets; one whose logits are doubled lies above it."""
    inside = []
    for seed in range(100):
        labels, logits = drawn(seed, size=200)
        low, high = calibration.calibrated_band(expit(logits), draws=400)
        inside.append(low <= calibration.expected_calibration_error(labels, expit(logits)) <= high)
    assert 88 <= sum(inside) <= 99
    labels, logits = drawn(1)
    error = calibration.expected_calibration_error(labels, expit(2 * logits))
    assert error > 1.5 * calibration.calibrated_band(expit(2 * logits))[1]


def test_the_band_of_one_probability_is_that_of_a_binomial_share():
    """1,000 images of probability 0.3: the distance of the share from 0.3 is half a normal distribution."""
    found = calibration.calibrated_band(np.full(1000, 0.3))
    spread = math.sqrt(0.3 * 0.7 / 1000)
    assert found == pytest.approx((spread * norm.ppf(0.5125), spread * norm.ppf(0.9875)), abs=0.002)


@pytest.mark.parametrize(("size", "bins"), [(7, 3), (90, 10), (640, 10), (641, 1)])
def test_the_band_is_that_of_outcomes_drawn_image_by_image(size, bins):
    probabilities = np.sort(expit(drawn(5, size=size)[1]))
    outcomes = np.random.default_rng(9).random((20_000, size)) < probabilities
    errors = [calibration.expected_calibration_error(row, probabilities, bins) for row in outcomes]
    found = calibration.calibrated_band(probabilities, bins, draws=20_000)
    assert found == pytest.approx(np.quantile(errors, (0.025, 0.975)), abs=0.03 * max(errors))


def test_the_band_depends_on_the_seed_alone():
    probabilities = expit(drawn(0, size=100)[1])
    found = calibration.calibrated_band(probabilities, draws=300, seed=3)
    assert found == calibration.calibrated_band(probabilities[::-1], draws=300, seed=3)
    assert found != calibration.calibrated_band(probabilities, draws=300, seed=4)


def test_certainties_have_a_band_of_0():
    assert calibration.calibrated_band(np.array([0.0, 1.0, 1.0])) == (0.0, 0.0)


def test_probabilities_that_could_not_be_had_have_no_error():
    nothing = np.array([0.5, np.nan])
    assert math.isnan(calibration.expected_calibration_error(np.array([0, 1]), nothing))
    assert all(math.isnan(bound) for bound in calibration.calibrated_band(nothing))


@pytest.mark.parametrize("outside", [-0.1, 1.1])
def test_logits_are_not_probabilities(outside):
    labels, wrong = np.array([0, 1]), np.array([0.5, outside])
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibration.reliability(labels, wrong)
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibration.expected_calibration_error(labels, wrong)
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibration.calibrated_band(wrong)


@pytest.mark.parametrize("temperature", [0.2, 1.0, 3.0, 50.0])
def test_the_temperature_that_was_put_in_is_found(temperature):
    labels, logits = drawn(0, size=20_000)
    assert calibration.fit_temperature(labels, temperature * logits) == pytest.approx(temperature, rel=0.05)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 300.0])
def test_the_temperature_is_the_slope_of_a_logistic_regression_without_intercept(scale):
    labels, logits = drawn(5, size=300)
    fitted = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10, max_iter=1000).fit(logits[:, None], labels)
    assert calibration.fit_temperature(labels, scale * logits) == pytest.approx(scale / fitted.coef_[0, 0], rel=1e-5)


@given(logit_images)
def test_no_other_temperature_is_likelier(rows):
    labels, logits = np.array(rows).T
    found = calibration.fit_temperature(labels, logits)
    if not math.isnan(found):
        assert found > 0
        best = metrics.log_loss(labels, logits / found)
        for other in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0):
            assert best <= metrics.log_loss(labels, logits / (found * other)) + 1e-12


NO_TEMPERATURE = {
    "diseased alone": ([1, 1, 1], [2.0, -1.0, 3.0]),
    "healthy alone": ([0, 0], [2.0, -1.0]),
    "one image": ([1], [2.0]),
    "every sign right": ([1, 1, 0], [2.0, 0.5, -1.0]),
    "mostly wrong": ([1, 0, 0], [-2.0, 1.0, -0.5]),
    "all zero": ([1, 0, 1], [0.0, 0.0, 0.0]),
}


@pytest.mark.parametrize("case", NO_TEMPERATURE)
def test_where_no_temperature_is_likeliest_there_is_none(case):
    assert math.isnan(calibration.fit_temperature(*map(np.array, NO_TEMPERATURE[case])))


def smoothed_regression(labels, logits):
    """Platt's targets as weights of a plain logistic regression: each image once diseased, once healthy."""
    m, n = labels.sum(), (1 - labels).sum()
    target = np.where(labels == 1, (m + 1) / (m + 2), 1 / (n + 2))
    fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(
        np.tile(logits, 2)[:, None],
        np.repeat([1, 0], len(labels)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    return fitted.coef_[0, 0], fitted.intercept_[0]


@pytest.mark.parametrize("seed", range(3))
def test_platt_is_a_logistic_regression_on_his_targets(seed):
    labels, logits = drawn(seed, size=150)
    found = calibration.fit_platt(labels, 0.5 * logits - 2)
    assert found == pytest.approx(smoothed_regression(labels, 0.5 * logits - 2), rel=1e-4)


def test_platt_is_finite_where_the_classes_are_parted_without_error():
    labels, logits = np.array([1, 1, 1, 0, 0]), np.array([3.0, 2.0, 2.5, -1.0, 0.0])
    slope, intercept = calibration.fit_platt(labels, logits)
    assert (slope, intercept) == pytest.approx(smoothed_regression(labels, logits), rel=1e-3)
    assert 0 < slope < 10


def test_platt_undoes_what_was_done_to_calibrated_logits():
    labels, logits = drawn(7, size=20_000)
    slope, intercept = calibration.fit_platt(labels, 4 * logits + 3)
    assert (slope, intercept) == pytest.approx((0.25, -0.75), abs=0.05)


@pytest.mark.parametrize(("scale", "shift"), [(1e-3, 0.0), (200.0, 0.0), (1.0, 1000.0)])
def test_platt_gives_the_same_probabilities_whatever_the_scale_of_the_logits(scale, shift):
    labels, logits = drawn(8, size=200)
    expected = calibration.recalibrate(logits, *calibration.fit_platt(labels, logits))
    other = scale * logits + shift
    assert calibration.recalibrate(other, *calibration.fit_platt(labels, other)) == pytest.approx(expected, abs=1e-6)


def test_platt_turns_a_ranking_that_is_upside_down():
    labels, logits = drawn(9, size=500)
    assert calibration.fit_platt(labels, -logits)[0] == pytest.approx(-calibration.fit_platt(labels, logits)[0])
    assert calibration.fit_platt(labels, -logits)[0] < 0


@pytest.mark.parametrize(("labels", "logits"), [([1, 1], [1.0, 2]), ([0], [1.0]), ([1, 0, 1], [2.0, 2, 2])])
def test_platt_needs_both_classes_and_logits_that_differ(labels, logits):
    assert all(math.isnan(value) for value in calibration.fit_platt(np.array(labels), np.array(logits)))


def test_recalibration_mends_an_over_confident_model_on_other_images():
    (labels, logits), (other_labels, other) = drawn(10), drawn(11)
    before = calibration.expected_calibration_error(other_labels, expit(3 * other))
    scaled = calibration.recalibrate(3 * other, 1 / calibration.fit_temperature(labels, 3 * logits))
    platt = calibration.recalibrate(3 * other, *calibration.fit_platt(labels, 3 * logits))
    for after in (scaled, platt):
        assert calibration.expected_calibration_error(other_labels, expit(after)) < before / 2
        assert metrics.log_loss(other_labels, after) < metrics.log_loss(other_labels, 3 * other)
        assert ranking.auroc(other_labels, after) == ranking.auroc(other_labels, other)


def test_a_recalibration_that_could_not_be_fitted_gives_nothing():
    assert np.isnan(calibration.recalibrate(np.array([1.0, 2.0]), 1 / math.nan)).all()


@pytest.mark.parametrize("fit", [calibration.fit_temperature, calibration.fit_platt])
def test_what_is_not_finite_is_refused(fit):
    with pytest.raises(ValueError, match="finite"):
        fit(np.array([1, 0]), np.array([np.inf, 0.0]))
