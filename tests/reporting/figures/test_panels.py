"""Grids of panels: one a run up to twelve, with its name and its numbers, and edge cases named."""

import numpy as np
import pandas as pd
import pytest
from drawn_figures import NAMES, counts, precision, reliability, roc, written

from retina.reporting import figures
from retina.reporting.figures.labels import ELLIPSIS

GRIDS = {
    "roc": (figures.roc_grid, roc),
    "precision-recall": (figures.precision_recall_grid, precision),
    "reliability": (figures.reliability_grid, reliability),
    "confusion": (figures.confusion_grid, counts),
}
grids = pytest.mark.parametrize(("draw", "panel"), GRIDS.values(), ids=GRIDS)
NAN = float("nan")


@grids
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 12, 13, 40])
def test_there_is_a_panel_a_run_up_to_twelve(draw, panel, count):
    figure = draw([panel(name) for name in NAMES[:count]])
    assert len(figure.axes) == min(count, 12)
    assert any(text == f"12 of {count} shown" for text in written(figure)) == (count > 12)


@grids
def test_only_the_outermost_panels_name_their_axes(draw, panel):
    figure = draw([panel(name) for name in NAMES[:7]])
    assert [bool(axes.get_ylabel()) for axes in figure.axes] == [True, False, False, True, False, False, True]
    assert [bool(axes.get_xlabel()) for axes in figure.axes] == [False, False, False, False, True, True, True]


@grids
def test_each_panel_carries_its_name_and_its_numbers(draw, panel):
    given = panel("vgg16-p2")
    found = written(draw([given]))
    assert "vgg16-p2" in found
    assert given.text in " ".join(found)


@grids
@pytest.mark.parametrize("count", [1, 2, 3, 13])
def test_the_key_to_what_is_drawn_is_never_cut(draw, panel, count):
    """However narrow the figure: what does not fit on one line goes on below."""
    assert not any(ELLIPSIS in text for text in written(draw([panel("a run")] * count)))


@pytest.mark.parametrize(
    ("draw", "columns"),
    [
        (figures.roc_grid, ["false_positive_rate", "sensitivity", "low", "high"]),
        (figures.precision_recall_grid, ["sensitivity", "precision", "low", "high"]),
        (figures.reliability_grid, ["mean_probability", "observed", "low", "high", "images"]),
    ],
)
def test_a_run_without_a_curve_has_a_panel_that_says_so(draw, columns, tmp_path):
    for curve in (pd.DataFrame(columns=columns, dtype=np.float64), pd.DataFrame({name: [NAN] for name in columns})):
        figure = draw([figures.Panel("a run", curve, "")])
        assert "no curve" in written(figure)
        figures.save(figure, tmp_path, "empty")


@pytest.mark.parametrize("kind", [kind for kind in GRIDS if kind != "confusion"])
def test_the_order_of_a_curves_points_does_not_matter(kind, tmp_path):
    draw, panel = GRIDS[kind]
    given = panel()
    assert len(given.curve) > 1
    figures.save(draw([given]), tmp_path, "a")
    figures.save(draw([figures.Panel(given.label, given.curve[::-1], given.text, given.prevalence)]), tmp_path, "b")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
