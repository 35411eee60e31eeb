"""The style of all figures: colours that differ in lightness too, sizes in inches, a sheet to place axes on.

Figures are matplotlib's plain `Figure`, without pyplot and its global state. Margins are computed: a layout engine
would draw every figure several times.
"""

import functools
from collections.abc import Callable
from statistics import fmean
from typing import ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from retina.reporting.figures import labels

WIDTH = 6.8
EDGE = 0.12
LINE = 0.17
TITLE_SIZE = 10.0
SIZE = 8.0

INK = "#1a1a1a"
FAINT = "#5f5f5f"
GRID = "#e3e3e3"
BAND = "#f3f3f3"
NAVY, VERMILLION, TEAL, PURPLE, MAROON = "#14488f", "#c85200", "#2a9d8f", "#8e3a8b", "#5c1130"
DEEP_TEAL = "#1b7468"
# Each series has a colour, a lightness, a dash and a marker of its own: any one of them tells it apart.
SERIES = (
    (NAVY, "-", "o"),
    (VERMILLION, (0, (5, 1.5)), "s"),
    (TEAL, (0, (5, 1.5, 1, 1.5)), "^"),
    (PURPLE, (0, (1.5, 1)), "D"),
    (INK, (0, (8, 2)), "v"),
    (MAROON, (0, (3, 1, 1, 1, 1, 1)), "P"),
)

RULES = {
    "font.family": [labels.FONT],
    "font.size": SIZE,
    "text.parse_math": False,
    # Hinting would round each advance to whole pixels, and texts would not be as wide as they were measured.
    "text.hinting": "no_hinting",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": SIZE,
    "axes.labelpad": 2.5,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SIZE,
    "ytick.labelsize": SIZE,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.0,
    "path.simplify_threshold": 0.3,
    "hatch.linewidth": 0.6,
    "svg.hashsalt": "retina",
    "svg.fonttype": "path",
}

Arguments = ParamSpec("Arguments")
Drawn = TypeVar("Drawn")


def styled(draw: Callable[Arguments, Drawn]) -> Callable[Arguments, Drawn]:
    """Let a function draw by `RULES` over matplotlib's defaults; the caller's settings are ignored and restored."""

    @functools.wraps(draw)
    def draw_styled(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Drawn:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(RULES)
            return draw(*args, **kwargs)

    return draw_styled


class Sheet:
    """A figure measured in inches from its top left corner.

    Args:
        width: Inches.
        height: Inches.
        title: Its first line, in bold; any string.
        notes: Lines below the title; any strings.
    """

    def __init__(self, width: float, height: float, title: str, notes: tuple[str, ...] = ()) -> None:
        self.width = width
        self.height = height
        self.figure = Figure(figsize=(width, height))
        room = width - 2 * EDGE
        self.text(EDGE, 0.2, labels.fitted(title, room, TITLE_SIZE, "bold"), size=TITLE_SIZE, weight="bold")
        for number, note in enumerate(notes):
            line = labels.fitted(note, room, SIZE)
            self.text(EDGE, head_height(number) + LINE / 2, line, color=FAINT)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes whose frame has its left top corner at (`left`, `top`); all in inches."""
        return self.figure.add_axes(
            (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        )

    def text(self, x: float, y: float, text: str, **look: object) -> Text:
        """A text that is centred on height `y` and begins at `x`, inches."""
        return self.figure.text(x / self.width, 1 - y / self.height, text, **{"va": "center"} | look)

    def line(self, x: tuple[float, ...], y: tuple[float, ...], **look: object) -> Line2D:
        """A line between points in inches, outside of axes."""
        line = Line2D(
            [value / self.width for value in x],
            [1 - value / self.height for value in y],
            transform=self.figure.transFigure,
            **look,
        )
        return self.figure.add_artist(line)


def head_height(notes: int) -> float:
    """The height of the title and that many notes, inches."""
    return 0.36 + LINE * notes


def spread(positions: list[float], gap: float, low: float, high: float) -> list[float]:
    """Move positions apart as little as possible, keeping their order, so that labels put there do not overlap.

    Args:
        positions: The places that the labels would have without the others.
        gap: Least distance between two.
        low: Lowest position.
        high: Highest position; overrun where `low` to `high` has no room for all.

    Returns:
        A position for each, in the given order.
    """
    order = sorted(range(len(positions)), key=positions.__getitem__)
    ceiling = max(low, high - gap * (len(positions) - 1))
    # With the gaps taken off, the positions need only be in order: isotonic regression by least squares, which pools
    # neighbours that are not (Barlow et al. 1972, pool adjacent violators).
    pools: list[list[float]] = []
    for rank, index in enumerate(order):
        pools.append([positions[index] - rank * gap])
        while len(pools) > 1 and fmean(pools[-2]) > fmean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    level = [fmean(pool) for pool in pools for _ in pool]
    placed = dict(zip(order, level, strict=True))
    return [min(max(placed[index], low), ceiling) + order.index(index) * gap for index in range(len(positions))]
