"""The learning-rate range test: training loss over the growing learning rate, a line a seed, its suggestion marked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from retina.reporting.figures.style import SERIES, WIDTH, Sheet, head_height, styled

LEFT, RIGHT, BOTTOM, HEIGHT = 0.62, 0.2, 0.46, 2.9
ABOVE, BELOW = 0.8, 0.25
"""How far the frame reaches above the first loss and below the lowest, in multiples of the fall between them."""


@dataclass(frozen=True)
class Line:
    """One seed.

    Args:
        seed: The random seed.
        rates: (N,) learning rates, rising.
        losses: (N,) training loss of each step's batch.
        smoothed: (N,) the same, smoothed.
        suggestion: The rate that it suggests, or `None`.
    """

    seed: int
    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggestion: float | None


@styled
def range_test(lines: Sequence[Line], title: str, notes: tuple[str, ...], loss: str) -> Figure:
    """Draw a range test.

    Args:
        lines: One a seed, at least one.
        title: The first line, in bold.
        notes: Lines below it.
        loss: The name of the loss with its unit.

    Returns:
        A figure: dots are losses of single batches, lines the smoothed losses, dotted verticals the suggestions.
    """
    top = head_height(len(notes)) + 0.1
    sheet = Sheet(WIDTH, top + HEIGHT + BOTTOM, title, notes)
    axes = sheet.axes(LEFT, top, WIDTH - LEFT - RIGHT, HEIGHT)
    axes.set_xscale("log")
    for number, line in enumerate(lines):
        colour, dash, marker = SERIES[number % len(SERIES)]
        axes.plot(line.rates, line.losses, ".", color=colour, alpha=0.25, markersize=3)
        label = f"seed {line.seed}: " + ("no suggestion" if line.suggestion is None else f"{line.suggestion:.2g}")
        axes.plot(line.rates, line.smoothed, color=colour, linestyle=dash, label=label)
        if line.suggestion is not None:
            axes.axvline(line.suggestion, color=colour, linestyle=":", linewidth=1.1)
            axes.plot(
                [line.suggestion], [0.03 + 0.05 * number], marker, color=colour, transform=axes.get_xaxis_transform()
            )
    frame(axes, lines)
    axes.set_xlabel("learning rate (log scale)")
    axes.set_ylabel(f"training loss ({loss})")
    axes.legend(loc="upper left", frameon=False, title="suggested learning rate", alignment="left")
    return sheet.figure


def frame(axes: Axes, lines: Sequence[Line]) -> None:
    """Set a frame that shows the fall of the loss, and not how high it rises when it diverges."""
    curves = [line.smoothed for line in lines if len(line.smoothed)]
    first = max((float(curve[0]) for curve in curves), default=1.0)
    lowest = min((float(curve.min()) for curve in curves), default=0.0)
    fall = max(first - lowest, 0.1 * first)
    axes.set_ylim(max(0.0, lowest - BELOW * fall), first + ABOVE * fall)
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_locator(LogLocator(numticks=12))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
