"""Runs at several learning rates are compared by their validation logits."""

import json

import pytest
from made_runs import make_run

from retina.analysis.comparing import rate_grid
from retina.errors import RunError

COUNTS = {"train": (60, 45), "validation": (200, 100), "test": (8, 4)}


def make(results, rate, **changes):
    return make_run(results / f"{rate:g}", learning_rate=rate, **{"counts": COUNTS} | changes)


@pytest.fixture
def grid(tmp_path):
    """Three rates; the first is little better than chance and the last diverged."""
    return {
        1e-3: make(tmp_path, 1e-3, status="diverged", epochs=2),
        3e-4: make(tmp_path, 3e-4, skill=1.5),
        1e-4: make(tmp_path, 1e-4, skill=0.1),
    }


def test_the_best_rate_is_that_of_the_highest_validation_auroc(grid):
    compared = rate_grid.compare(grid)
    assert list(compared.aurocs) == [1e-4, 3e-4, 1e-3]
    assert compared.best == 3e-4
    assert compared.aurocs[1e-3] is None
    assert compared.statuses[1e-3] == "diverged"
    assert compared.images == 200


def test_every_two_finished_rates_are_tested(grid):
    (pair,) = rate_grid.compare(grid).pairs
    assert (pair.first, pair.second) == (1e-4, 3e-4)
    assert pair.difference < 0
    assert pair.p_holm == pair.p_value
    assert pair.apart


def test_runs_that_answer_alike_are_not_apart_and_the_lower_rate_is_the_best(tmp_path):
    same = {rate: make(tmp_path, rate, skill=1.0) for rate in (1e-4, 3e-4)}
    compared = rate_grid.compare(same)
    (pair,) = compared.pairs
    assert pair.difference == 0
    assert not pair.apart
    assert compared.best == 1e-4


def test_a_grid_without_a_finished_run_has_no_best_rate(tmp_path):
    compared = rate_grid.compare({1e-4: make(tmp_path, 1e-4, status="interrupted")})
    assert compared.best is None
    assert compared.pairs == ()
    assert compared.images == 0


def test_runs_on_different_images_are_refused(tmp_path):
    other = COUNTS | {"validation": (100, 50)}
    runs = {1e-4: make(tmp_path, 1e-4), 3e-4: make(tmp_path, 3e-4, counts=other)}
    with pytest.raises(RunError, match="scored on different images"):
        rate_grid.compare(runs)


def test_a_grid_is_plain_json(grid):
    compared = rate_grid.compare(grid)
    values = json.loads(json.dumps(compared.to_dict()))
    assert [rate["validation_auroc"] for rate in values["rates"]] == list(compared.aurocs.values())
    assert values["pairs"][0]["apart"] is True
    assert values["best"] == 3e-4


def test_a_diverged_run_needs_no_training_and_an_interrupted_one_does(tmp_path, grid):
    assert rate_grid.is_over(grid[1e-4].record())
    assert rate_grid.is_over(grid[1e-3].record())
    assert not rate_grid.is_over(make(tmp_path, 1e-2, status="interrupted").record())
