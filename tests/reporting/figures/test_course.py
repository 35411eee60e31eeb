"""The course of the learning rate is drawn where there is one, and nowhere else."""

import numpy as np
import pytest
from drawn_figures import history, training, written

from retina.reporting.figures.epochs import Phases

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


@pytest.mark.parametrize(
    ("phases", "ends", "words"),
    [
        (Phases(head=2), [2.5], "head alone"),
        (Phases(warmup=1.0), [1.5], "warm-up"),
        (Phases(head=1, warmup=0.5), [1.5, 2.0], "head alone, then warm-up"),
        (Phases(head=1, warmup=9.0), [1.5, None], "head alone, then warm-up"),
    ],
)
def test_phases_are_shaded_one_after_the_other_and_named(phases, ends, words):
    figure = training(with_rates([1e-4] * 4), phases=phases)
    course = figure.axes[2]
    low, high = course.get_xlim()
    spans = [(shade.get_x(), shade.get_x() + shade.get_width()) for shade in course.patches]
    assert [begin for begin, _ in spans] == pytest.approx([low, *ends[:-1]])
    assert [end for _, end in spans] == pytest.approx([high if end is None else end for end in ends])
    assert words in written(figure)


def test_without_phases_none_is_named():
    assert "warm-up" not in written(training(with_rates([1e-4, 5e-5, 0.0, 0.0])))
