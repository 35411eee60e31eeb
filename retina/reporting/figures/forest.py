"""Every run's AUROC with its confidence interval, in one column."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from retina.reporting.figures import labels
from retina.reporting.figures.style import (
    BAND,
    EDGE,
    FAINT,
    LINE,
    NAVY,
    PURPLE,
    SIZE,
    TEAL,
    VERMILLION,
    WIDTH,
    Sheet,
    head_height,
    styled,
)

MOST_ROWS = 40
ROW = 0.2
LEFT, RIGHT, BOTTOM = 2.25, 1.6, 0.44
CHANCE = 0.5
GROUPS = ((NAVY, "s"), (VERMILLION, "o"), (TEAL, "^"), (PURPLE, "D"))


@styled
def forest(table: pd.DataFrame, *, title: str) -> Figure:
    """AUROC of runs with 95% confidence intervals, and the same in numbers.

    Args:
        table: Columns `label` (the run), `auroc`, `low`, `high` (0-1 or NaN), `group` (such as `validation`, `test`; at
            most four), one row a run and group, drawn in this order; the first `MOST_ROWS` are shown, and the figure
            says so. Rows of one run that follow each other are named once.
        title: Any string.
    """
    shown = table.head(MOST_ROWS)
    groups = dict(zip(dict.fromkeys(shown["group"]), GROUPS, strict=False))
    notes = _notes(shown, len(table))
    top = head_height(len(notes)) + LINE + 0.1
    height = ROW * max(len(shown), 1)
    sheet = Sheet(WIDTH, top + height + BOTTOM, title, notes)
    axes = sheet.axes(LEFT, top, WIDTH - LEFT - RIGHT, height)
    _set_axes(axes, shown)
    _draw_rows(axes, shown, groups)
    _write_rows(sheet, shown, top)
    _draw_key(sheet, groups, top - LINE / 2 - 0.04)
    return sheet.figure


def _notes(shown: pd.DataFrame, rows: int) -> tuple[str, ...]:
    """What the figure leaves out: rows, and intervals that are missing."""
    bare = int((shown["auroc"].notna() & shown[["low", "high"]].isna().any(axis=1)).sum())
    cut = f"{len(shown)} of {rows} rows shown" if len(shown) < rows else ""
    without = f"{bare} without a confidence interval: a bare, hollow point" if bare else ""
    return tuple(filter(None, (cut, without)))


def _set_axes(axes: Axes, shown: pd.DataFrame) -> None:
    """From below the lowest interval, or chance, to 1."""
    lowest = np.nanmin([CHANCE, *shown["low"], *shown["auroc"]])
    axes.set(xlim=(max(lowest - 0.04, -0.01), 1.01), ylim=(max(len(shown), 1) - 0.5, -0.5), yticks=[])
    axes.xaxis.set_major_locator(MultipleLocator(0.1))
    axes.xaxis.set_major_formatter("{x:.1f}")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("AUROC (dashed: chance)")
    axes.axvline(CHANCE, color=FAINT, linewidth=1.0, linestyle=(0, (4, 3)))


def _draw_rows(axes: Axes, shown: pd.DataFrame, groups: dict[str, tuple[str, str]]) -> None:
    """A point and its interval a row; every second run has a shaded ground."""
    runs = (shown["label"] != shown["label"].shift()).cumsum()
    for row, (run, entry) in enumerate(zip(runs, shown.itertuples(), strict=True)):
        colour, marker = groups[entry.group]
        if run % 2:
            axes.axhspan(row - 0.5, row + 0.5, color=BAND, linewidth=0, zorder=0)
        axes.plot((entry.low, entry.high), (row, row), color=colour, solid_capstyle="butt")
        hollow = {"markerfacecolor": "white"} if math.isnan(entry.low + entry.high) else {}
        axes.plot(entry.auroc, row, color=colour, marker=marker, markersize=5, **hollow)


def _write_rows(sheet: Sheet, shown: pd.DataFrame, top: float) -> None:
    """The run at the left of each row, its numbers at the right."""
    x = WIDTH - RIGHT + 0.12
    sheet.text(x, top - LINE / 2 - 0.04, "AUROC (95% CI)", weight="bold")
    before = None
    for row, entry in enumerate(shown.itertuples()):
        y = top + ROW * (row + 0.5)
        if entry.label != before:
            sheet.text(EDGE, y, labels.fitted(entry.label, LEFT - EDGE - 0.1, SIZE))
        before = entry.label
        sheet.text(x, y, numbers(entry.auroc, entry.low, entry.high))


def numbers(value: float, low: float, high: float) -> str:
    """`0.912 (0.880-0.944)` with an en dash, or as much of it as there is."""
    if math.isnan(value):
        return "not estimable"
    interval = "no interval" if math.isnan(low + high) else f"{low:.3f}\N{EN DASH}{high:.3f}"
    return f"{value:.3f} ({interval})"


def _draw_key(sheet: Sheet, groups: dict[str, tuple[str, str]], y: float) -> None:
    """What the markers mean, above the frame."""
    x = LEFT
    for group, (colour, marker) in groups.items():
        text = labels.fitted(group, 0.9, SIZE)
        if text:
            sheet.line((x + 0.06,), (y,), color=colour, marker=marker, markersize=5, linestyle="")
            sheet.text(x + 0.15, y, text)
            x += 0.35 + labels.width(text, SIZE)
