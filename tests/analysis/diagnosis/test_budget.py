"""Rules on how the epochs were spent: early stopping, a budget that ran out, time."""

import dataclasses

import numpy as np
import pytest
from curves_of_the_study import curve

from retina.analysis.diagnosis import RULES, budget, diagnose


def test_a_still_falling_loss_at_the_last_epoch_is_limited_by_the_budget():
    found = curve(np.geomspace(0.8, 0.3, 10), np.geomspace(0.8, 0.2, 10), np.linspace(0.8, 0.9, 10))
    assert RULES["budget_limited"](found)
    assert RULES["budget_limited"](dataclasses.replace(found, epochs=15)) is None


def test_a_run_without_early_stopping_learns_what_it_would_have_missed():
    val = [0.60, 0.50, 0.52, 0.53, 0.51, 0.40, 0.38, 0.37, 0.36, 0.35]
    missed = RULES["early_stop"](curve(val, np.linspace(0.6, 0.2, 10), np.full(10, 0.85)))
    assert missed.keys == ("early_stop.would_miss",)
    assert (missed.numbers["stop"], missed.numbers["kept"], missed.numbers["best"]) == (5, 2, 10)
    shorter = RULES["early_stop"](curve(val[:7], np.linspace(0.6, 0.2, 7), np.full(7, 0.85)))
    assert (shorter.numbers["stop"], shorter.numbers["saved"]) == (5, 2)


def test_times_are_compared_only_under_the_same_conditions():
    own = curve(*[np.full(5, 0.5)] * 3, name="own", conditions=("cpu", "data"), seconds=np.full(5, 20.0))
    twin = dataclasses.replace(own, name="twin", seconds=np.array([99.0, 10, 10, 10, 10]))
    elsewhere = dataclasses.replace(own, name="elsewhere", conditions=("gpu", "data"), seconds=np.full(5, 1.0))
    found = {finding.rule: finding for finding in diagnose(own, [own, twin, elsewhere])}["time_per_epoch"]
    assert found.numbers["peers"] == 1
    assert found.numbers["quickest_seconds"] == pytest.approx(10.0)
    assert found.numbers["ratio"] == pytest.approx(2.0)


FALLING = (0.6, 0.5, 0.52, 0.53)


@pytest.mark.parametrize(
    ("changes", "key", "epochs", "saved"),
    [
        ({"early_stopping": True, "status": "stopped_early", "patience": 2}, "fired", (4,), 6),
        ({"patience": 2}, "would_keep", (4,), 0),
        ({"patience": 3}, "never", (), None),
    ],
)
def test_early_stopping_fired_would_have_fired_or_never_would(changes, key, epochs, saved):
    said = budget.early_stop(curve(FALLING, FALLING, np.full(4, 0.85), **changes))
    assert (said.keys, said.epochs) == ((f"early_stop.{key}",), epochs)
    assert (said.numbers["best"], said.numbers["best_loss"]) == (2, 0.5)
    assert said.numbers.get("saved") == saved


def test_early_stopping_would_not_have_judged_the_epochs_of_the_warm_up():
    val = [0.5, 0.9, 0.8, 0.7, 0.75, 0.72]
    found = curve(val, np.linspace(0.6, 0.2, 6), np.full(6, 0.85), patience=2)
    assert budget.early_stop(found).numbers["stop"] == 3
    assert budget.early_stop(dataclasses.replace(found, opening_epochs=1)).numbers["stop"] == 6


def test_a_run_that_may_still_stop_early_says_nothing_of_it():
    for status in ("completed", "running"):
        assert budget.early_stop(curve(FALLING, FALLING, np.full(4, 0.85), early_stopping=True, status=status)) is None


def test_an_epoch_takes_its_median_time_without_the_first_where_there_are_three():
    def of(*seconds):
        return curve(*[np.full(len(seconds), 0.5)] * 3, seconds=np.array(seconds)).seconds_per_epoch

    assert of(90.0, 10.0) == 50.0
    assert of(90.0, 10.0, 12.0) == 11.0
    assert of(90.0, 10.0, 12.0, 30.0) == 12.0
    assert np.isnan(of())


def test_a_fall_is_one_where_it_is_five_percent_in_three_epochs():
    """A straight line in logarithms has no scatter, so the 5 % alone decide."""
    for fall, told in ((0.051, True), (0.049, False)):
        losses = 0.5 * np.exp(-np.arange(10) * np.log1p(fall) / 3)
        said = budget.budget_limited(curve(losses, losses, np.full(10, 0.85)))
        assert (said is not None) is told
    losses = 0.5 * 0.9 ** np.arange(10)
    assert budget.budget_limited(curve(losses, losses, np.full(10, 0.85))).numbers["fall"] == pytest.approx(1 - 0.9**3)
