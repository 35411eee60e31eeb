"""Pairs of runs over their epochs: both runs' values in every panel."""

import numpy as np
import pytest
from drawn_figures import history, line, written

from retina.reporting import figures

NAN, INF = float("nan"), float("inf")


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
