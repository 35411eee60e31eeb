"""The rule of the range test on curves made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina.training.searches import lr_rule

STEPS = 120


def valley(at, *, noise=0.0, seed=0, depth=0.5, low=1e-7, high=1.0, steps=STEPS):
    """A loss that falls to its lowest at a rate and climbs thereafter, as in a range test."""
    rates = lr_rule.rates(low, high, steps)
    apart = np.log10(rates / at)
    losses = 0.7 - depth * np.exp(-0.5 * (apart / 0.8) ** 2) + 0.5 * np.clip(apart, 0, None) ** 2
    return rates, losses + np.random.default_rng(seed).normal(0, noise, steps)


@given(at=st.floats(1e-5, 3e-2), scale=st.floats(0.01, 100), factor=st.floats(0.1, 10))
def test_the_rule_finds_a_tenth_of_the_lowest_place_whatever_the_scale_of_loss_and_rate(at, scale, factor):
    rates, losses = valley(at)
    said = lr_rule.suggest(rates, losses, STEPS)
    assert not said.at_end
    assert said.rate == pytest.approx(at / 10, rel=0.75)
    assert lr_rule.suggest(rates, scale * losses, STEPS).rate == said.rate
    assert lr_rule.suggest(factor * rates, losses, STEPS).rate == pytest.approx(factor * said.rate)


@given(at=st.floats(1e-4, 1e-2), seed=st.integers(0, 1000))
def test_the_noise_of_batches_moves_the_suggestion_by_less_than_half_a_decade(at, seed):
    said = lr_rule.suggest(*valley(at, noise=0.05, seed=seed), STEPS)
    assert abs(np.log10(said.rate / (at / 10))) < 0.5


@given(seed=st.integers(0, 300))
def test_a_flat_curve_suggests_nothing_or_stays_within_the_range(seed):
    rates, losses = valley(1e-3, noise=0.1, seed=seed, depth=0.0)
    said = lr_rule.suggest(rates, losses, STEPS)
    assert said.rate is None or rates[0] <= said.rate <= rates[-1]


def test_flat_curves_suggest_nothing_but_for_a_few():
    """A curve of noise alone has a lowest place, which means nothing."""
    said = [lr_rule.suggest(*valley(1e-3, noise=0.1, seed=seed, depth=0.0), STEPS).rate for seed in range(200)]
    assert sum(rate is not None for rate in said) <= 10


def test_a_loss_that_still_falls_at_the_end_gives_a_lower_bound():
    rates = lr_rule.rates(1e-6, 1e-3, 50)
    said = lr_rule.suggest(rates, np.linspace(0.8, 0.4, 50), 50)
    assert said.at_end
    assert said.rate == pytest.approx(1e-4)


def test_a_few_losses_are_no_curve():
    assert lr_rule.suggest(np.geomspace(1e-6, 1e-3, 5), np.linspace(1, 0.1, 5), 100).rate is None
    assert lr_rule.suggest(np.array([]), np.array([]), 100).rate is None


@pytest.mark.parametrize("end", [float("nan"), float("inf"), 50.0])
def test_divergence_is_seen(end):
    detector = lr_rule.DivergenceDetector()
    assert not any(detector.diverged(0.7) for _ in range(30))
    assert any(detector.diverged(end) for _ in range(10))
