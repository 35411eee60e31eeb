"""Callbacks that are called for an epoch once it is in the run folder."""

import abc
from typing import Any

import keras

from retina.runs.folder import Run


class Watcher(keras.callbacks.Callback, abc.ABC):
    """Is called for every epoch of a run once it is in the run folder, for those of earlier sessions too.

    Args:
        run: The run folder.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    @abc.abstractmethod
    def hear(self) -> None:
        """Take note of the epochs that are new in the run folder."""

    def rows(self) -> list[dict[str, float]]:
        """The epochs that are in the run folder: one mapping of `retina.runs.folder.HISTORY_COLUMNS` each."""
        return history(self.run)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Take note of what earlier sessions trained."""
        del logs
        self.hear()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Take note of the epoch that was just trained."""
        del epoch, logs
        self.hear()


def history(run: Run) -> list[dict[str, float]]:
    """The epochs of a run, one mapping of `retina.runs.folder.HISTORY_COLUMNS` each; none before the first.

    Raises:
        RunError: the table is damaged.
    """
    return run.history().to_dict("records") if run.history_path.is_file() else []
