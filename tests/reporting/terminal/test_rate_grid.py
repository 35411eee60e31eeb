"""A grid of learning rates as text: the best rate, whether it is clear, and whether the range test agrees."""

import pytest

from retina.analysis.comparing.rate_grid import Grid, Pair
from retina.reporting.terminal.rate_grid import CAVEAT, render


def grid(p_holm=0.01, *, last=0.8):
    """Three rates of which 3e-4 is the best, different from each of the others with that p-value."""
    aurocs = {1e-4: 0.7, 3e-4: 0.9, 1e-3: last}
    pairs = (Pair(1e-4, 3e-4, -0.2, p_holm, p_holm), Pair(3e-4, 1e-3, 0.1, 0.001, 0.003))
    statuses = dict.fromkeys(aurocs, "completed")
    return Grid(aurocs, statuses, {rate: f"run {rate:g}" for rate in aurocs}, pairs, 200)


def test_a_best_rate_that_differs_from_all_others_is_told_apart():
    assert "Best is 0.0003, and it can be told apart from the others on 200 images." in render(grid(), None)


@pytest.mark.parametrize("p_holm", [0.05, 0.9, None])
def test_a_rate_that_does_not_differ_clearly_is_named(p_holm):
    text = render(grid(p_holm), None)
    assert "Best is 0.0003, but on 200 images it cannot be told apart from 0.0001." in text
    assert ("not testable" in text) is (p_holm is None)


@pytest.mark.parametrize(("suggestion", "verdict"), [(2.5e-4, "the two agree."), (2e-3, "the two disagree.")])
def test_the_range_test_agrees_where_the_nearest_rate_is_the_best(suggestion, verdict):
    assert verdict in render(grid(), suggestion)


def test_a_rate_without_a_finished_run_has_no_number():
    line = next(line for line in render(grid(last=None), None).splitlines() if line.startswith("   0.001"))
    assert line.endswith("-")


def test_a_grid_without_a_finished_run_has_no_answer_and_keeps_the_caveat():
    text = render(Grid({1e-4: None}, {1e-4: "failed"}, {1e-4: "a"}, (), 0), 1e-3)
    assert "No run of the grid is finished" in text
    assert text.endswith(CAVEAT)
