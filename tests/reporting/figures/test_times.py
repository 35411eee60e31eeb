"""The wall time of an epoch: every epoch is a dot, and far apart runs share a logarithmic axis."""

import pandas as pd
from drawn_figures import written

from retina.reporting import figures


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
