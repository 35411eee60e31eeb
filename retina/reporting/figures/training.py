"""The training curves of one run, with its best epoch, its stop and the onset of overfitting marked."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from retina.reporting.figures import epochs
from retina.reporting.figures.style import (
    DEEP_TEAL,
    FAINT,
    INK,
    LINE,
    NAVY,
    SIZE,
    VERMILLION,
    WIDTH,
    Sheet,
    head_height,
    spread,
    styled,
)

LEFT, RIGHT, BOTTOM = 0.68, 1.3, 0.42
LOSS_HEIGHT, SCORE_HEIGHT, GAP = 2.0, 1.7, 0.16
FRAME = WIDTH - LEFT - RIGHT
MOST_TICKS = 20


@dataclass(frozen=True)
class Curve:
    """A column of the history, its name in the figure, and how it is drawn."""

    column: str
    name: str
    colour: str
    dash: str | tuple
    marker: str


LOSSES = (
    Curve("val_loss", "validation", NAVY, "-", "o"),
    Curve("train_loss", "training", VERMILLION, (0, (5, 1.5)), "s"),
)
SCORES = (
    Curve("val_auroc", "AUROC", DEEP_TEAL, (0, (5, 1.5, 1, 1.5)), "^"),
    Curve("val_accuracy", "accuracy", NAVY, "-", "o"),
)


@dataclass(frozen=True)
class Mark:
    """A marked epoch, its text, and how its line is drawn."""

    epoch: int
    text: str
    dash: str | tuple


@styled
def training_curves(
    history: pd.DataFrame,
    *,
    title: str,
    best_epoch: int | None,
    stop_epoch: int | None,
    onset: int | None,
    majority: float | None,
    patience_epoch: int | None = None,
    phases: epochs.Phases = epochs.WHOLE,
) -> Figure:
    """Losses above, validation accuracy and AUROC below; under them the learning rate, where it or its layers changed.

    Args:
        history: Columns `epoch` (from 1), `train_loss`, `val_loss`, `val_accuracy`, `val_auroc`; any number of rows.
        title: Any string.
        best_epoch: The epoch with the lowest validation loss, if any.
        stop_epoch: The epoch after which early stopping ended the run, if it did.
        onset: The first epoch of overfitting, if any.
        patience_epoch: The epoch after which early stopping would have ended a run that went on without it, if any.
        phases: Those before the whole network was trained at its rate.
        majority: Accuracy on validation of calling every image by the more frequent class, 0-1, if known.
    """
    marks = _marks(best_epoch, onset, stop_epoch, patience_epoch)
    notes = tuple(filter(None, (epochs.not_finite(history, curve.column, f"{curve.name} loss") for curve in LOSSES)))
    if history.empty:
        notes = ("no epoch was finished",)
    top = head_height(len(notes)) + LINE * len(marks) + 0.06
    middle = top + LOSS_HEIGHT + GAP
    has_course = epochs.has_course(history, phases)
    below = GAP + epochs.COURSE_HEIGHT if has_course else 0.0
    sheet = Sheet(WIDTH, middle + SCORE_HEIGHT + below + BOTTOM, title, notes)
    panels = [sheet.axes(LEFT, top, FRAME, LOSS_HEIGHT), sheet.axes(LEFT, middle, FRAME, SCORE_HEIGHT)]
    losses, scores = panels
    _draw_losses(losses, history)
    _draw_scores(scores, history, majority)
    if has_course:
        panels.append(sheet.axes(LEFT, middle + SCORE_HEIGHT + GAP, FRAME, epochs.COURSE_HEIGHT))
        epochs.set_epochs(panels[-1], int(history["epoch"].max()), MOST_TICKS)
        epochs.draw_course(panels[-1], history, phases)
    for axes in panels[:-1]:
        axes.tick_params(labelbottom=False)
    panels[-1].set_xlabel("epoch")
    _draw_marks(sheet, tuple(panels), marks, head_height(len(notes)))
    _ring_best(losses, history, best_epoch)
    return sheet.figure


def _marks(best: int | None, onset: int | None, stop: int | None, patience: int | None) -> list[Mark]:
    """The marks in order of their epochs."""
    marks = [
        Mark(epoch, text.format(epoch), dash)
        for epoch, text, dash in (
            (best, "best: epoch {}", "-"),
            (onset, "overfits from epoch {}", (0, (4, 2))),
            (stop, "early stop: epoch {}", (0, (1, 1.5))),
            (patience, "patience ends: epoch {}", (0, (1, 1.5))),
        )
        if epoch is not None
    ]
    return sorted(marks, key=lambda mark: mark.epoch)


def _draw_losses(axes: Axes, history: pd.DataFrame) -> None:
    """Both losses, named at their last points."""
    values = _draw(axes, history, LOSSES)
    axes.set_ylabel(epochs.set_losses(axes, values, "loss", alone=values[:1]))
    _name_ends(axes, [(curve.name, _last(column), curve.colour) for curve, column in zip(LOSSES, values, strict=True)])


def _draw_scores(axes: Axes, history: pd.DataFrame, majority: float | None) -> None:
    """Accuracy and AUROC on validation, and the accuracy of the majority guess."""
    values = _draw(axes, history, SCORES)
    ends = [(curve.name, _last(column), curve.colour) for curve, column in zip(SCORES, values, strict=True)]
    if majority is not None and math.isfinite(majority):
        axes.axhline(majority, color=INK, linewidth=1.0, linestyle=(0, (2, 2)), zorder=1.5)
        ends.append((f"majority {majority:.3f}", majority, INK))
        values.append(np.array([majority]))
    epochs.set_scores(axes, values)
    axes.set_ylabel("validation score")
    _name_ends(axes, ends)


def _draw(axes: Axes, history: pd.DataFrame, curves: tuple[Curve, ...]) -> list[np.ndarray]:
    """Draw columns over the epochs; return their values, NaN where not finite."""
    values = [epochs.finite(history[curve.column]) for curve in curves]
    for curve, column in zip(curves, values, strict=True):
        marker = epochs.marker_for(len(history), curve.marker)
        axes.plot(history["epoch"], column, color=curve.colour, linestyle=curve.dash, marker=marker, label=curve.name)
    epochs.set_epochs(axes, int(history["epoch"].max()) if len(history) else 0, MOST_TICKS)
    return values


def _last(values: np.ndarray) -> float:
    """The last finite value, NaN where there is none."""
    numbers = values[np.isfinite(values)]
    return float(numbers[-1]) if numbers.size else math.nan


def _name_ends(axes: Axes, ends: list[tuple[str, float, str]]) -> None:
    """Write the names of curves to the right of their last values, moved apart where they would overlap."""
    ends = [end for end in ends if math.isfinite(end[1])]
    height = axes.get_position().height * axes.figure.get_figheight()
    to_share = axes.transScale + axes.transLimits
    shares = [float(to_share.transform((1, value))[1]) for _, value, _ in ends]
    gap = 1.25 * SIZE / 72 / height
    for (name, _, colour), share in zip(ends, spread(shares, gap, gap / 2, 1 - gap / 2), strict=True):
        axes.text(1.015, share, name, color=colour, transform=axes.transAxes, va="center")


def _draw_marks(sheet: Sheet, panels: tuple[Axes, ...], marks: list[Mark], head: float) -> None:
    """A line for each mark through all panels up to a row of its own, where it is named to the right of the line.

    The earliest epoch has the highest row, so that no line crosses another mark's name.
    """
    for row, mark in enumerate(marks):
        for axes in panels:
            axes.axvline(mark.epoch, color=FAINT, linewidth=1.0, linestyle=mark.dash, zorder=1.2)
        low, high = panels[0].get_xlim()
        x = LEFT + FRAME * (mark.epoch - low) / (high - low)
        bottom = (1 - panels[-1].get_position().y1) * sheet.height
        y = head + LINE * (row + 0.5)
        top_of_frame = (1 - panels[0].get_position().y1) * sheet.height
        sheet.line((x, x), (y, top_of_frame), color=FAINT, linewidth=1.0, linestyle=mark.dash)
        sheet.line((x, x), (top_of_frame + LOSS_HEIGHT, bottom), color=FAINT, linewidth=1.0, linestyle=mark.dash)
        sheet.text(x + 0.05, y, mark.text)


def _ring_best(axes: Axes, history: pd.DataFrame, best_epoch: int | None) -> None:
    """A ring round the validation loss of the best epoch."""
    rows = history[history["epoch"] == best_epoch] if best_epoch is not None else history[:0]
    axes.plot(rows["epoch"], epochs.finite(rows["val_loss"]), "o", markersize=9, fillstyle="none", color=INK, zorder=3)
