"""Dropout: a function of seed, step and place alone, drawn by SplitMix64, without a word to the host."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retina.models.layers import Dropout

MASK = (1 << 64) - 1


def splitmix64(seed, step, place):
    """Steele, Lea and Flood 2014, in Python's own whole numbers: the upper 24 bits."""
    z = (place * 0x9E3779B97F4A7C15 + (seed << 32 | step) * 0xD1342543DE82EF95) & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return (z ^ z >> 31) >> 40


def kept(layer, shape=(64, 256)):
    """Which numbers a training step leaves."""
    return (layer(torch.ones(shape), training=True) != 0).numpy()


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1), st.floats(0.01, 0.95))
def test_what_is_dropped_is_what_the_generator_says(seed, step, rate):
    layer = Dropout(rate, seed=seed)
    layer.seed_generator.state.assign([seed, step])
    expected = [splitmix64(seed, step, place) >= round(rate * 2**24) for place in range(12)]
    assert kept(layer, (3, 4)).ravel().tolist() == expected


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_share_that_is_dropped_is_the_rate_in_every_step_and_place(rate):
    layer = Dropout(rate, seed=3)
    steps = np.stack([kept(layer) for _ in range(200)])
    spread = np.sqrt(rate * (1 - rate))
    assert abs(steps.mean() - (1 - rate)) < 5 * spread / np.sqrt(steps.size)
    assert np.abs(steps.mean(axis=(1, 2)) - (1 - rate)).max() < 5 * spread / np.sqrt(steps[0].size)
    assert np.abs(steps.mean(axis=0) - (1 - rate)).max() < 6 * spread / np.sqrt(len(steps))


def test_steps_and_seeds_draw_apart():
    steps = [kept(layer) for layer in (Dropout(0.5, seed=3),) for _ in range(8)]
    steps += [kept(Dropout(0.5, seed=seed)) for seed in range(4, 12)]
    apart = np.corrcoef([step.ravel() for step in steps]) - np.eye(len(steps))
    assert np.abs(apart).max() < 5 / np.sqrt(steps[0].size)


def test_a_step_keeps_the_mean_and_the_gradient_goes_where_the_number_went():
    layer = Dropout(0.25, seed=1)
    x = torch.full((64, 256), 3.0, requires_grad=True)
    y = layer(x, training=True)
    assert float(y.detach().mean()) == pytest.approx(3.0, rel=0.02)
    y.sum().backward()
    torch.testing.assert_close(x.grad, y.detach() / 3)


def test_the_step_is_counted_in_training_only_and_kept_where_keras_keeps_it():
    layer = Dropout(0.5, seed=9)
    x = torch.ones(2, 3)
    assert torch.equal(layer(x), x)
    assert layer.seed_generator.state.numpy().tolist() == [9, 0]
    layer(x, training=True)
    assert layer.seed_generator.state.numpy().tolist() == [9, 1]
    assert layer.variables == [layer.seed_generator.state]
    assert layer.weights == []


def test_no_rate_drops_nothing_and_counts_nothing():
    layer = Dropout(0.0, seed=1)
    x = torch.randn(2, 3)
    assert layer(x, training=True) is x
    assert layer.variables == []
