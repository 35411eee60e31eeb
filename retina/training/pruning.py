"""How a trial of a search is judged after every epoch, and ended where it promises too little."""

from collections.abc import Sequence
from typing import Any

import keras

from retina import runs, stopping
from retina.errors import PrunedError
from retina.experiment import Experiment

Row = dict[str, float]


def objective(rows: Sequence[Row]) -> float:
    """The validation AUROC at the epoch with the lowest validation loss so far, 0-1: what the search maximises.

    Args:
        rows: The history, at least one epoch.
    """
    best = stopping.best_epoch([row["val_loss"] for row in rows])
    return float(rows[best - 1]["val_auroc"])


class Prune(keras.callbacks.Callback):
    """Tells the study how a trial does after every epoch, and ends it where the study sees no promise.

    Args:
        trial: Optuna's trial.
        run: The run folder.
        experiment: What is trained.
    """

    def __init__(self, trial: Any, run: runs.Run, experiment: Experiment) -> None:  # noqa: ANN401 - Optuna's
        super().__init__()
        self.trial = trial
        self.run = run
        self.epochs = experiment.epochs
        self.patience = experiment.patience if experiment.early_stopping else None
        self.told = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Tell the epochs of earlier sessions."""
        del logs
        self.tell()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Tell what has just been trained."""
        del epoch, logs
        self.tell()

    def tell(self) -> None:
        """Tell the study the epochs that it has not heard of.

        Raises:
            PrunedError: it sees no promise, and there is something left to save.
        """
        rows = history(self.run)
        for epoch in range(self.told + 1, len(rows) + 1):
            value = objective(rows[:epoch])
            self.trial.report(value, epoch)
            self.told = epoch
            over = epoch == self.epochs or (
                self.patience and stopping.stop_epoch([row["val_loss"] for row in rows[:epoch]], self.patience)
            )
            if epoch == len(rows) and not over and self.trial.should_prune():
                raise PrunedError(
                    f"pruned after epoch {epoch}",
                    found=f"a validation AUROC of at most {value:.4f} so far",
                    expected="that of the median trial at this epoch",
                    epoch=epoch,
                )


def history(run: runs.Run) -> list[Row]:
    """The epochs of a run; none where none is finished."""
    return run.history().to_dict("records") if run.history_path.is_file() else []
