"""Training shown to a person on stderr: a bar and a row an epoch on a terminal, else a plain line an epoch."""

from typing import Any

import keras

from retina.machine import progress
from retina.machine.duration import in_words

HEADER = "epoch      loss  val loss  val AUROC  images/s"
ROW = "{epoch:>5}  {train_loss:>8.4f}  {val_loss:>8.4f}  {val_auroc:>9.4f}  {images_per_second:>8.1f}"
LINE = "train loss {train_loss:.4f}, val loss {val_loss:.4f}, val AUROC {val_auroc:.4f}"


class Display(keras.callbacks.Callback):
    """Shows training on stderr.

    Args:
        rows: The history, one mapping of `retina.runs.folder.HISTORY_COLUMNS` an epoch, to which another callback
            appends first.
        epochs: Epochs at most.
        quiet: Show nothing.
    """

    def __init__(self, rows: list[dict[str, float]], *, epochs: int, quiet: bool = False) -> None:
        super().__init__()
        self.rows = rows
        self.epochs = epochs
        self.rows_before = len(rows)
        self.drawn = not quiet and progress.on_terminal()
        self.in_lines = not quiet and not progress.on_terminal()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Open the bar."""
        del logs
        if not self.drawn:
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
        if self.drawn:
            state = "validating" if batch + 1 == self.params["steps"] else f"loss {float(logs['loss']):.4f}"
            self.bar.update(self.task, advance=1, epoch=len(self.rows) + 1, state=state)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the epoch's row or line."""
        del epoch, logs
        if self.drawn:
            self.bar.console.print(ROW.format(**self.rows[-1]), highlight=False)
        elif self.in_lines:
            progress.write_line(self.line())

    def line(self) -> str:
        """The last epoch in words, with the time that the rest takes at most at the mean pace of this session."""
        row, session = self.rows[-1], self.rows[self.rows_before :]
        seconds_left = sum(item["seconds"] for item in session) / len(session) * (self.epochs - len(self.rows))
        times = f"{in_words(row['seconds'])}, {in_words(seconds_left)} left at most"
        return f"epoch {row['epoch']} of {self.epochs}: {LINE.format(**row)}, {times}"

    def close(self) -> None:
        """Close the bar, however training ended."""
        if hasattr(self, "bar"):
            self.bar.stop()
