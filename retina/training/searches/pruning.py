"""Judge a trial of a search after every epoch, and end it where the study expects too little of it."""

from collections.abc import Sequence
from typing import Any

from retina.errors import PrunedError
from retina.experiments.experiment import Experiment
from retina.runs import epochs
from retina.runs import folder as runs
from retina.training.tracking.watcher import Watcher

Row = dict[str, float]


def objective(rows: Sequence[Row]) -> float:
    """The validation AUROC at the epoch with the lowest validation loss so far, 0-1: what the search maximises.

    Args:
        rows: The history, at least one epoch.
    """
    best = epochs.best_epoch([row["val_loss"] for row in rows])
    return float(rows[best - 1]["val_auroc"])


class Prune(Watcher):
    """Reports a trial to the study after every epoch, and ends it where the study says so.

    Args:
        trial: Optuna's trial.
        run: The run folder.
        experiment: What is trained.
    """

    def __init__(self, trial: Any, run: runs.Run, experiment: Experiment) -> None:  # noqa: ANN401 - Optuna's
        super().__init__(run)
        self.trial = trial
        self.epochs = experiment.epochs
        self.patience = experiment.patience if experiment.early_stopping else None
        self.opening_epochs = experiment.opening_epochs
        self.epochs_reported = 0

    def hear(self) -> None:
        """Report the epochs that are new.

        Raises:
            PrunedError: the study would end the trial, and epochs are left that this saves.
        """
        rows = self.rows()
        for epoch in range(self.epochs_reported + 1, len(rows) + 1):
            value = objective(rows[:epoch])
            self.trial.report(value, epoch)
            self.epochs_reported = epoch
            # To prune a trial that is over would save no epoch and lose a finished run.
            over = epoch == self.epochs or (
                self.patience
                and epochs.stop_epoch(
                    [row["val_loss"] for row in rows[:epoch]], self.patience, after=self.opening_epochs
                )
            )
            # Epochs of an earlier session are reported again and not judged again: the trial went on after them. Nor
            # are those of the head alone and of the warm-up: other trials may train everything by then.
            judged = epoch == len(rows) and epoch > self.opening_epochs
            if judged and not over and self.trial.should_prune():
                raise PrunedError(
                    f"pruned after epoch {epoch}",
                    found=f"a validation AUROC of at most {value:.4f} so far",
                    expected="that of the median trial at this epoch",
                    epoch=epoch,
                )
