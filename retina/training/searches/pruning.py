"""How a trial of a search is judged after every epoch, and ended where it promises too little."""

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
    """Tells the study how a trial does after every epoch, and ends it where the study sees no promise.

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
        self.told = 0

    def hear(self) -> None:
        """Tell the study the epochs that it has not heard of.

        Raises:
            PrunedError: it sees no promise, and there is something left to save.
        """
        rows = self.rows()
        for epoch in range(self.told + 1, len(rows) + 1):
            value = objective(rows[:epoch])
            self.trial.report(value, epoch)
            self.told = epoch
            over = epoch == self.epochs or (
                self.patience and epochs.stop_epoch([row["val_loss"] for row in rows[:epoch]], self.patience)
            )
            if epoch == len(rows) and not over and self.trial.should_prune():
                raise PrunedError(
                    f"pruned after epoch {epoch}",
                    found=f"a validation AUROC of at most {value:.4f} so far",
                    expected="that of the median trial at this epoch",
                    epoch=epoch,
                )
