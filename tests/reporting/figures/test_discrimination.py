"""ROC and precision-recall curves and counts: the right numbers in the right places."""

import numpy as np
import pandas as pd
import pytest
from drawn_figures import counts, precision, roc, written

from retina.reporting import figures


def test_a_roc_panel_has_the_curve_its_band_and_the_line_of_chance():
    panel = roc()
    axes = figures.roc_grid([panel]).axes[0]
    chance, curve = axes.lines
    assert list(chance.get_xdata()) == list(chance.get_ydata()) == [0, 1]
    assert list(curve.get_ydata()) == list(panel.curve["sensitivity"])
    band = axes.collections[0].get_paths()[0].vertices
    assert {(0.5, 0.5**0.4), (0.5, 0.5**0.2)} <= {(x, y) for x, y in band}


def test_a_curve_of_many_points_is_thinned_but_not_moved():
    x = np.linspace(0, 1, 5000)
    curve = pd.DataFrame({"false_positive_rate": x, "sensitivity": x**0.3, "low": x**0.4, "high": x**0.2})
    drawn = figures.roc_grid([figures.Panel("a run", curve, "")]).axes[0].lines[1]
    assert len(drawn.get_xdata()) < 300
    assert np.interp(x**0.3, drawn.get_ydata(), drawn.get_xdata()) == pytest.approx(x, abs=1 / 120)
    assert (drawn.get_xdata()[0], drawn.get_xdata()[-1]) == (0, 1)


def test_precision_is_a_staircase_over_the_prevalence():
    chance, curve = figures.precision_recall_grid([precision(prevalence=0.3)]).axes[0].lines
    assert list(chance.get_ydata()) == [0.3, 0.3]
    assert curve.get_drawstyle() == "steps-pre"


def test_precision_begins_at_a_half_only_where_most_images_of_all_runs_are_diseased():
    def lowest(*shares):
        figure = figures.precision_recall_grid([precision(prevalence=share) for share in shares])
        said = any("precision from 0.5" in text for text in written(figure))
        return round(figure.axes[0].get_ylim()[0], 1), said

    assert lowest(0.79, 0.8) == (0.5, True)
    assert lowest(0.79, 0.53) == (0.0, False)
    assert lowest(float("nan")) == (0.0, False)


def test_a_confusion_panel_has_the_counts_and_their_share_of_the_row_in_their_places():
    figure = figures.confusion_grid([counts()], classes=("diseased", "healthy"))
    cells = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    assert cells == {
        (0.25, 0.75): "480\n94.9%",
        (0.75, 0.75): "26\n5.1%",
        (0.25, 0.25): "40\n29.9%",
        (0.75, 0.25): "94\n70.1%",
    }
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["diseased", "healthy"]
    assert dict(zip(axes.get_yticks(), [label.get_text() for label in axes.get_yticklabels()], strict=True)) == {
        0.75: "diseased",
        0.25: "healthy",
    }


def test_a_row_without_images_has_no_share():
    figure = figures.confusion_grid([figures.Counts("a run", 3, 1, 0, 0, "")])
    assert [text.get_text() for text in figure.axes[0].texts].count("none") == 2
