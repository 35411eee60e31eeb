"""Rules on how, and whether, the model learns."""

import numpy as np
from curves_of_the_study import curve

from retina.analysis.diagnosis import RULES


def test_answers_of_one_class_are_a_majority_trap_on_balanced_and_imbalanced_sets():
    for images, positives in ((74, 39), (640, 506)):
        accuracy = np.array([positives, images - positives, positives, positives, positives]) / images
        found = curve(np.full(5, 0.69), np.full(5, 0.69), accuracy, images=images, positives=positives)
        assert RULES["majority_trap"](found).keys == ("majority_trap.constant",)


def test_a_small_set_cannot_show_a_gain_that_a_large_one_can():
    series = np.linspace(0.6, 0.3, 6), np.linspace(0.6, 0.2, 6), np.full(6, 0.85)
    assert RULES["majority_trap"](curve(*series)) is None
    small = RULES["majority_trap"](curve(*series, images=74, positives=59))
    assert small.severity == "info"
    assert "majority_trap.ranks" in small.keys


def test_a_loss_at_rest_is_a_plateau():
    val = [0.6, 0.5, 0.42, 0.401, 0.400, 0.402, 0.400]
    train = [0.6, 0.45, 0.35, 0.301, 0.300, 0.299, 0.300]
    assert RULES["plateau"](curve(val, train, np.full(7, 0.85))).numbers["since"] == 4


def test_a_start_is_slow_from_three_epochs_below_the_majority_guess_on():
    losses = np.linspace(0.6, 0.2, 8)
    quick = curve(losses, losses, [0.30, 0.50, 0.85, 0.86, 0.86, 0.86, 0.86, 0.86])
    late = curve(losses, losses, [0.30, 0.50, 0.70, 0.86, 0.86, 0.86, 0.86, 0.86])
    assert RULES["slow_start"](quick) is None
    assert RULES["slow_start"](late).severity == "warning"
    assert RULES["slow_start"](late).keys == ("slow_start.below", "slow_start.clear_at_once")
