"""The course of the learning rate under the curves of a run, and the epochs of the head alone."""

import pandas as pd
from matplotlib.axes import Axes

from retina.reporting.figures import epochs
from retina.reporting.figures.style import FAINT, INK

HEIGHT = 0.75
"""Of its panel, inches."""

HIGHEST = 1.35
"""Of the axis, in largest rates: room for a word above the line."""


def is_needed(history: pd.DataFrame, frozen_epochs: int) -> bool:
    """Whether there is anything to see: rates that differ, or epochs of the head alone."""
    if history.empty or "learning_rate" not in history:
        return False
    return frozen_epochs > 0 or history["learning_rate"].min() < history["learning_rate"].max()


def draw(axes: Axes, history: pd.DataFrame, frozen_epochs: int) -> None:
    """Draw the rate of each epoch's last step; the epochs of the head alone are shaded and named.

    Args:
        axes: Where epochs run from left to right.
        history: Columns `epoch` (from 1) and `learning_rate` (>= 0), at least one row.
        frozen_epochs: First epochs in which the head alone was trained.
    """
    rates = epochs.finite(history["learning_rate"])
    marker = epochs.marker_for(len(history), "o")
    axes.plot(history["epoch"], rates, color=INK, linestyle="-", marker=marker, markersize=3)
    axes.set_ylim(0, HIGHEST * float(rates.max()) or 1.0)
    axes.set_yticks([0, float(rates.max())], ["0", f"{rates.max():.3g}"])
    axes.set_ylabel("learning rate")
    if frozen_epochs:
        low, _ = axes.get_xlim()
        axes.axvspan(low, frozen_epochs + 0.5, color=FAINT, alpha=0.2, linewidth=0)
        axes.text(low + 0.1, HIGHEST * float(rates.max()) * 0.97, "head alone", va="top", color=INK)
