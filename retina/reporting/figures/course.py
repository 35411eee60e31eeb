"""The course of the learning rate under the curves of a run, its warm-up, and the epochs of the head alone."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from retina.reporting.figures import epochs
from retina.reporting.figures.style import FAINT, INK

HEIGHT = 0.75
"""Of its panel, inches."""

HIGHEST = 1.35
"""Of the axis, in largest rates: room for a word above the line."""

HEAD_SHADE, WARMUP_SHADE = 0.3, 0.15


@dataclass(frozen=True)
class Phases:
    """The phases before the whole network is trained at its rate.

    Args:
        head: First epochs in which the head alone was trained.
        warmup: Epochs after these over which the rate rose, whole or not.
    """

    head: int = 0
    warmup: float = 0.0

    @property
    def words(self) -> str:
        """The phases by name, in their order."""
        return ", then ".join(
            name for name, length in (("head alone", self.head), ("warm-up", self.warmup)) if length > 0
        )


WHOLE = Phases()


def is_needed(history: pd.DataFrame, phases: Phases) -> bool:
    """Whether there is anything to see: rates that differ, or a phase."""
    if history.empty or "learning_rate" not in history:
        return False
    return phases != WHOLE or history["learning_rate"].min() < history["learning_rate"].max()


def draw(axes: Axes, history: pd.DataFrame, phases: Phases) -> None:
    """Draw the rate of each epoch's last step; phases are shaded and named.

    Args:
        axes: Where epochs run from left to right.
        history: Columns `epoch` (from 1) and `learning_rate` (>= 0), at least one row.
        phases: Those before the whole network is trained at its rate.
    """
    rates = epochs.finite(history["learning_rate"])
    marker = epochs.marker_for(len(history), "o")
    axes.plot(history["epoch"], rates, color=INK, linestyle="-", marker=marker, markersize=3)
    axes.set_ylim(0, HIGHEST * float(rates.max()) or 1.0)
    axes.set_yticks([0, float(rates.max())], ["0", f"{rates.max():.3g}"])
    axes.set_ylabel("learning rate")
    if phases == WHOLE:
        return
    low, high = axes.get_xlim()
    begin = low
    for length, end, shade in (
        (phases.head, phases.head + 0.5, HEAD_SHADE),
        (phases.warmup, phases.head + phases.warmup + 0.5, WARMUP_SHADE),
    ):
        if length > 0:
            axes.axvspan(begin, min(end, high), color=FAINT, alpha=shade, linewidth=0)
            begin = end
    axes.text(low + 0.1, HIGHEST * float(rates.max()) * 0.97, phases.words, va="top", color=INK)
