"""Training curves: marks are at their epochs, and what cannot be drawn is named."""

import numpy as np
import pytest
from drawn_figures import history, line, training, vertical_lines, written

from retina.reporting import figures

NAN, INF = float("nan"), float("inf")


def test_marks_are_at_their_epochs_in_both_panels_and_are_named():
    figure = training(history([0.7, 0.5, 0.6, 0.8, 0.9]), best_epoch=2, onset=3, stop_epoch=5)
    losses, scores = figure.axes
    assert vertical_lines(losses) == vertical_lines(scores) == [2, 3, 5]
    assert {"best: epoch 2", "overfits from epoch 3", "early stop: epoch 5"} <= set(written(figure))
    ring = next(found for found in losses.lines if found.get_markersize() == 9)
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([2], [0.5])


def test_a_marks_name_is_beside_the_line_that_leads_to_it():
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


def test_long_runs_have_no_markers_and_short_ones_have():
    short, long = (line(training(history([0.5] * count)).axes[0], "validation") for count in (30, 31))
    assert short.get_marker() == "o"
    assert long.get_marker() in ("", "None")
