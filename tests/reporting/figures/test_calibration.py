"""Reliability curves: points, intervals and the images of each bin."""

import numpy as np
import pytest
from drawn_figures import reliability

from retina.reporting import figures


def test_a_reliability_panel_has_points_intervals_and_the_images_of_each_bin():
    panel = reliability()
    axes = figures.reliability_grid([panel]).axes[0]
    points = next(line for line in axes.lines if line.get_marker() == "o")
    assert list(points.get_xdata()) == [0.1, 0.5, 0.9]
    bars, images = axes.collections
    assert [tuple(segment[:, 1]) for segment in bars.get_segments()] == list(
        zip(panel.curve["low"], panel.curve["high"], strict=True)
    )
    heights = [segment[1, 1] - segment[0, 1] for segment in images.get_segments()]
    assert np.array(heights) / heights[-1] == pytest.approx([5 / 40, 10 / 40, 1])
    assert max(segment[1, 1] for segment in images.get_segments()) < 0
