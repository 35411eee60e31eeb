"""The figure of a range test: a line a seed, its suggestion marked, in a frame that shows the fall."""

import numpy as np
import pytest
from drawn_figures import vertical_lines, written

from retina.reporting.figures.rates import Line, range_test

RATES = np.geomspace(1e-6, 1e-1, 6)


def of(seed, smoothed, suggestion=None):
    smoothed = np.array(smoothed)
    return Line(seed, RATES[: len(smoothed)], smoothed + 0.01, smoothed, suggestion)


def axes_of(*lines):
    return range_test(lines, "resnet18", ("a note",), "cross-entropy").axes[0]


def test_each_seed_is_a_line_named_with_its_suggestion_which_is_marked():
    axes = axes_of(of(0, [0.8, 0.7, 0.5, 0.4, 0.5, 9.0], 1e-4), of(3, [0.8] * 6))
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["seed 0: 0.0001", "seed 3: no suggestion"]
    assert vertical_lines(axes) == [1e-4]
    named = {line.get_label(): line for line in axes.lines}
    assert named[labels[0]].get_ydata().tolist() == [0.8, 0.7, 0.5, 0.4, 0.5, 9.0]
    assert axes.get_xscale() == "log"


def test_the_frame_reaches_a_little_below_the_fall_and_not_up_to_where_it_diverges():
    low, high = axes_of(of(0, [0.8, 0.7, 0.5, 0.4, 0.5, 9.0])).get_ylim()
    assert (low, high) == pytest.approx((0.4 - 0.25 * 0.4, 0.8 + 0.8 * 0.4))


def test_a_flat_curve_and_one_without_points_have_a_frame_too():
    assert axes_of(of(0, [0.5] * 6)).get_ylim() == pytest.approx((0.5 - 0.0125, 0.5 + 0.04))
    assert axes_of(of(0, [])).get_ylim() == pytest.approx((0.0, 1.8))
    assert axes_of(of(0, [0.5, 0.01])).get_ylim()[0] == 0


def test_title_notes_and_axes_are_named():
    figure = range_test([of(0, [0.8, 0.7])], "resnet18", ("a note",), "cross-entropy")
    assert {"resnet18", "a note", "training loss (cross-entropy)"} <= set(written(figure))
