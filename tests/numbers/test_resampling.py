"""The bootstrap draws within classes, gives every model the same resamples, and is exact in each of them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from retina.numbers import ranking, resampling, statistics

rows_of_two = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=20
).filter(lambda rows: {row[0] for row in rows} == {0, 1})


def binormal(seed, positives, negatives, models=1, shift=1.2):
    rng = np.random.default_rng(seed)
    labels = np.repeat([1, 0], [positives, negatives])
    return labels, rng.normal(shift * labels, 1.0, (models, len(labels)))


def drawn_images(labels, draws, seed):
    """Which images each resample holds, as its counts say."""
    places = [np.flatnonzero(labels == label) for label in (1, 0)]
    for chunk in resampling.resamples(*map(len, places), draws, seed):
        for column in range(chunk.positives.shape[1]):
            counts = (chunk.positives[:, column], chunk.negatives[:, column])
            yield np.concatenate(
                [np.repeat(*pair) for pair in zip(places, (c.astype(int) for c in counts), strict=True)]
            )


@settings(max_examples=30)
@given(rows_of_two, st.integers(0, 5))
def test_every_value_is_the_auroc_of_the_images_drawn(rows, seed):
    labels, *scores = np.array(rows).T
    found = resampling.bootstrap_aurocs(labels, np.array(scores), draws=7, seed=seed)
    for draw, images in enumerate(drawn_images(labels, 7, seed)):
        for model in range(2):
            expected = ranking.auroc(labels[images], scores[model][images])
            assert found[model, draw] == pytest.approx(expected, abs=1e-12)


def test_a_resample_keeps_the_size_of_each_class():
    chunks = list(resampling.resamples(30, 12, 300, 0))
    assert sum(chunk.positives.shape[1] for chunk in chunks) == 300
    for chunk in chunks:
        assert (chunk.positives.sum(axis=0) == 30).all()
        assert (chunk.negatives.sum(axis=0) == 12).all()
    assert len({tuple(column) for chunk in chunks for column in chunk.negatives.T}) > 290


def test_every_image_is_drawn_equally_often():
    """Each of 10 images is drawn once a resample on average, with a variance of 0.9."""
    counts = np.concatenate([chunk.positives for chunk in resampling.resamples(10, 2, 5000, 1)], axis=1)
    assert np.abs(counts.mean(axis=1) - 1).max() < 4 * math.sqrt(0.9 / 5000)
    assert counts.var() == pytest.approx(0.9, rel=0.05)


def test_results_depend_on_the_seed_and_not_on_the_chunk(monkeypatch):
    labels, scores = binormal(0, 20, 15, models=2)
    found = resampling.bootstrap_aurocs(labels, scores, draws=300, seed=4)
    assert (found == resampling.bootstrap_aurocs(labels, scores, draws=300, seed=4)).all()
    assert (found != resampling.bootstrap_aurocs(labels, scores, draws=300, seed=5)).any()
    monkeypatch.setattr(resampling, "CHUNK", 37)
    assert (found == resampling.bootstrap_aurocs(labels, scores, draws=300, seed=4)).all()


def test_models_share_their_resamples():
    labels, scores = binormal(0, 40, 30, models=2)
    together = resampling.bootstrap_aurocs(labels, np.stack([scores[0], scores[1], np.exp(scores[0])]), draws=200)
    assert (together[0] == together[2]).all()
    assert (together[1] == resampling.bootstrap_aurocs(labels, scores[1:], draws=200)[0]).all()


def test_the_interval_is_scipys_stratified_bootstrap():
    labels, scores = binormal(2, 60, 40)
    area = ranking.auroc(labels, scores[0])
    found = resampling.percentile_interval(resampling.bootstrap_aurocs(labels, scores, draws=4000)[0])
    expected = bootstrap(
        (scores[0][labels == 1], scores[0][labels == 0]),
        lambda a, b, axis: (a[..., :, None] > b[..., None, :]).mean(axis=(-2, -1)),
        n_resamples=4000,
        batch=500,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert found == pytest.approx(tuple(expected), abs=0.006)
    assert found[0] < area < found[1]


def test_its_spread_is_delongs():
    labels, scores = binormal(3, 120, 80, models=2)
    values = resampling.bootstrap_aurocs(labels, scores)
    pair = statistics.paired_delong(labels, *scores)
    assert values[0].std() == pytest.approx(statistics.delong(labels, scores[0]).standard_error, rel=0.06)
    assert (values[0] - values[1]).std() == pytest.approx(pair.standard_error, rel=0.06)


def test_intervals_cover_as_often_as_they_say():
    """300 seeded samples of 60 + 60 binormal eyes, true AUROC 0.8019: 92-98 % of intervals hold it."""
    labels, scores = binormal(6, 60, 60, models=300)
    bounds = [resampling.percentile_interval(row) for row in resampling.bootstrap_aurocs(labels, scores, draws=500)]
    assert 0.92 <= np.mean([low <= 0.8019 <= high for low, high in bounds]) <= 0.98


def test_perfect_scores_stay_perfect_in_every_resample():
    values = resampling.bootstrap_aurocs(np.array([1, 1, 0, 0]), np.array([[4.0, 3, 2, 1]]), draws=50)
    assert (values == 1).all()
    assert resampling.percentile_interval(values[0]) == (1.0, 1.0)


@pytest.mark.parametrize("labels", [[1, 1], [0], [1]])
def test_one_class_gives_no_value(labels):
    values = resampling.bootstrap_aurocs(np.array(labels), np.zeros((3, len(labels))), draws=10)
    assert values.shape == (3, 10)
    assert np.isnan(values).all()
    assert np.isnan(resampling.percentile_interval(values[0])).all()
    assert np.isnan(resampling.paired_bootstrap(values[0], values[1])).all()
    assert np.isnan(resampling.paired_bootstrap(values[0], values)).all()


def test_a_percentile_interval_leaves_out_a_fortieth_on_either_side():
    assert resampling.percentile_interval(np.arange(1001.0)) == (25.0, 975.0)


def test_the_p_value_counts_the_rarer_side_and_one_more():
    """Of 99 differences 4 are below 0 and 1 is 0: 2 x (5 + 1) / 100."""
    difference = np.concatenate([-np.ones(4), np.zeros(1), np.arange(1.0, 95.0)])
    assert resampling.paired_bootstrap(difference, np.zeros(99)).p_value == pytest.approx(0.12)
    assert resampling.paired_bootstrap(np.zeros(99), difference).p_value == pytest.approx(0.12)


def test_a_p_value_is_never_0_and_never_above_1():
    assert resampling.paired_bootstrap(np.ones(99), np.zeros(99)).p_value == 0.02
    assert resampling.paired_bootstrap(np.zeros(99), np.zeros(99)) == (0.0, 0.0, 1.0)


@given(st.integers(40, 400), st.integers(0, 15), st.integers(0, 3), st.booleans())
def test_a_difference_is_significant_where_its_interval_leaves_0_out(above, below, ties, turned):
    """By definition, up to the resample counted beside those drawn and the one that a percentile lies between."""
    values = np.repeat([1.0, -1.0, 0.0], [above, below, ties])
    found = resampling.paired_bootstrap(-values if turned else values, np.zeros(len(values)))
    outside = found.low > 0 or found.high < 0
    if found.p_value < 0.05:
        assert outside
    if found.p_value >= 0.05 + 4 / (len(values) + 1):
        assert not outside


@pytest.mark.parametrize(("below", "significant"), [(4, True), (30, False)])
def test_few_resamples_on_one_side_are_significant_and_many_are_not(below, significant):
    difference = np.repeat([1.0, -1.0], [999 - below, below])
    found = resampling.paired_bootstrap(difference, np.zeros(999))
    assert (found.p_value < 0.05) == (found.low > 0) == significant


def test_the_paired_test_agrees_with_delong():
    labels, scores = binormal(8, 120, 80, models=12)
    values = resampling.bootstrap_aurocs(labels, scores)
    for other in range(1, 12):
        found = resampling.paired_bootstrap(values[0], values[other])
        assert found.p_value == pytest.approx(
            statistics.paired_delong(labels, scores[0], scores[other]).p_value, abs=0.1
        )


def test_values_of_other_resamples_are_refused():
    with pytest.raises(ValueError, match="shared resamples"):
        resampling.paired_bootstrap(np.zeros(3), np.zeros(1))


def test_scores_that_fit_no_images_are_refused():
    with pytest.raises(ValueError, match="one score an image"):
        resampling.bootstrap_aurocs(np.array([1, 0]), np.zeros((2, 3)))
