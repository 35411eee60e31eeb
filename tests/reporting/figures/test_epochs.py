"""The axes of training curves: whole epochs, and scales that show what moved."""

import pytest
from drawn_figures import history, training

from retina.reporting.figures import epochs, style


@pytest.mark.parametrize("last", [1, 2, 10, 17, 20, 21, 60, 99, 100, 200, 1000])
def test_epoch_ticks_are_whole_epochs_of_the_run_and_not_too_many(last):
    axes = style.Sheet(6, 3, "").axes(0.5, 0.5, 5, 2)
    epochs.set_epochs(axes, last, 20)
    ticks = axes.get_xticks()
    assert ticks[0] == 1
    assert ticks[-1] <= last
    assert len(ticks) <= 21
    assert (ticks == ticks.astype(int)).all()


@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ([23, 9, 2, 1, 0.7, 0.5, 0.45, 0.4], "log"),
        ([0.6, 0.5, 6.0, 0.5, 0.5], "log"),
        ([1.346, 1.322, 1.009, 0.962, 1.233], "linear"),
        ([0.7, 0.0, 9.0, 0.1, 0.1], "linear"),
    ],
)
def test_one_bad_epoch_makes_the_loss_axis_logarithmic_and_it_says_so(losses, scale):
    axes = training(history(losses)).axes[0]
    assert axes.get_yscale() == scale
    assert axes.get_ylabel() == ("loss (log scale)" if scale == "log" else "loss")
    low, high = axes.get_ylim()
    assert low <= min(losses)
    assert high > max(losses)


def test_a_training_loss_that_falls_far_needs_no_other_scale():
    axes = training(history([0.5, 0.4, 0.42, 0.45, 0.5], train=[0.6, 0.3, 0.15, 0.08, 0.04])).axes[0]
    assert axes.get_yscale() == "linear"


def test_noise_about_a_level_does_not_look_like_movement():
    axes = training(history([0.500, 0.501, 0.499], train=[0.5, 0.5, 0.5])).axes[0]
    low, high = axes.get_ylim()
    assert high - low >= 0.5 / 4


def test_scores_reach_down_to_the_lowest_and_up_to_one():
    table = history([0.7, 0.5]).assign(val_accuracy=[0.2063, 0.8])
    low, high = training(table).axes[1].get_ylim()
    assert 0.15 < low <= 0.2063
    assert high >= 1
