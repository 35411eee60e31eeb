"""Whether probabilities are what they say: reliability curves, above the histogram of probabilities."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from retina.reporting.figures.discrimination import say_if_empty
from retina.reporting.figures.panels import TICKS, Panel, draw_grid
from retina.reporting.figures.style import FAINT, NAVY, VERMILLION, styled

# The histogram is below 0, in the same axes: a second pair of axes in each panel would double the time to draw it.
FLOOR, CEILING = -0.30, -0.06


@styled
def reliability_grid(
    panels: Sequence[Panel], *, title: str = "Reliability curves", positive: str = "positive"
) -> Figure:
    """Share of positive images over the mean predicted probability, one panel a run, one point a bin.

    Args:
        panels: Curves with columns `mean_probability`, `observed`, the Wilson interval's `low`, `high`, all 0-1, and
            `images`, how many the bin holds; in any order. Bins without images may be left out or be NaN.
        title: The title of the figure.
        positive: The name of the positive class.
    """
    notes = ("bars: 95% Wilson intervals; dashed: perfect calibration; below: images of each bin",)
    names = ("mean predicted probability", f"share {positive}")
    return draw_grid(panels, title, names=names, notes=notes, draw=_draw_reliability).figure


def _draw_reliability(axes: Axes, panel: Panel) -> None:
    """Points with intervals about the diagonal, and a spike for the images of each bin."""
    axes.plot((0, 1), (0, 1), color=FAINT, linewidth=1.0, linestyle=(0, (4, 3)))
    axes.axhline(-0.02, color=FAINT, linewidth=0.7)
    curve = panel.curve.dropna(subset=["mean_probability", "observed"]).sort_values("mean_probability")
    x, observed = curve["mean_probability"], curve["observed"]
    axes.vlines(x, curve["low"], curve["high"], color=NAVY, linewidth=1.0)
    axes.plot(x, observed, color=NAVY, marker="o", markersize=3.5, linewidth=1.2)
    images = curve["images"].to_numpy(np.float64)
    heights = FLOOR + (CEILING - FLOOR) * images / max(images.max(initial=0.0), 1.0)
    axes.vlines(x, FLOOR, heights, color=VERMILLION, linewidth=3.0)
    axes.set_ylim(FLOOR, 1.02)
    axes.set_yticks(TICKS)
    say_if_empty(axes, curve)
