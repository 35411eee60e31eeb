"""Training curves and pairs of runs: what is marked stands at its epoch, and what cannot be drawn is said."""

import numpy as np
import pandas as pd
import pytest
from drawn_figures import history, training, vertical_lines, written

from retina.reporting import figures

NAN, INF = float("nan"), float("inf")


def line(axes, label):
    return next(found for found in axes.lines if found.get_label() == label)


def test_marks_stand_at_their_epochs_in_both_panels_and_are_named():
    figure = training(history([0.7, 0.5, 0.6, 0.8, 0.9]), best_epoch=2, onset=3, stop_epoch=5)
    losses, scores = figure.axes
    assert vertical_lines(losses) == vertical_lines(scores) == [2, 3, 5]
    assert {"best: epoch 2", "overfits from epoch 3", "early stop: epoch 5"} <= set(written(figure))
    ring = next(found for found in losses.lines if found.get_markersize() == 9)
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([2], [0.5])


def test_a_marks_name_stands_beside_the_line_that_leads_to_it():
    figure = training(history(np.linspace(1, 0.5, 10)), best_epoch=10, stop_epoch=4)
    figure.draw_without_rendering()
    for text, epoch in (("best: epoch 10", 10), ("early stop: epoch 4", 4)):
        name = next(found for found in figure.texts if found.get_text() == text)
        line_at = figure.axes[0].transData.transform((epoch, 0.7))[0]
        assert 0 < name.get_window_extent().x0 - line_at < 10


def test_the_earliest_mark_is_named_highest_so_that_no_line_crosses_a_name():
    figure = training(history(np.linspace(1, 0.5, 10)), best_epoch=10, onset=7, stop_epoch=4)
    heights = {text.get_text(): text.get_position()[1] for text in figure.texts}
    assert heights["early stop: epoch 4"] > heights["overfits from epoch 7"] > heights["best: epoch 10"]


def test_epochs_that_are_not_known_are_not_marked():
    figure = training(history([0.7, 0.5]), majority=None)
    assert [vertical_lines(axes) for axes in figure.axes] == [[], []]
    assert not any("epoch " in text or "majority" in text for text in written(figure))


def test_curves_hold_the_history_and_are_named_at_their_ends():
    table = history([0.7, 0.5, 0.6])
    losses, scores = training(table).axes
    for axes, label, column in (
        (losses, "validation", "val_loss"),
        (losses, "training", "train_loss"),
        (scores, "accuracy", "val_accuracy"),
        (scores, "AUROC", "val_auroc"),
    ):
        drawn = line(axes, label)
        assert list(drawn.get_xdata()) == [1, 2, 3]
        assert list(drawn.get_ydata()) == list(table[column])
        assert label in [text.get_text() for text in axes.texts]
    assert "majority 0.791" in [text.get_text() for text in scores.texts]
    assert [0.791, 0.791] in [list(found.get_ydata()) for found in scores.lines]


def test_a_diverged_run_is_drawn_to_its_last_finite_epoch_and_says_so():
    figure = training(history([0.7, 0.6, 5, NAN, INF], train=[0.7, 0.5, 0.8, 0.9, NAN]), best_epoch=2)
    drawn = line(figure.axes[0], "validation")
    assert np.isfinite(drawn.get_ydata()).tolist() == [True, True, True, False, False]
    assert "validation loss is not finite at epochs 4\N{EN DASH}5 and is not drawn there" in written(figure)
    assert "training loss is not finite at epoch 5 and is not drawn there" in written(figure)


@pytest.mark.parametrize(
    "losses",
    [
        [],
        [0.7],
        [NAN],
        [NAN, INF, -INF],
        [0.0, 0.0],
        [1e300, 1e-300, 0.5],
        [3e38, 1e29, 1.0],
        [-1.0, -2.0],
        [0.5] * 200,
    ],
    ids=["none", "one", "nan", "infinite", "zero", "huge", "float32", "negative", "long"],
)
def test_any_history_can_be_drawn(losses, tmp_path):
    table = history(losses)
    figures.save(training(table, best_epoch=1 if losses else None), tmp_path, "training")
    figures.save(figures.params_pair({"a": table, "b": history([0.7, 0.5])}, title=""), tmp_path, "params")
    figures.save(figures.loss_pair({"a": table, "b": history([0.7, 0.5])}, title=""), tmp_path, "losses")


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


def test_long_runs_have_no_markers_and_short_ones_have():
    short, long = (line(training(history([0.5] * count)).axes[0], "validation") for count in (30, 31))
    assert short.get_marker() == "o"
    assert long.get_marker() in ("", "None")


def test_scores_reach_down_to_the_lowest_and_up_to_one():
    table = history([0.7, 0.5]).assign(val_accuracy=[0.2063, 0.8])
    low, high = training(table).axes[1].get_ylim()
    assert 0.15 < low <= 0.2063
    assert high >= 1


def test_a_pair_has_four_panels_with_the_values_of_both_runs():
    one, other = history([0.7, 0.5, 0.6]), history([0.9, 0.8])
    figure = figures.params_pair({"p1": one, "p2": other}, title="resnet18")
    assert len(figure.axes) == 4
    for axes, column in zip(figure.axes, ("train_loss", "val_loss", "val_accuracy", "val_auroc"), strict=True):
        assert list(line(axes, "p1").get_ydata()) == list(one[column])
        assert list(line(axes, "p2").get_ydata()) == list(other[column])
    assert {"p1", "p2", "training loss", "validation loss", "validation AUROC"} <= set(written(figure))


def test_losses_of_different_scales_are_drawn_relative_to_their_first_epochs():
    ce = history([0.8, 0.4, 0.6], train=[0.8, 0.4, 0.2])
    focal = history([0.08, 0.04, 0.1], train=[0.1, 0.05, 0.02])
    figure = figures.loss_pair({"ce": ce, "focal": focal}, title="")
    training_losses, validation_losses, accuracy, _ = figure.axes
    assert line(validation_losses, "ce").get_ydata() == pytest.approx([1, 0.5, 0.75])
    assert line(validation_losses, "focal").get_ydata() == pytest.approx([1, 0.5, 1.25])
    assert line(training_losses, "focal").get_ydata() == pytest.approx([1, 0.5, 0.2])
    assert list(line(accuracy, "ce").get_ydata()) == list(ce["val_accuracy"])
    assert "losses relative to epoch 1 of the same run" in written(figure)


def test_a_first_epoch_that_is_no_number_is_named_and_its_curve_left_out():
    figure = figures.loss_pair({"ce": history([0.8, 0.4]), "focal": history([NAN, 0.4])}, title="")
    assert "focal: validation loss of the first epoch is no number to divide by" in written(figure)
    assert np.isnan(line(figure.axes[1], "focal").get_ydata()).all()


def test_the_epoch_of_the_lowest_validation_loss_is_ringed_in_every_panel():
    table = history([0.7, 0.5, 0.6])
    figure = figures.params_pair({"p1": table}, title="")
    for axes, column in zip(figure.axes, ("train_loss", "val_loss", "val_accuracy", "val_auroc"), strict=True):
        ring = next(found for found in axes.lines if found.get_markersize() == 8)
        assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (2, pytest.approx(table[column][1]))


def test_every_epoch_is_a_dot_and_the_median_leaves_the_first_out():
    table = pd.DataFrame({"label": ["a"] * 4 + ["b"], "epoch": [1, 2, 3, 4, 1], "seconds": [90.0, 10, 12, 11, 7]})
    figure = figures.epoch_time(table)
    dots = {(found.get_marker(), *found.get_xdata()) for found in figure.axes[0].lines if found.get_marker() in "os"}
    assert {("o", 10.0, 12.0, 11.0), ("s", 90.0), ("s", 7.0)} <= dots
    assert {"11 s", "epoch 1 only"} <= set(written(figure))


def test_runs_that_are_far_apart_in_time_share_a_logarithmic_axis_that_says_so():
    table = pd.DataFrame({"label": list("aabb"), "epoch": [1, 2, 1, 2], "seconds": [1.0, 1, 30, 30]})
    assert figures.epoch_time(table).axes[0].get_xlabel() == "seconds per epoch (log scale)"
    table["seconds"] = [2.0, 2, 30, 30]
    assert figures.epoch_time(table).axes[0].get_xlabel() == "seconds per epoch"
