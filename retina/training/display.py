"""Training as a person watches it: a bar with the time left and a line for each epoch, on stderr."""

import sys
from typing import Any

import keras

HEADER = "epoch   loss    val loss  val AUROC  images/s"


class Display(keras.callbacks.Callback):
    """Shows training on stderr; says nothing where stderr is not a terminal.

    Args:
        epochs: Epochs at most.
        finished: Epochs finished before this start.
        quiet: Show nothing.
    """

    def __init__(self, *, epochs: int, finished: int = 0, quiet: bool = False) -> None:
        super().__init__()
        self.epochs = epochs
        self.done = finished
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
            TextColumn("loss {task.fields[loss]}"),
            TextColumn("{task.fields[activity]}"),
            TimeRemainingColumn(),
            TextColumn("left at most"),
        )
        steps = self.params["steps"]
        self.progress = Progress(*columns, console=Console(stderr=True), transient=True)
        # The first steps are slower than the rest, so the estimate looks back over a long window.
        self.progress.speed_estimate_period = 300
        self.task = self.progress.add_task(
            "",
            total=steps * (self.epochs - self.done),
            epoch=self.done + 1,
            epochs=self.epochs,
            loss="...",
            activity="",
        )
        self.progress.start()
        self.progress.console.print(HEADER, highlight=False)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Advance the bar."""
        del batch
        if self.active:
            self.progress.update(
                self.task, advance=1, epoch=self.done + 1, loss=f"{float(logs['loss']):.4f}", activity="training"
            )

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Validation is shown as such."""
        self.on_predict_begin(logs)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Say that images are being scored."""
        del logs
        if self.active:
            self.progress.update(self.task, activity="validating")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print the epoch's line."""
        self.done = epoch + 1
        if self.active:
            line = f"{epoch + 1:>5}   {logs['loss']:.4f}  {logs['val_loss']:.4f}    {logs['val_auroc']:.4f}"
            self.progress.console.print(f"{line}     {logs['images_per_second']:.1f}", highlight=False)

    def close(self) -> None:
        """Close the bar, however training ended."""
        if self.active and hasattr(self, "progress"):
            self.progress.stop()
