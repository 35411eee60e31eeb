"""Small panels side by side, one a run, with its name and its numbers above the frame, where they cover no curve."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from matplotlib.axes import Axes

from retina.reporting.figures import labels
from retina.reporting.figures.style import EDGE, LINE, SIZE, WIDTH, Sheet, head_height

if TYPE_CHECKING:
    import pandas as pd

MOST_PANELS = 12
MOST_COLUMNS = 3
MOST_LINES = 2
NARROWEST = 5.2
AIR = 0.12
LEFT, BOTTOM = 0.62, 0.44
BELOW = 0.2
# One or two panels are drawn larger, but not so large that they would look more important than twelve.
SIDES = {1: 3.0, 2: 2.5, 3: 1.64}
GAP = (WIDTH - LEFT) / MOST_COLUMNS - SIDES[MOST_COLUMNS]
# More ticks would take a third longer to draw, and the numbers are in the tables.
TICKS = (0, 0.5, 1)


@dataclass(frozen=True)
class Panel:
    """A curve of one run.

    Args:
        label: The run; any string, shortened beyond two lines.
        curve: Its points; each figure documents the columns it needs. Without rows, the panel says that it is empty.
        text: Its numbers in words, such as `AUROC 0.93 (0.90-0.95)`; what exceeds two lines is shortened.
        prevalence: Share of positives among the images, 0-1; only precision-recall curves need it.
    """

    label: str
    curve: "pd.DataFrame"
    text: str
    prevalence: float = float("nan")


@dataclass(frozen=True)
class Counts:
    """The confusion matrix of one run at one operating point.

    Args:
        label: The run; any string, shortened beyond two lines.
        true_positives: Positive, called positive.
        false_negatives: Positive, called negative.
        false_positives: Negative, called positive.
        true_negatives: Negative, called negative.
        text: The operating point and where it was chosen; what exceeds two lines is shortened.
    """

    label: str
    true_positives: int
    false_negatives: int
    false_positives: int
    true_negatives: int
    text: str


AnyPanel = TypeVar("AnyPanel", Panel, Counts)


@dataclass(frozen=True)
class Grid:
    """The places of panels on a sheet.

    Args:
        sheet: The sheet, with its title.
        places: For each drawn panel its row, its column, and whether it is the lowest of its column.
        side: Width and height of a frame, inches.
        head: Height of the title, inches.
        lines: The number of lines that there is room for above each frame.
    """

    sheet: Sheet
    places: tuple[tuple[int, int, bool], ...]
    side: float
    head: float
    lines: int

    def axes(self, number: int) -> Axes:
        """Square axes of a panel over 0-1; ticks are labelled on the outermost panels alone."""
        row, column, lowest = self.places[number]
        pitch = self.side + self.lines * LINE + BELOW
        left = LEFT + column * (self.side + GAP)
        axes = self.sheet.axes(left, self.head + row * pitch + self.lines * LINE, self.side, self.side)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=TICKS, yticks=TICKS)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.tick_params(labelbottom=lowest, labelleft=column == 0)
        return axes

    def write_head(self, number: int, names: Sequence[str], lines: Sequence[str]) -> None:
        """Write a panel's name and its text above its frame, flush with it."""
        row, column, _ = self.places[number]
        x = LEFT + column * (self.side + GAP)
        bottom = self.head + row * (self.side + self.lines * LINE + BELOW) + self.lines * LINE - 0.02
        for place, line in enumerate((*names, *lines)):
            y = bottom - (len(names) + len(lines) - place - 0.5) * LINE
            self.sheet.text(x, y, line, weight="bold" if place < len(names) else "normal")


def draw_grid(
    panels: Sequence[AnyPanel],
    title: str,
    *,
    names: tuple[str, str],
    notes: tuple[str, ...],
    draw: Callable[[Axes, AnyPanel], None],
) -> Sheet:
    """Draw at most `MOST_PANELS` panels, and say so where there are more.

    Args:
        panels: Any number.
        title: The title of the figure.
        names: The names of the horizontal and the vertical axes.
        notes: Lines below the title, the key to what is drawn.
        draw: Draws one panel into its axes.
    """
    shown = panels[:MOST_PANELS]
    if len(shown) < len(panels):
        notes = (*notes, f"{len(shown)} of {len(panels)} shown")
    if not shown:
        notes = (*notes, "no run to show")
    side = SIDES[min(max(len(shown), 1), MOST_COLUMNS)]
    room = side + GAP - AIR
    names_of = [labels.wrapped(panel.label, room, SIZE, MOST_LINES, "bold") for panel in shown]
    texts = [labels.wrapped(panel.text, room, SIZE, MOST_LINES) for panel in shown]
    heads = list(zip(names_of, texts, strict=True))
    grid = _grid(len(shown), title, notes, side, max((len(name) + len(text) for name, text in heads), default=0))
    for number, (panel, head) in enumerate(zip(shown, heads, strict=True)):
        axes = grid.axes(number)
        grid.write_head(number, *head)
        draw(axes, panel)
        _, column, lowest = grid.places[number]
        axes.set_xlabel(names[0] if lowest else "")
        axes.set_ylabel(names[1] if column == 0 else "")
    return grid.sheet


def _grid(count: int, title: str, notes: tuple[str, ...], side: float, lines: int) -> Grid:
    """A sheet large enough for `count` panels, and wide enough for its title."""
    columns = min(max(count, 1), MOST_COLUMNS)
    rows = -(-count // columns)  # rounded up
    width = max(LEFT + columns * (side + GAP), NARROWEST)
    notes = tuple(line for note in notes for line in labels.wrapped(note, width - 2 * EDGE, SIZE, MOST_LINES))
    head = head_height(len(notes)) + 0.08
    pitch = side + lines * LINE + BELOW
    sheet = Sheet(width, head + rows * pitch - BELOW + BOTTOM if rows else head, title, notes)
    return Grid(sheet, tuple(_places(count, columns)), side, head, lines)


def _places(count: int, columns: int) -> Iterator[tuple[int, int, bool]]:
    """Row, column, and whether it is the lowest of its column, of every panel in reading order."""
    for number in range(count):
        yield number // columns, number % columns, number + columns >= count
