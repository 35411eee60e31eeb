"""DeLong as published, by hand and by its definition; exact tests against scipy; Holm against its definition."""

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from retina.numbers import ranking, statistics

scores = st.integers(-3, 3)
triples = st.lists(st.tuples(st.integers(0, 1), scores, scores), min_size=1, max_size=30)
chances = st.one_of(st.floats(0, 1), st.just(math.nan))


def arrays(rows):
    labels, a, b = zip(*rows, strict=True)
    return np.array(labels), np.array(a, np.float64), np.array(b, np.float64)


def same(found, expected):
    return found == pytest.approx(expected, abs=1e-12, nan_ok=True)


def components(labels, scores):
    """DeLong's V10 and V01 by their definition: the mean kernel of each diseased and of each healthy image."""
    difference = scores[labels == 1][:, None] - scores[labels == 0][None, :]
    kernel = (difference > 0) + 0.5 * (difference == 0)
    return kernel.mean(axis=1), kernel.mean(axis=0)


@pytest.fixture(scope="session")
def published(shared):
    folder = shared / "data" / "rfmid_published"
    return pd.read_csv(folder / "scores_test.csv"), pd.read_csv(folder / "delong_published.csv")


def test_the_fifteen_published_comparisons_are_reproduced(published):
    images, pairs = published
    labels = images["Disease_Risk"].to_numpy()
    assert len(pairs) == 15
    for row in pairs.itertuples():
        found = statistics.paired_delong(labels, images[row.Model1].to_numpy(), images[row.Model2].to_numpy())
        expected = (row.AUC1, row.AUC2, row.AUC_Diff, row.SE_Diff, row.Z_Score, row.P_Value)
        assert found[:6] == pytest.approx(expected, abs=1e-9)
        assert found.p_value == pytest.approx(row.P_Value, rel=1e-6)


def test_the_published_intervals_are_reproduced(published):
    images, _ = published
    labels = images["Disease_Risk"].to_numpy()
    for model, expected in (("ResNet50", (0.954, 0.937, 0.971)), ("SwinTiny", (0.978, 0.967, 0.988))):
        found = statistics.delong(labels, images[model].to_numpy())
        assert (found.auroc, found.low, found.high) == pytest.approx(expected, abs=0.0005)


def test_what_the_published_test_set_could_have_detected(published):
    images, _ = published
    labels = images["Disease_Risk"].to_numpy()
    found = statistics.paired_delong(labels, images["CoAtNet0"].to_numpy(), images["ResNet50"].to_numpy())
    assert statistics.smallest_detectable(found.standard_error) == pytest.approx(0.0196, abs=5e-5)


def test_delong_by_hand():
    """Three diseased (5, 3, 1) and two healthy (2, 1) eyes.

    Of the healthy, the diseased outscore 2, 2 and a half: V10 = 1, 1, 1/4, variance 3/16. Of the diseased, the
    healthy are outscored by 2 and by 2.5: V01 = 2/3, 5/6, variance 1/72. AUROC 9/12; error^2 = 1/16 + 1/144.
    """
    found = statistics.delong(np.array([1, 1, 1, 0, 0]), np.array([5.0, 3, 1, 2, 1]))
    assert found.auroc == 0.75
    assert found.standard_error == pytest.approx(math.sqrt(10 / 144))
    assert found.low == pytest.approx(0.75 - 1.959964 * math.sqrt(10) / 12, abs=1e-6)
    assert found.high == 1.0


def test_paired_delong_by_hand():
    """Two diseased, two healthy; a ranks all rightly, b puts one healthy eye above one diseased.

    Differences of V10: 0, 1/2 (variance 1/8), of V01: 1/2, 0 (1/8); error^2 = 1/16 + 1/16, z = 1/4 / sqrt(1/8).
    """
    found = statistics.paired_delong(np.array([1, 1, 0, 0]), np.array([4.0, 3, 2, 1]), np.array([4.0, 2, 3, 1]))
    assert (found.auroc_a, found.auroc_b, found.difference) == (1.0, 0.75, 0.25)
    assert found.standard_error == pytest.approx(math.sqrt(1 / 8))
    assert found.z == pytest.approx(math.sqrt(1 / 2))
    assert found.p_value == pytest.approx(2 * norm.sf(math.sqrt(1 / 2)))
    assert found.low == pytest.approx(0.25 - norm.ppf(0.975) * math.sqrt(1 / 8))
    assert found.high == pytest.approx(0.25 + norm.ppf(0.975) * math.sqrt(1 / 8))


@given(triples)
def test_delong_is_its_definition(rows):
    labels, a, b = arrays(rows)
    found = statistics.paired_delong(labels, a, b)
    assert same(found.auroc_a, ranking.auroc(labels, a))
    assert same(found.auroc_b, ranking.auroc(labels, b))
    if min(labels.sum(), (1 - labels).sum()) < 2:
        assert math.isnan(found.standard_error)
        assert math.isnan(found.p_value)
        return
    (a10, a01), (b10, b01) = components(labels, a), components(labels, b)
    variance = (a10 - b10).var(ddof=1) / len(a10) + (a01 - b01).var(ddof=1) / len(a01)
    assert same(found.standard_error**2, variance)
    assert same(
        statistics.delong(labels, a).standard_error ** 2, a10.var(ddof=1) / len(a10) + a01.var(ddof=1) / len(a01)
    )


@given(triples)
def test_many_models_at_once_are_each_pair_by_itself(rows):
    labels, a, b = arrays(rows)
    many = np.stack([a, b, -a, a + b])
    areas, covariance = statistics.delong_covariance(labels, many)
    together = list(statistics.paired_delong_rest(labels, many))
    assert [len(test.difference) for test in together] == [3, 2, 1]
    for i, j in combinations(range(4), 2):
        found = statistics.PairedDelong(*(float(column[j - i - 1]) for column in together[i]))
        assert same(tuple(found), tuple(statistics.paired_delong(labels, many[i], many[j])))
        assert same(areas[i], found.auroc_a)
        assert same(found.standard_error**2, covariance[i, i] + covariance[j, j] - 2 * covariance[i, j])
    for i in range(4):
        alone = statistics.delong(labels, many[i])
        assert same(alone.standard_error**2, covariance[i, i])
        assert same(statistics.delong_covariance(labels, many[i : i + 1])[1], covariance[i : i + 1, i : i + 1])


@given(triples)
def test_swapping_the_models_turns_the_sign_and_nothing_else(rows):
    labels, a, b = arrays(rows)
    found, swapped = statistics.paired_delong(labels, a, b), statistics.paired_delong(labels, b, a)
    assert same(swapped.difference, -found.difference)
    assert same(swapped.z, -found.z)
    assert same((swapped.low, swapped.high), (-found.high, -found.low))
    assert same((swapped.standard_error, swapped.p_value), (found.standard_error, found.p_value))


@given(triples, st.randoms(use_true_random=False))
def test_the_order_of_the_images_does_not_matter(rows, random):
    expected = statistics.paired_delong(*arrays(rows))
    random.shuffle(rows)
    assert same(tuple(statistics.paired_delong(*arrays(rows))), tuple(expected))


@given(triples)
def test_only_the_order_of_the_scores_matters(rows):
    labels, a, b = arrays(rows)
    found = statistics.paired_delong(labels, np.exp(a), b**3 + 7)
    assert same(tuple(found), tuple(statistics.paired_delong(labels, a, b)))


@given(triples)
def test_numbers_stay_within_their_bounds(rows):
    labels, a, b = arrays(rows)
    found, single = statistics.paired_delong(labels, a, b), statistics.delong(labels, a)
    assert math.isnan(found.p_value) or 0 <= found.p_value <= 1
    assert math.isnan(found.low) or -1 <= found.low <= found.difference <= found.high <= 1
    assert math.isnan(single.low) or 0 <= single.low <= single.auroc <= single.high <= 1
    assert math.isnan(single.low) == (not single.standard_error > 0)


@given(triples)
def test_models_that_rank_alike_do_not_differ(rows):
    labels, a, _ = arrays(rows)
    found = statistics.paired_delong(labels, a, 2 * a + 1)
    if min(labels.sum(), (1 - labels).sum()) >= 2:
        assert (found.difference, found.standard_error, found.z, found.p_value) == (0, 0, 0, 1)
        assert math.isnan(found.low)
        assert math.isnan(statistics.smallest_detectable(found.standard_error))


def test_a_standard_error_of_models_that_rank_alike_is_exactly_0_in_large_sets_too():
    """By floating-point components it would be some 1e-10, and z anything."""
    rng = np.random.default_rng(3)
    labels, a = np.arange(997) % 3 == 0, rng.normal(size=997)
    assert statistics.paired_delong(labels, a, np.exp(a)).standard_error == 0


def test_a_difference_without_spread_has_no_p_value():
    found = statistics.paired_delong(np.array([1, 1, 0, 0]), np.array([3.0, 4, 1, 2]), np.array([1.0, 2, 3, 4]))
    assert (found.difference, found.standard_error) == (1.0, 0.0)
    assert math.isnan(found.z)
    assert math.isnan(found.p_value)


def test_a_perfect_auroc_has_no_interval():
    found = statistics.delong(np.array([1, 1, 0, 0]), np.array([3.0, 4, 1, 2]))
    assert (found.auroc, found.standard_error) == (1.0, 0.0)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


@pytest.mark.parametrize(("labels", "area"), [([1, 1, 1], math.nan), ([0, 0, 0], math.nan), ([1, 0, 0], 0.5)])
def test_fewer_than_two_images_of_a_class_leave_the_error_unknown(labels, area):
    found = statistics.delong(np.array(labels), np.array([2.0, 1.0, 3.0]))
    assert same(tuple(found), (area, math.nan, math.nan, math.nan))


@pytest.mark.parametrize("label", [0, 1])
def test_one_image_gives_no_number(label):
    assert all(math.isnan(value) for value in statistics.delong(np.array([label]), np.array([0.3])))
    found = statistics.paired_delong(np.array([label]), np.array([0.3]), np.array([0.4]))
    assert all(math.isnan(value) for value in found)


BAD = [
    ([1, 0], [1.0, 2.0], [1.0], "one score an image"),
    ([1, 0], [1.0], [2.0], "one score an image"),
    ([1, 0, 2], [1.0, 2, 3], [1.0, 2, 3], "0 or 1"),
    ([1, 0], [1.0, np.nan], [1.0, 2.0], "finite"),
    ([], [], [], "at least one"),
]


@pytest.mark.parametrize(("labels", "a", "b", "problem"), BAD)
def test_scores_that_cannot_be_paired_are_refused(labels, a, b, problem):
    with pytest.raises(ValueError, match=problem):
        statistics.paired_delong(np.array(labels), np.array(a), np.array(b))


def test_intervals_cover_as_often_as_they_say():
    """400 seeded samples of 60 + 60 binormal eyes, true AUROC Phi(1.2 / sqrt 2): 93-97 % of intervals hold it."""
    rng = np.random.default_rng(11)
    labels, truth = np.repeat([1, 0], 60), norm.cdf(1.2 / math.sqrt(2))
    found = [statistics.delong(labels, rng.normal(1.2 * labels)) for _ in range(400)]
    assert 0.93 <= np.mean([interval.low <= truth <= interval.high for interval in found]) <= 0.97


def test_the_paired_test_is_wrong_as_often_as_it_says():
    """400 pairs of equally good, correlated models: p below 0.05 in 3-7 %, and a spread of z of 1."""
    rng = np.random.default_rng(12)
    labels = np.repeat([1, 0], 60)
    eyes = rng.normal(1.2 * labels, 1.0, (400, 120))
    found = [
        statistics.paired_delong(labels, row + rng.normal(0, 0.5, 120), row + rng.normal(0, 0.5, 120)) for row in eyes
    ]
    assert 0.03 <= np.mean([pair.p_value < 0.05 for pair in found]) <= 0.07
    assert np.std([pair.z for pair in found]) == pytest.approx(1, abs=0.1)


def test_the_smallest_detectable_difference_is_found_in_80_percent_of_test_sets():
    shift = statistics.smallest_detectable(1.0)
    assert norm.sf(norm.ppf(0.975) - shift) + norm.cdf(-norm.ppf(0.975) - shift) == pytest.approx(0.80, abs=0.001)


@pytest.mark.parametrize("error", [0.0, math.nan])
def test_an_unknown_spread_detects_nothing(error):
    assert math.isnan(statistics.smallest_detectable(error))


@given(st.integers(0, 60), st.integers(1, 60))
def test_wilson_is_scipys(successes, total):
    successes = min(successes, total)
    expected = binomtest(successes, total).proportion_ci(method="wilson")
    assert statistics.wilson(successes, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_of_nothing_is_nan():
    assert all(math.isnan(bound) for bound in statistics.wilson(0, 0))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_mcnemar_is_scipys_binomial_test(rows):
    a, b = np.array(rows, bool).reshape(-1, 2).T
    found = statistics.mcnemar(a, b)
    assert (found.only_a, found.only_b) == (sum(a & ~b), sum(b & ~a))
    disagreed = found.only_a + found.only_b
    expected = binomtest(found.only_a, disagreed, 0.5).pvalue if disagreed else 1.0
    assert found.p_value == pytest.approx(expected)
    assert statistics.mcnemar(b, a) == (found.only_b, found.only_a, found.p_value)


def test_mcnemar_against_several_models_is_that_against_each():
    a, several = np.array([1, 1, 0, 1, 0], bool), np.array([[1, 0, 0, 1, 1], [0, 0, 0, 0, 0], [1, 1, 0, 1, 0]], bool)
    found = statistics.mcnemar(a, several)
    assert list(zip(*found, strict=True)) == [tuple(statistics.mcnemar(a, b)) for b in several]


def test_mcnemar_by_hand():
    """Five disagreements, all for a: 2 / 2^5."""
    a = np.array([1] * 5 + [0, 1], bool)
    assert statistics.mcnemar(a, np.array([0] * 5 + [0, 1], bool)) == (5, 0, 2 / 32)


def test_mcnemar_refuses_other_images():
    with pytest.raises(ValueError, match="same images"):
        statistics.mcnemar(np.array([True]), np.array([True, False]))


def holm_by_definition(p_values):
    """A hypothesis is rejected at a level if it, and each with a smaller p, passes level / those left."""
    family = sorted(p for p in p_values if not math.isnan(p))

    def adjusted(p):
        return min(1.0, max((len(family) - place) * q for place, q in enumerate(family) if q <= p))

    return [p if math.isnan(p) else adjusted(p) for p in p_values]


@given(st.lists(chances, max_size=8))
def test_holm_is_its_definition(p_values):
    assert same(list(statistics.holm(p_values)), holm_by_definition(p_values))


@given(st.lists(chances, min_size=1, max_size=8), st.floats(0.001, 0.999))
def test_holm_rejects_what_stepping_down_rejects(p_values, level):
    adjusted = statistics.holm(p_values)
    order = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    going = True
    for step, (p, place) in enumerate(order):
        bound = (len(order) - step) * p
        going = going and bound <= level
        if abs(bound - level) > 1e-9:
            assert (adjusted[place] <= level) == going


def test_a_test_that_was_not_made_is_no_member_of_the_family():
    assert same(list(statistics.holm([0.04, math.nan, 0.01])), [0.04, math.nan, 0.02])
    assert list(statistics.holm([])) == []
