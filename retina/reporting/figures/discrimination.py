"""How well runs separate the classes: ROC and precision-recall curves, and counts at an operating point."""

import functools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from retina.reporting.figures.panels import TICKS, Counts, Panel, draw_grid
from retina.reporting.figures.style import FAINT, INK, NAVY, styled

SHADE = LinearSegmentedColormap.from_list("share", ["#ffffff", "#9dbbe0"])
BAND = {"color": NAVY, "alpha": 0.18, "linewidth": 0}
COLUMNS = 120
NO_CURVE = "no curve"
# Where most images are positive, every useful curve is in the upper half of the panel, which then gets all the room.
PREVALENT, HALF = 0.6, 0.5
UPPER_TICKS = (0.5, 0.6, 0.7, 0.8, 0.9, 1)


@styled
def roc_grid(panels: Sequence[Panel], *, title: str = "ROC curves") -> Figure:
    """Sensitivity over the false positive rate, one panel a run, with its confidence band and the line of chance.

    Args:
        panels: Curves with columns `false_positive_rate`, `sensitivity`, and the band's `low`, `high`; all 0-1, in any
            order; `low` and `high` may be NaN.
        title: The title of the figure.
    """
    notes = ("shaded: 95% confidence band; dashed: chance",)
    return draw_grid(panels, title, names=("false positive rate", "sensitivity"), notes=notes, draw=_draw_roc).figure


@styled
def precision_recall_grid(panels: Sequence[Panel], *, title: str = "Precision-recall curves") -> Figure:
    """Precision over sensitivity, one panel a run, with its confidence band and the prevalence.

    The curve is a staircase, whose area is the average precision: between two thresholds precision is not linear in
    sensitivity (Davis and Goadrich 2006, ICML).

    Args:
        panels: Curves with columns `sensitivity`, `precision`, `low`, `high`; all 0-1, in any order; `low` and `high`
            may be NaN. Their prevalence is the precision of chance; where all prevalences exceed 0.6, precision is
            drawn from 0.5, and the figure says so.
        title: The title of the figure.
    """
    floor = HALF if min((panel.prevalence for panel in panels), default=0.0) > PREVALENT else 0.0
    cut = f"; precision from {floor:g}" if floor else ""
    notes = (f"shaded: 95% confidence band; dashed: prevalence, the precision of chance{cut}",)
    names = ("sensitivity (recall)", "precision (PPV)")
    draw = functools.partial(_draw_precision_recall, floor=floor)
    return draw_grid(panels, title, names=names, notes=notes, draw=draw).figure


@styled
def confusion_grid(
    panels: Sequence[Counts],
    *,
    title: str = "Confusion matrices",
    classes: tuple[str, str] = ("positive", "negative"),
) -> Figure:
    """Counts of images by their class and the class that the run gives them, one panel a run, with shares of the row.

    Args:
        panels: Counts at one operating point each.
        title: The title of the figure.
        classes: The names of the positive and the negative class.
    """
    notes = ("images, and their share of the row: sensitivity at the top left, specificity at the bottom right",)
    draw = functools.partial(_draw_counts, names=classes)
    return draw_grid(panels, title, names=("called", "truth"), notes=notes, draw=draw).figure


def _draw_roc(axes: Axes, panel: Panel) -> None:
    """A curve from (0, 0) to (1, 1), its band, and the diagonal."""
    axes.plot((0, 1), (0, 1), color=FAINT, linewidth=1.0, linestyle=(0, (4, 3)))
    curve = panel.curve.dropna(subset=["false_positive_rate", "sensitivity"])
    curve = _thinned(curve.sort_values(["false_positive_rate", "sensitivity"]), "false_positive_rate")
    axes.fill_between(curve["false_positive_rate"], curve["low"], curve["high"], **BAND)
    axes.plot(curve["false_positive_rate"], curve["sensitivity"], color=NAVY)
    say_if_empty(axes, curve)


def _draw_precision_recall(axes: Axes, panel: Panel, *, floor: float) -> None:
    """A staircase, its band, and the prevalence; precision begins at `floor`."""
    axes.set_ylim(floor - 0.02 * (1 - floor), 1 + 0.02 * (1 - floor))
    axes.set_yticks(UPPER_TICKS if floor else TICKS)
    axes.plot((0, 1), (panel.prevalence, panel.prevalence), color=FAINT, linewidth=1.0, linestyle=(0, (4, 3)))
    curve = panel.curve.dropna(subset=["sensitivity", "precision"])
    curve = _thinned(curve.sort_values(["sensitivity", "precision"], ascending=[True, False]), "sensitivity")
    axes.fill_between(curve["sensitivity"], curve["low"], curve["high"], step="pre", **BAND)
    axes.plot(curve["sensitivity"], curve["precision"], color=NAVY, drawstyle="steps-pre")
    say_if_empty(axes, curve)


def _thinned(curve: pd.DataFrame, horizontal: str) -> pd.DataFrame:
    """As many points as can be seen: the first and the last of each of `COLUMNS` columns, about two pixels wide.

    matplotlib thins lines by itself but not areas; twelve bands of 640 images each would make an SVG of a megabyte.
    """
    column = np.floor(curve[horizontal].to_numpy(np.float64) * COLUMNS)
    first = np.diff(column, prepend=-1) != 0
    last = np.diff(column, append=COLUMNS + 1) != 0
    return curve[first | last]


def say_if_empty(axes: Axes, curve: pd.DataFrame) -> None:
    """Say in the middle of a panel that it has no curve."""
    if curve.empty:
        look = {"ha": "center", "va": "center", "backgroundcolor": "white"}
        axes.text(0.5, 0.5, NO_CURVE, transform=axes.transAxes, **look)


def _draw_counts(axes: Axes, panel: Counts, *, names: tuple[str, str]) -> None:
    """Two rows (positive, negative) of two cells (called positive, called negative)."""
    counts = np.array(
        [[panel.true_positives, panel.false_negatives], [panel.false_positives, panel.true_negatives]], np.int64
    )
    totals = counts.sum(axis=1)
    axes.grid(visible=False)
    for (row, column), count in np.ndenumerate(counts):
        share = count / totals[row] if totals[row] else float("nan")
        colour = SHADE(share) if totals[row] else "white"
        axes.add_patch(Rectangle((column / 2, (1 - row) / 2), 0.5, 0.5, facecolor=colour, edgecolor=FAINT))
        text = f"{count}\n{100 * share:.1f}%" if totals[row] else "none"
        axes.text(column / 2 + 0.25, (1 - row) / 2 + 0.25, text, ha="center", va="center", color=INK)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.set_xticks((0.25, 0.75), names)
    axes.set_yticks((0.75, 0.25), names, rotation=90, va="center")
    axes.tick_params(length=0)
