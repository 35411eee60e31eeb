"""The course of the learning rate is drawn where there is one, and nowhere else."""

import numpy as np
import pytest
from drawn_figures import history, training, written

LOSSES = [0.7, 0.6, 0.5, 0.45]


def with_rates(rates):
    return history(LOSSES).assign(learning_rate=rates)


@pytest.mark.parametrize("table", [history(LOSSES), with_rates([1e-4] * 4), with_rates([1e-4] * 4)[:0]])
def test_one_rate_for_all_epochs_and_layers_needs_no_panel(table):
    assert len(training(table).axes) == 2


@pytest.mark.parametrize("rates", [[5e-5, 1e-4, 1e-4, 1e-4], [1e-3, 5e-4, 2e-4, 0.0]])
def test_a_rate_that_changes_has_a_panel_with_each_epochs_rate_and_the_largest_named(rates):
    figure = training(with_rates(rates), best_epoch=4)
    losses, scores, course = figure.axes
    assert course.lines[0].get_ydata() == pytest.approx(np.array(rates))
    assert list(course.lines[0].get_xdata()) == [1, 2, 3, 4]
    assert [label.get_text() for label in course.get_yticklabels()] == ["0", f"{max(rates):.3g}"]
    assert course.get_xlabel() == "epoch"
    assert scores.get_xlabel() == losses.get_xlabel() == ""
    assert course.get_xlim() == losses.get_xlim()


def test_the_epochs_of_the_head_alone_are_shaded_up_to_the_middle_between_two():
    figure = training(with_rates([1e-4] * 4), frozen_epochs=2)
    shade = figure.axes[2].patches[0]
    assert shade.get_x() + shade.get_width() == pytest.approx(2.5)
    assert "head alone" in written(figure)
    assert "head alone" not in written(training(with_rates([1e-4, 5e-5, 0.0, 0.0])))
