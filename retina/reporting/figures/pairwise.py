"""Every pair of runs: the difference of their AUROCs, and the smallest difference that could have been detected."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from retina.reporting.figures import labels as text_labels
from retina.reporting.figures.style import EDGE, FAINT, INK, LINE, SIZE, WIDTH, Sheet, head_height, styled

MOST_RUNS = 20
ROOMY_RUNS = 12
LEFT = 1.9
CELL_SIZE = 7.5
LARGEST_CELL = 0.7
SIGNIFICANT = 0.05
# Both ends are pale enough for black digits; the sign is printed, since in grey the two ends look alike.
DIVERGING = LinearSegmentedColormap.from_list("difference", ["#f0a868", "#ffffff", "#8db4e2"])


@styled
def pairwise(
    labels: Sequence[str],
    differences: np.ndarray,
    adjusted_p: np.ndarray,
    detectable: np.ndarray,
    *,
    title: str = "Pairwise differences in AUROC",
) -> Figure:
    """A triangle of differences below the diagonal, and of what could have been detected above it.

    Args:
        labels: N runs; any strings. The first `MOST_RUNS` are shown, and the figure says so.
        differences: (N, N) float64, AUROC of the row minus AUROC of the column, -1 to 1; NaN where the two runs were
            not tested on the same images. The part below the diagonal is drawn.
        adjusted_p: (N, N) float64, Holm-adjusted p values, 0-1 or NaN, symmetric; 5% is marked.
        detectable: (N, N) float64, the smallest difference that had an 80% chance to be found at the 5% level,
            0 or more, NaN where not paired, symmetric. The part above the diagonal is printed.
        title: Any string.
    """
    count = min(len(labels), MOST_RUNS)
    compact = count > ROOMY_RUNS
    notes = _notes(count, len(labels), compact=compact)
    left = LEFT + EDGE
    side = min((WIDTH - left - EDGE) / max(count, 1), LARGEST_CELL)
    top = head_height(len(notes)) + LINE + 0.06
    sheet = Sheet(WIDTH, top + side * count + LINE + 0.1, title, notes)
    axes = sheet.axes(left, top, side * max(count, 1), side * max(count, 1))
    _set_axes(axes, count)
    _name_rows(sheet, labels[:count], left, top, side)
    factor = 1000 if compact else 1
    # At least 1e-9, so that differences of 0 alone can be divided by it
    largest = np.nanmax(
        np.abs(differences[:count, :count]), initial=1e-9, where=np.isfinite(differences[:count, :count])
    )
    for row in range(count):
        for column in range(count):
            if row > column:
                share = 0.5 + differences[row, column] / largest / 2
                _draw_difference(axes, row, column, differences[row, column] * factor, share, compact=compact)
                _draw_mark(axes, row, column, adjusted_p[row, column])
            elif row < column:
                _draw_detectable(axes, row, column, detectable[row, column] * factor, compact=compact)
    return sheet.figure


def _notes(count: int, runs: int, *, compact: bool) -> tuple[str, ...]:
    """How to read the grid."""
    unit = " All in thousandths." if compact else ""
    return (
        "Coloured, below the diagonal: AUROC of the row minus the column; black corner: Holm-adjusted p < 0.05.",
        f"White, above it: smallest difference these images could have shown; hatched: not paired.{unit}",
        *((f"{count} of {runs} runs shown",) if count < runs else ()),
    )


def _set_axes(axes: Axes, count: int) -> None:
    """A frame of `count` x `count` cells of size 1, the first row on top."""
    axes.set(xlim=(0, max(count, 1)), ylim=(max(count, 1), 0), xticks=[], yticks=[])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for number in range(count):
        axes.add_patch(Rectangle((number, number), 1, 1, facecolor=FAINT, edgecolor="white"))
        axes.text(number + 0.5, number + 0.5, str(number + 1), color="white", ha="center", va="center", weight="bold")


def _name_rows(sheet: Sheet, names: Sequence[str], left: float, top: float, side: float) -> None:
    """Each run's number and name at its row, the numbers again above the columns."""
    for number, name in enumerate(names):
        y = top + side * (number + 0.5)
        sheet.text(EDGE, y, f"{number + 1}", weight="bold")
        lines = text_labels.wrapped(name, left - EDGE - 0.32, SIZE, 2 if side > 2 * LINE else 1)
        sheet.text(EDGE + 0.22, y, "\n".join(lines), linespacing=1.1)
        sheet.text(left + side * (number + 0.5), top - LINE / 2, f"{number + 1}", weight="bold", ha="center")


def _draw_difference(axes: Axes, row: int, column: int, value: float, share: float, *, compact: bool) -> None:
    """A coloured cell with its signed value, or a hatched one."""
    if np.isnan(value):
        _draw_unpaired(axes, row, column)
        return
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor=DIVERGING(share), edgecolor="white"))
    text = f"{value:.0f}" if compact else f"{value:+.3f}".replace("0.", ".", 1).replace("-", "\N{MINUS SIGN}")
    axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", size=CELL_SIZE, color=INK)


def _draw_detectable(axes: Axes, row: int, column: int, value: float, *, compact: bool) -> None:
    """A white cell with a value, or a hatched one."""
    if np.isnan(value):
        _draw_unpaired(axes, row, column)
        return
    text = f"{value:.0f}" if compact else f"{value:.3f}".replace("0.", ".", 1)
    axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", size=CELL_SIZE, color=FAINT)


def _draw_unpaired(axes: Axes, row: int, column: int) -> None:
    """A hatched cell."""
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor="white", edgecolor="#b5b5b5", hatch="////", linewidth=0))


def _draw_mark(axes: Axes, row: int, column: int, adjusted_p: float) -> None:
    """A black corner in a cell whose difference is significant."""
    if adjusted_p < SIGNIFICANT:
        corner = ((column + 0.72, row), (column + 1, row), (column + 1, row + 0.28))
        axes.add_patch(Polygon(corner, facecolor=INK, linewidth=0))
