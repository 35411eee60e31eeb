"""Runs compared over epochs: two parameter sets, or two losses, each relative to its own first epoch."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from retina.reporting.figures import epochs, labels
from retina.reporting.figures.style import EDGE, FAINT, INK, LINE, SERIES, SIZE, WIDTH, Sheet, head_height, styled
from retina.runs.epochs import best_epoch

MOST_RUNS = len(SERIES)
LOSSES = {"train_loss": "training loss", "val_loss": "validation loss"}
SCORES = {"val_accuracy": "validation accuracy", "val_auroc": "validation AUROC"}
LEFT, BETWEEN, BOTTOM = 0.5, 0.5, 0.42
FRAME = (WIDTH - LEFT - BETWEEN - EDGE) / 2
LOSS_HEIGHT, SCORE_HEIGHT, GAP = 1.7, 1.6, 0.36
SAMPLE = 0.45
MOST_TICKS = 15


@styled
def params_pair(histories: Mapping[str, pd.DataFrame], *, title: str) -> Figure:
    """One backbone under two parameter sets: losses, accuracy and AUROC over epochs.

    Args:
        histories: Name of a run -> columns `epoch`, `train_loss`, `val_loss`, `val_accuracy`, `val_auroc`. Any number
            of runs; the first `MOST_RUNS` are drawn, and the figure says so.
        title: Any string.
    """
    return _pair(histories, title, relative=False)


@styled
def loss_pair(histories: Mapping[str, pd.DataFrame], *, title: str) -> Figure:
    """One model trained with two losses, which have different scales: each loss is divided by its own first epoch's.

    Args:
        histories: As for `params_pair`.
        title: Any string.
    """
    return _pair(histories, title, relative=True)


def _pair(histories: Mapping[str, pd.DataFrame], title: str, *, relative: bool) -> Figure:
    """Four panels: losses above, validation scores below; the runs are named above them all."""
    shown = dict(list(histories.items())[:MOST_RUNS])
    notes = _notes(shown, len(histories), relative=relative)
    top = head_height(len(notes)) + LINE * (len(shown) + 1) + 0.32
    middle = top + LOSS_HEIGHT + GAP
    sheet = Sheet(WIDTH, middle + SCORE_HEIGHT + BOTTOM, title, notes)
    _draw_key(sheet, list(shown), head_height(len(notes)))
    last = max((int(history["epoch"].max()) for history in shown.values() if len(history)), default=0)
    for place, (column, name) in enumerate(LOSSES.items()):
        x = LEFT + place * (FRAME + BETWEEN)
        axes = sheet.axes(x, top, FRAME, LOSS_HEIGHT)
        values = _draw(axes, shown, column, relative=relative)
        alone = values if column == "val_loss" else ()
        name = epochs.set_losses(axes, values, f"{name} / epoch 1" if relative else name, alone)  # noqa: PLW2901
        sheet.text(x, top - 0.12, name)
        epochs.set_epochs(axes, last, MOST_TICKS)
        axes.tick_params(labelbottom=False)
    for place, (column, name) in enumerate(SCORES.items()):
        x = LEFT + place * (FRAME + BETWEEN)
        axes = sheet.axes(x, middle, FRAME, SCORE_HEIGHT)
        epochs.set_scores(axes, _draw(axes, shown, column, relative=False))
        sheet.text(x, middle - 0.12, name)
        epochs.set_epochs(axes, last, MOST_TICKS)
        axes.set_xlabel("epoch")
    return sheet.figure


def _notes(shown: Mapping[str, pd.DataFrame], runs: int, *, relative: bool) -> tuple[str, ...]:
    """What the figure leaves out, and how its losses are scaled."""
    notes = [f"{len(shown)} of {runs} runs shown" if len(shown) < runs else ""]
    notes.append("losses relative to epoch 1 of the same run" if relative else "")
    for name, history in shown.items():
        for column, text in LOSSES.items():
            notes.append(epochs.not_finite(history, column, f"{labels.fitted(name, 2.0, SIZE)}: {text}"))
            if relative and len(history) and np.isnan(_relative(epochs.finite(history[column]))).all():
                notes[-1] = f"{labels.fitted(name, 2.0, SIZE)}: {text} of the first epoch is no number to divide by"
    return tuple(filter(None, notes))


def _draw_key(sheet: Sheet, names: list[str], top: float) -> None:
    """One line a run: its line and marker, then its name; then the ring that all share."""
    x = EDGE + SAMPLE + 0.1
    for number, name in enumerate(names):
        y = top + LINE * (number + 0.5)
        colour, dash, marker = SERIES[number]
        look = {"color": colour, "linestyle": dash, "marker": marker, "markevery": [1]}
        sheet.line((EDGE, EDGE + SAMPLE / 2, EDGE + SAMPLE), (y, y, y), **look)
        sheet.text(x, y, labels.fitted(name, WIDTH - EDGE - x, SIZE))
    y = top + LINE * (len(names) + 0.5)
    ring = {"linestyle": "", "marker": "o", "markersize": 8, "fillstyle": "none", "color": INK}
    sheet.line((EDGE + SAMPLE / 2,), (y,), **ring)
    sheet.text(x, y, "epoch of the lowest validation loss", color=FAINT)


def _draw(axes: Axes, histories: Mapping[str, pd.DataFrame], column: str, *, relative: bool) -> list[np.ndarray]:
    """Draw one column of every run; return their values, NaN where not finite."""
    columns = []
    if relative:
        axes.axhline(1, color=FAINT, linewidth=0.8, zorder=1.2)
    for (name, history), (colour, dash, marker) in zip(histories.items(), SERIES, strict=False):
        values = epochs.finite(history[column])
        values = _relative(values) if relative else values
        look = {"color": colour, "linestyle": dash, "marker": epochs.marker_for(len(history), marker)}
        axes.plot(history["epoch"], values, label=labels.literal(name), **look)
        best = best_epoch(list(epochs.finite(history["val_loss"])))
        at = [best - 1] if best else []
        axes.plot(history["epoch"].iloc[at], values[at], "o", markersize=8, fillstyle="none", color=INK, zorder=3)
        columns.append(values)
    return columns


def _relative(values: np.ndarray) -> np.ndarray:
    """Values over the first one; all NaN where that is not a positive number."""
    if len(values) == 0 or not values[0] > 0:
        return np.full(len(values), np.nan)
    return epochs.finite(values / values[0])
