"""Rules on how, and whether, the model learns."""

import dataclasses

import numpy as np
import pytest
from curves_of_the_study import curve

from retina.analysis.diagnosis import RULES, learning
from retina.reporting import wording
from retina.reporting.language import LANGUAGES, Language


def test_answers_of_one_class_are_a_majority_trap_on_balanced_and_imbalanced_sets():
    for images, positives in ((74, 39), (640, 506)):
        accuracy = np.array([positives, images - positives, positives, positives, positives]) / images
        found = curve(np.full(5, 0.69), np.full(5, 0.69), accuracy, images=images, positives=positives)
        assert RULES["majority_trap"](found).keys == ("majority_trap.constant",)


def test_epochs_that_were_meant_to_be_slow_make_no_majority_trap():
    """A head that begins with the prevalence calls all images one class until the warm-up is over."""
    majority = 506 / 640
    learned = losses_of([majority] * 4 + [0.83, 0.85, 0.86, 0.86])
    assert learning.majority_trap(learned).keys == ("majority_trap.constant",)
    assert learning.majority_trap(dataclasses.replace(learned, opening_epochs=4)) is None
    trapped = learning.majority_trap(dataclasses.replace(losses_of([majority] * 9), opening_epochs=4))
    assert trapped.keys == ("majority_trap.constant_later",)
    assert (trapped.numbers["constant"], trapped.numbers["epochs_run"], trapped.numbers["opening"]) == (5, 5, 4)
    for language in LANGUAGES:
        assert "4" in wording.sentence(trapped, Language(language))


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


def test_a_start_is_not_slow_in_the_epochs_of_the_head_alone_or_of_a_warm_up():
    late = losses_of([0.30, 0.40, 0.50, 0.60, 0.86, 0.86, 0.86, 0.86])
    assert learning.slow_start(late).severity == "warning"
    assert learning.slow_start(dataclasses.replace(late, opening_epochs=1)).severity == "warning"
    assert learning.slow_start(dataclasses.replace(late, opening_epochs=2)) is None


def test_balanced_class_weights_make_accuracy_at_one_half_no_sign_of_a_slow_start_or_a_trap():
    late = losses_of([0.30, 0.40, 0.50, 0.60, 0.86, 0.86])
    near = losses_of(np.linspace(0.7, 0.8, 6))
    constant = losses_of(np.full(6, late.majority))
    balanced = {"settings": {"class_weight": "balanced"}}
    assert learning.slow_start(late)
    assert learning.majority_trap(near)
    assert learning.slow_start(dataclasses.replace(late, **balanced)) is None
    assert learning.majority_trap(dataclasses.replace(near, **balanced)) is None
    assert learning.majority_trap(dataclasses.replace(constant, **balanced)).keys[0] == "majority_trap.constant"


def losses_of(accuracy, **changes):
    losses = np.linspace(0.6, 0.2, len(accuracy))
    return curve(losses, losses, accuracy, **changes)


def test_accuracy_is_above_the_majority_at_one_epoch_and_clearly_so_at_a_later_one():
    found = losses_of([0.70, 0.80, 0.81, 0.85, 0.85])
    assert (learning.first_above(found), learning.first_clearly_above(found)) == (2, 4)
    never = losses_of(np.full(5, 0.79))
    assert (learning.first_above(never), learning.first_clearly_above(never)) == (None, None)


def test_a_start_that_is_only_not_clearly_above_is_information():
    late = learning.slow_start(losses_of([0.80, 0.80, 0.80, 0.80, 0.85, 0.85]))
    assert (late.severity, late.keys) == ("info", ("slow_start.above", "slow_start.clear"))
    assert (late.numbers["reached"], late.numbers["clear"], late.epochs) == (1, 5, (1, 2, 3, 4))
    assert learning.slow_start(losses_of([0.80, 0.80, 0.80, 0.85, 0.85, 0.85])) is None


@pytest.mark.parametrize(
    ("train", "told"),
    [
        ([0.8, 0.5, 0.4, 0.3, 0.2], True),
        ([0.8, 0.51, 0.4, 0.3, 0.2], False),
        ([0.8, 0.73, 0.72, 0.71, 0.70], False),
        ([0.8, 0.8, 0.8, 0.8, 0.8], False),
    ],
)
def test_convergence_is_fast_where_the_first_step_is_half_of_the_fall_and_a_tenth_of_the_loss(train, told):
    said = learning.fast_convergence(curve(train, train, np.full(5, 0.85), train_accuracy=np.full(5, 0.9)))
    assert (said is not None) is told
    nothing = curve(train, train, np.full(5, 0.85), train_accuracy=np.full(5, 0.79))
    assert learning.fast_convergence(nothing) is None


def test_the_band_of_rest_is_that_of_the_last_four_losses():
    assert learning.rest_band(np.array([9.0, 0.98, 1.02, 1.0, 1.0])) == pytest.approx(0.04)


def test_a_plateau_needs_both_losses_at_rest_and_six_epochs():
    rest, moves = [0.6, 0.5, 0.40, 0.40, 0.40, 0.40], [0.6, 0.5, 0.40, 0.39, 0.38, 0.37]
    assert learning.plateau(curve(rest, rest, np.full(6, 0.85))).epochs == (3, 4, 5, 6)
    assert learning.plateau(curve(rest, moves, np.full(6, 0.85))) is None
    assert learning.plateau(curve(moves, rest, np.full(6, 0.85))) is None
    assert learning.plateau(curve(rest[1:], rest[1:], np.full(5, 0.85))) is None


def test_a_model_underfits_where_its_best_training_accuracy_is_that_of_a_guess():
    losses = np.linspace(0.6, 0.5, 5)
    accuracy = np.array([0.78, 0.79, 0.80, 0.79, 0.78])
    said = learning.underfitting(curve(losses, losses, np.full(5, 0.79), train_accuracy=accuracy))
    assert (said.epochs, said.numbers["accuracy"]) == ((3,), 0.80)
    assert said.numbers["majority"] == pytest.approx(506 / 640)
    assert said.numbers["low"] < said.numbers["majority"]
    better = curve(losses, losses, np.full(5, 0.79), train_accuracy=accuracy + 0.04)
    assert learning.underfitting(better) is None
    short = curve(losses[:4], losses[:4], np.full(4, 0.79), train_accuracy=accuracy[:4])
    assert learning.underfitting(short) is None
    weighted = {"class_weight": "balanced"}
    balanced = curve(losses, losses, np.full(5, 0.79), train_accuracy=accuracy, settings=weighted)
    assert learning.underfitting(balanced) is None


def test_an_epoch_of_one_answer_is_counted_to_the_image_for_either_answer():
    accuracy = np.array([506, 134, 507, 400, 506]) / 640
    assert learning.constant_epochs(losses_of(accuracy)) == [1, 2, 5]
