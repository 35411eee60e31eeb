"""Training as a person watches it: a bar with the time left and a line for each epoch, on stderr."""

import sys
from typing import Any

import keras

HEADER = "epoch      loss  val loss  val AUROC  images/s"
LINE = "{epoch:>5}  {train_loss:>8.4f}  {val_loss:>8.4f}  {val_auroc:>9.4f}  {images_per_second:>8.1f}"


class Display(keras.callbacks.Callback):
    """Shows training on stderr; says nothing where stderr is not a terminal.

    Args:
        rows: The history, one mapping of `runs.HISTORY_COLUMNS` an epoch; another callback appends to it first.
        epochs: Epochs at most.
        quiet: Show nothing.
    """

    def __init__(self, rows: list[dict[str, float]], *, epochs: int, quiet: bool = False) -> None:
        super().__init__()
        self.rows = rows
        self.epochs = epochs
        self.active = not quiet and sys.stderr.isatty()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Open the bar."""
        del logs
        if not self.active:
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(),
            TextColumn("left at most"),
        )
        # The first steps are slower than the rest, so the estimate looks back over a long window.
        self.bar = Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=300)
        steps = self.params["steps"] * (self.epochs - len(self.rows))
        self.task = self.bar.add_task("", total=steps, epoch=len(self.rows) + 1, epochs=self.epochs, state="starting")
        self.bar.start()
        self.bar.console.print(HEADER, highlight=False)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Advance the bar; after the last step of an epoch the validation images are scored."""
        if self.active:
            state = "validating" if batch + 1 == self.params["steps"] else f"loss {float(logs['loss']):.4f}"
            self.bar.update(self.task, advance=1, epoch=len(self.rows) + 1, state=state)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print the epoch's line."""
        del epoch, logs
        if self.active:
            self.bar.console.print(LINE.format(**self.rows[-1]), highlight=False)

    def close(self) -> None:
        """Close the bar, however training ended."""
        if hasattr(self, "bar"):
            self.bar.stop()
