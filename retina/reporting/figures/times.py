"""The wall time of an epoch in each run."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from retina.reporting.figures import labels
from retina.reporting.figures.style import (
    BAND,
    EDGE,
    INK,
    LINE,
    NAVY,
    SIZE,
    VERMILLION,
    WIDTH,
    Sheet,
    head_height,
    styled,
)

MOST_RUNS = 40
ROW = 0.22
LEFT, RIGHT, BOTTOM = 2.25, 0.95, 0.44
LOG_FROM = 20.0


@styled
def epoch_time(table: pd.DataFrame, *, title: str = "Time per epoch") -> Figure:
    """Seconds of every epoch, one line a run, and the median of the epochs after the first.

    The first epoch is drawn apart: it includes the warm-up of caches, workers and kernels. Over a ratio of `LOG_FROM`
    between medians the scale is logarithmic, and says so.

    Args:
        table: Columns `label` (the run; any string), `epoch` (from 1) and `seconds` (above 0), one row an epoch, runs
            in order of appearance; the first `MOST_RUNS` are shown, and the figure says so.
        title: Any string.
    """
    runs = dict(list(table.groupby("label", sort=False)))
    shown = dict(list(runs.items())[:MOST_RUNS])
    notes = (f"{len(shown)} of {len(runs)} runs shown",) if len(shown) < len(runs) else ()
    top = head_height(len(notes)) + LINE + 0.1
    height = ROW * max(len(shown), 1)
    sheet = Sheet(WIDTH, top + height + BOTTOM, title, notes)
    axes = sheet.axes(LEFT, top, WIDTH - LEFT - RIGHT, height)
    medians = [_median(rows) for rows in shown.values()]
    _set_axes(axes, shown, medians)
    for row, (label, rows) in enumerate(shown.items()):
        _draw_run(axes, row, rows, medians[row])
        y = top + ROW * (row + 0.5)
        sheet.text(EDGE, y, labels.fitted(label, LEFT - EDGE - 0.1, SIZE))
        sheet.text(WIDTH - RIGHT + 0.12, y, _seconds(medians[row]))
    _draw_key(sheet, top - LINE / 2 - 0.04)
    return sheet.figure


def _median(rows: pd.DataFrame) -> float:
    """Median seconds of the epochs after the first, NaN where there are none."""
    later = rows.loc[rows["epoch"] > 1, "seconds"]
    return float(later.median()) if len(later) else math.nan


def _seconds(median: float) -> str:
    """Three digits, or why there is no median."""
    if math.isnan(median):
        return "epoch 1 only"
    return f"{median:.0f} s" if median >= 100 else f"{median:.3g} s"  # noqa: PLR2004 - three digits either way


def _set_axes(axes: Axes, shown: dict[str, pd.DataFrame], medians: list[float]) -> None:
    """From 0, or logarithmic where the runs are far apart."""
    positive = [median for median in medians if median > 0]
    logarithmic = bool(positive) and max(positive) > LOG_FROM * min(positive)
    axes.set(ylim=(max(len(shown), 1) - 0.5, -0.5), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("seconds per epoch (log scale)" if logarithmic else "seconds per epoch")
    if logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        largest = max((float(rows["seconds"].max()) for rows in shown.values()), default=1.0)
        axes.set_xlim(-0.02 * largest, 1.04 * largest)
        axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _draw_run(axes: Axes, row: int, rows: pd.DataFrame, median: float) -> None:
    """A dot an epoch, a hollow square for the first, a bar for the median."""
    if row % 2 == 0:
        axes.axhspan(row - 0.5, row + 0.5, color=BAND, linewidth=0, zorder=0)
    first = rows["epoch"] == 1
    later, early = rows.loc[~first, "seconds"], rows.loc[first, "seconds"]
    axes.plot(later, np.full(len(later), row), "o", color=NAVY, markersize=4, alpha=0.6, markeredgewidth=0, zorder=3)
    axes.plot(early, np.full(len(early), row), "s", color=VERMILLION, markersize=5, markerfacecolor="white", zorder=3)
    axes.plot((median, median), (row - 0.36, row + 0.36), color=INK, linewidth=1.4)


def _draw_key(sheet: Sheet, y: float) -> None:
    """The key to the marks, above the frame."""
    x = LEFT + 0.06
    for text, look in (
        ("an epoch", {"color": NAVY, "marker": "o", "markersize": 3.5}),
        ("epoch 1", {"color": VERMILLION, "marker": "s", "markersize": 5, "markerfacecolor": "white"}),
        ("median without epoch 1", {"color": INK, "marker": "|", "markersize": 9, "markeredgewidth": 1.8}),
    ):
        sheet.line((x,), (y,), linestyle="", **look)
        sheet.text(x + 0.1, y, text)
        x += 0.35 + labels.width(text, SIZE)
    sheet.text(WIDTH - RIGHT + 0.12, y, "median", weight="bold")
