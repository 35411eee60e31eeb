"""Curves are read off as their definition says, from images and from resamples; their bands hold what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import precision_recall_curve, roc_curve

from retina.numbers import ranking, resampling
from retina.numbers import roc as curves

images = st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=2, max_size=40).filter(
    lambda rows: {row[0] for row in rows} == {0, 1}
)
CURVES = [curves.roc, curves.precision_recall]


def binormal(seed, positives, negatives):
    labels = np.repeat([1, 0], [positives, negatives])
    return labels, np.random.default_rng(seed).normal(1.2 * labels)


def sensitivities(labels, logits):
    """The best sensitivity among scikit-learn's points with a false positive rate not above the grid's."""
    false_positive_rate, sensitivity, _ = roc_curve(labels, logits, drop_intermediate=False)
    return [sensitivity[false_positive_rate <= step / 200 + 1e-12].max() for step in range(201)]


def precisions(labels, logits):
    """The precision of scikit-learn's highest threshold that reaches the grid's sensitivity."""
    precision, sensitivity, _ = precision_recall_curve(labels, logits)
    places = [np.flatnonzero(sensitivity[:-1] >= step / 200 - 1e-12)[-1] for step in range(1, 201)]
    return precision[places]


@settings(max_examples=50)
@given(images)
def test_the_curves_are_scikit_learns_read_on_a_grid(rows):
    labels, logits = np.array(rows).T
    assert curves.roc(labels, logits, draws=1)["sensitivity"].to_numpy() == pytest.approx(sensitivities(labels, logits))
    found = curves.precision_recall(labels, logits, draws=1)["precision"].to_numpy()
    assert found == pytest.approx(precisions(labels, logits))


@pytest.mark.parametrize("seed", range(3))
def test_the_band_is_that_of_the_curves_of_the_images_drawn(seed):
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], [23, 14])
    logits = np.round(rng.normal(labels), 1)
    drawn = []
    for chunk in resampling.resamples(23, 14, 60, seed):
        for column in range(chunk.positives.shape[1]):
            counts = np.concatenate([chunk.positives[:, column], chunk.negatives[:, column]]).astype(int)
            drawn.append(np.repeat(np.arange(37), counts))
    for make, read in ((curves.roc, sensitivities), (curves.precision_recall, precisions)):
        found = make(labels, logits, draws=60, seed=seed)
        low, high = np.quantile([read(labels[each], logits[each]) for each in drawn], (0.025, 0.975), axis=0)
        assert found["low"].to_numpy() == pytest.approx(low)
        assert found["high"].to_numpy() == pytest.approx(high)


def test_columns_and_grids():
    labels, logits = binormal(0, 30, 20)
    roc, precision = (make(labels, logits, draws=20) for make in CURVES)
    assert list(roc) == ["false_positive_rate", "sensitivity", "low", "high"]
    assert list(precision) == ["sensitivity", "precision", "low", "high"]
    assert roc["false_positive_rate"].to_numpy() == pytest.approx(np.linspace(0, 1, 201))
    assert precision["sensitivity"].to_numpy() == pytest.approx(np.linspace(0.005, 1, 200))


@settings(max_examples=30)
@given(images)
def test_a_roc_curve_rises_to_1_within_its_bounds(rows):
    labels, logits = np.array(rows).T
    found = curves.roc(labels, logits, draws=30)
    assert found.to_numpy().min() >= 0
    assert found.to_numpy().max() <= 1
    assert (found["low"] <= found["high"]).all()
    assert found["sensitivity"].is_monotonic_increasing
    assert found["sensitivity"].iloc[-1] == 1


def test_the_area_under_the_roc_curve_is_the_auroc():
    """With 200 healthy eyes and no ties the grid holds every step."""
    labels, logits = binormal(1, 90, 200)
    steps = curves.roc(labels, logits, draws=1)["sensitivity"].to_numpy()[:-1]
    assert steps.mean() == pytest.approx(ranking.auroc(labels, logits))


def test_scores_that_tell_nothing():
    labels, logits = np.repeat([1, 0], [30, 10]), np.zeros(40)
    roc, precision = (make(labels, logits, draws=20) for make in CURVES)
    assert (roc["sensitivity"].iloc[:-1] == 0).all()
    assert (precision[["precision", "low", "high"]] == 0.75).all(axis=None)


def test_perfect_scores():
    labels = np.repeat([1, 0], [30, 10])
    roc, precision = (make(labels, labels + np.arange(40) / 100, draws=20) for make in CURVES)
    assert (roc[["sensitivity", "low", "high"]] == 1).all(axis=None)
    assert (precision[["precision", "low", "high"]] == 1).all(axis=None)


@pytest.mark.parametrize("make", CURVES)
@pytest.mark.parametrize("labels", [[1, 1, 1], [0, 0], [1], [0]])
def test_one_class_has_a_grid_and_no_curve(make, labels):
    found = make(np.array(labels), np.arange(float(len(labels))), draws=20)
    assert len(found) >= 200
    assert found.iloc[:, 0].notna().all()
    assert found.iloc[:, 1:].isna().all(axis=None)


@pytest.mark.parametrize("make", CURVES)
def test_the_same_seed_gives_the_same_band(make):
    labels, logits = binormal(2, 40, 30)
    assert make(labels, logits, draws=50).equals(make(labels, logits, draws=50))
    assert not make(labels, logits, draws=50).equals(make(labels, logits, draws=50, seed=1))


def test_the_band_covers_the_true_curve_as_often_as_it_says():
    """At a false positive rate of 0.2 the binormal curve is at Phi(1.2 + Phi^-1(0.2)); 150 samples of 80 + 80 eyes."""
    truth = norm.cdf(1.2 + norm.ppf(0.2))
    rows = [curves.roc(*binormal(seed, 80, 80), draws=200).iloc[40] for seed in range(150)]
    assert 0.90 <= np.mean([row["low"] <= truth <= row["high"] for row in rows]) <= 0.99


@pytest.mark.parametrize("make", CURVES)
def test_what_is_not_finite_is_refused(make):
    with pytest.raises(ValueError, match="finite"):
        make(np.array([1, 0]), np.array([0.0, np.nan]))
