"""Curves over epochs: ticks, scales, notes on losses that are not finite, and the course of the learning rate."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullFormatter, NullLocator

from retina.reporting.figures.style import FAINT, INK

STEPS = (1, 2, 5)
THREE_DIGITS = 100
MARKED_EPOCHS = 30
LOG_FROM = 5.0  # times the median: with a larger value, a linear axis would flatten the rest
SCORE_FLOOR = 0.5
FEW_TICKS_BELOW = 0.35
LARGEST = 1e30  # as `retina.analysis.diagnosis.curve.LARGEST_LOSS`: a loss called broken there is not drawn
COURSE_HEIGHT = 0.75  # inches, of the panel of the learning rate
HIGHEST = 1.35  # times the largest rate, the end of its axis: room for a word above the line
HEAD_SHADE, WARMUP_SHADE = 0.3, 0.15


def finite(values: Iterable[float]) -> np.ndarray:
    """The values as float64 (N,), NaN in place of infinities and of values beyond `LARGEST`."""
    numbers = np.asarray(values, np.float64)
    return np.where(np.abs(numbers) <= LARGEST, numbers, np.nan)


def set_epochs(axes: Axes, last: int, most: int) -> None:
    """Let the horizontal axis run over epochs 1 to `last`, with ticks at whole epochs only.

    Args:
        axes: Where epochs run from left to right.
        last: The last epoch, 0 where there is none.
        most: The number of ticks of two digits that there is room for; of three digits, half of that.
    """
    room = most if last < THREE_DIGITS else most // 2
    step = next(factor * 10**power for power in range(9) for factor in STEPS if last <= room * factor * 10**power)
    margin = max(0.25, 0.02 * last)
    axes.set_xlim(1 - margin, max(last, 1) + margin)
    ticks = [1, *range(step, last + 1, step)] if step > 1 else list(range(1, last + 1))
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter("{x:.0f}")


def set_losses(axes: Axes, curves: Sequence[np.ndarray], name: str, alone: Sequence[np.ndarray] = ()) -> str:
    """Choose the vertical axis for losses, and return its name.

    The scale is logarithmic, and the name says so, where the largest value is more than `LOG_FROM` times the median of
    all curves, or of one of those in `alone`: otherwise one bad epoch would flatten all others. A linear axis starts
    at 0 unless the values are far from it, and always covers a quarter of the largest value, so that noise does not
    look like change.

    Args:
        axes: Where the losses are drawn.
        curves: All of them, finite or NaN.
        name: The name of the losses.
        alone: Curves each of which must be legible: validation losses. A training loss that falls far is no fault and
            needs no other scale.

    Returns:
        The name, with the scale where it is not linear.
    """
    values = np.concatenate(curves) if curves else np.array([])
    values = values[np.isfinite(values)]
    if values.size == 0:
        axes.set_yticks([])
        return name
    if values.min() > 0 and any(map(_is_flattened, (values, *alone))):
        _set_log(axes, math.log10(values.min()), math.log10(values.max()))
        return f"{name} (log scale)"
    axes.set_ylim(*_linear_limits(float(values.min()), float(values.max())))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(_plain)
    return name


def _is_flattened(values: np.ndarray) -> bool:
    """Whether the largest value leaves no room for the others on a linear axis."""
    values = values[np.isfinite(values)]
    return bool(values.size) and bool(values.max() > LOG_FROM * np.median(values))


def _plain(value: float, _: int) -> str:
    """A number as short as it can be written."""
    return f"{value:.6g}"


def _set_log(axes: Axes, low: float, high: float) -> None:
    """A logarithmic axis between two powers of ten, with ticks at 1, 2 and 5 where there is room."""
    margin = 0.06 * (high - low)
    axes.set_yscale("log")
    axes.set_ylim(10 ** max(low - margin, -300), 10 ** (high + margin))
    two_decades = 2.5
    axes.yaxis.set_major_locator(LogLocator(subs=STEPS if high - low < two_decades else (1,), numticks=8))
    axes.yaxis.set_major_formatter(_plain)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())


def _linear_limits(low: float, high: float) -> tuple[float, float]:
    """Limits that leave some air, and begin at 0 unless the values are far from it."""
    if high <= 0:
        return low - 0.05 * abs(low) - 0.01, high + 0.01
    bottom = 0.0 if 0 <= low < high / 2 else min(low - 0.08 * (high - low), 0.75 * high)
    return bottom, high + 0.06 * (high - bottom)


def set_scores(axes: Axes, curves: Sequence[np.ndarray]) -> None:
    """Let the vertical axis reach from 0.5, or lower where there are lower values, to 1."""
    values = np.concatenate(curves) if curves else np.array([])
    values = values[np.isfinite(values)]
    low = min(SCORE_FLOOR, math.floor(10 * float(values.min())) / 10) if values.size else SCORE_FLOOR
    axes.set_ylim(low - 0.015, 1.015)
    step = 1 if low > FEW_TICKS_BELOW else 2
    axes.yaxis.set_major_locator(FixedLocator([tenth / 10 for tenth in range(10, round(10 * low) - 1, -step)]))
    axes.yaxis.set_major_formatter("{x:.1f}")


def marker_for(epochs: int, marker: str) -> str:
    """The marker where epochs can be told apart, none where markers would run together."""
    return marker if epochs <= MARKED_EPOCHS else ""


def not_finite(history: pd.DataFrame, column: str, name: str) -> str:
    """A note on the epochs at which a column is not finite; empty where there are none."""
    epochs = [int(epoch) for epoch in history["epoch"][np.isnan(finite(history[column]))]]
    return f"{name} is not finite at {_ranges(epochs)} and is not drawn there" if epochs else ""


def _ranges(epochs: Sequence[int]) -> str:
    """`epoch 3`, or `epochs 3, 7-9`."""
    parts: list[list[int]] = []
    for epoch in epochs:
        if parts and epoch == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], epoch]
        else:
            parts.append([epoch])
    text = ", ".join("\N{EN DASH}".join(map(str, part)) for part in parts)
    return f"{'epoch' if len(epochs) == 1 else 'epochs'} {text}"


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


def has_course(history: pd.DataFrame, phases: Phases) -> bool:
    """Whether there is anything to see: rates that differ, or a phase."""
    if history.empty or "learning_rate" not in history:
        return False
    return phases != WHOLE or history["learning_rate"].min() < history["learning_rate"].max()


def draw_course(axes: Axes, history: pd.DataFrame, phases: Phases) -> None:
    """Draw the rate of each epoch's last step; phases are shaded and named.

    Args:
        axes: Where epochs run from left to right.
        history: Columns `epoch` (from 1) and `learning_rate` (>= 0), at least one row.
        phases: Those before the whole network is trained at its rate.
    """
    rates = finite(history["learning_rate"])
    marker = marker_for(len(history), "o")
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
