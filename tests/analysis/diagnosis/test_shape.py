"""A curve's own scatter, which every change is held against."""

import numpy as np
import pytest

from retina.analysis.diagnosis.shape import noise, roughness, swings


def test_the_noise_of_a_smooth_curve_is_none_and_that_of_white_scatter_is_recovered():
    rng = np.random.default_rng(0)
    assert noise(np.geomspace(2, 0.1, 12)) == pytest.approx(0, abs=1e-12)
    estimates = [noise(np.exp(rng.normal(0, 0.1, 40))) for _ in range(200)]
    assert np.mean(estimates) == pytest.approx(0.1, rel=0.05)


def test_swings_are_the_smaller_step_of_a_turning_point():
    assert swings(np.exp([0.0, 1.0, 0.5, 0.6, 0.7])) == pytest.approx([0, 0.5, 0.1, 0, 0])
    assert roughness(np.array([1.0, 0.5, 0.3, 0.4, 0.9])) == 0
