"""A forest: every run's AUROC with its interval, drawn and in numbers."""

import pandas as pd
import pytest
from drawn_figures import NAMES, intervals, written

from retina.reporting import figures

NAN = float("nan")


def test_a_forest_row_is_a_point_an_interval_and_the_same_in_numbers():
    table = pd.DataFrame([("a", 0.91, 0.88, 0.94, "test")], columns=["label", "auroc", "low", "high", "group"])
    figure = figures.forest(table, title="")
    lines = [(list(line.get_xdata()), line.get_marker()) for line in figure.axes[0].lines]
    assert ([0.88, 0.94], "None") in lines
    assert ([0.91], "s") in lines
    assert ([0.5, 0.5], "None") in lines
    assert "0.910 (0.880\N{EN DASH}0.940)" in written(figure)


def test_a_row_without_an_interval_is_a_hollow_point_and_is_named():
    rows = [("a", 0.91, NAN, NAN, "test"), ("b", NAN, NAN, NAN, "test")]
    figure = figures.forest(pd.DataFrame(rows, columns=["label", "auroc", "low", "high", "group"]), title="")
    assert {"0.910 (no interval)", "not estimable", "1 without a confidence interval: a bare, hollow point"} <= set(
        written(figure)
    )
    hollow = [
        line for line in figure.axes[0].lines if line.get_markerfacecolor() == "white" and 0.91 in line.get_xdata()
    ]
    assert len(hollow) == 1


def test_a_run_is_named_once_for_its_groups_and_each_group_has_a_marker():
    figure = figures.forest(intervals(["a run"]), title="")
    assert written(figure).count("a run") == 1
    assert {"validation", "test"} <= set(written(figure))
    points = [line for line in figure.axes[0].lines if list(line.get_xdata()) == [0.9]]
    assert {line.get_marker() for line in points} == {"s", "o"}


@pytest.mark.parametrize("count", [0, 1, 20, 21])
def test_a_forest_has_at_most_forty_rows(count):
    figure = figures.forest(intervals(NAMES[:count]), title="")
    assert sum("(0.850" in text for text in written(figure)) == min(2 * count, 40)
    assert ("40 of 42 rows shown" in written(figure)) == (count == 21)
