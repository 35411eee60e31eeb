"""The learning rate's course over the steps of a run.

    freeze_epochs     the head alone, at the whole rate
    warmup_epochs     the rate rises linearly: step k of n, counted from 1, has k / n of it (Goyal et al. 2017,
                      https://arxiv.org/abs/1706.02677, section 2.2)
    schedule          constant; cosine: half a wave down to zero at the last epoch (Loshchilov and Hutter 2017,
                      https://arxiv.org/abs/1608.03983, equation 5, without restarts); plateau: reduced whenever
                      validation loss has not fallen for some epochs, by the rule of `keras.callbacks.ReduceLROnPlateau`
                      with min_delta 0

The rate of a step is a function of its number and of the validation losses so far, and so needs no state: a resumed run
goes on at the rate that an undisturbed one has.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import keras

from retina.experiments.experiment import Experiment


@dataclass(frozen=True)
class Schedule:
    """The course of one run.

    Args:
        learning_rate: The whole rate, > 0.
        shape: `constant`, `cosine` or `plateau`.
        steps_per_epoch: Training steps of an epoch.
        frozen: Steps in which the head alone is trained.
        warmup: Steps of the warm-up after them.
        rest: Steps after the warm-up, at least 1.
        opening: First epochs, of the head alone and of the warm-up, which are no part of a plateau, as early stopping
            judges none of them.
        plateau_patience: Epochs without a lower validation loss before a reduction.
        plateau_factor: What a reduction multiplies the rate by.
    """

    learning_rate: float
    shape: str
    steps_per_epoch: int
    frozen: int
    warmup: int
    rest: int
    opening: int
    plateau_patience: int
    plateau_factor: float

    @classmethod
    def of(cls, experiment: Experiment, steps_per_epoch: int) -> Self:
        """The course of an experiment; a warm-up is rounded to whole steps, and has one at least."""
        warmup = max(1, round(experiment.warmup_epochs * steps_per_epoch)) if experiment.warmup_epochs else 0
        epochs = experiment.epochs - experiment.frozen_epochs
        return cls(
            experiment.learning_rate,
            experiment.schedule,
            steps_per_epoch,
            experiment.frozen_epochs * steps_per_epoch,
            warmup,
            max(1, epochs * steps_per_epoch - warmup),
            experiment.opening_epochs,
            experiment.plateau_patience,
            experiment.plateau_factor,
        )

    def rate(self, finished: int, val_losses: Sequence[float]) -> float:
        """The rate of a step.

        Args:
            finished: Steps of the run before it.
            val_losses: Validation losses of the epochs before it; `plateau` alone reads them.
        """
        step = finished - self.frozen
        if step < 0:
            return self.learning_rate
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        if self.shape == "cosine":
            return self.learning_rate * (1 + math.cos(math.pi * min(1.0, (step - self.warmup) / self.rest))) / 2
        if self.shape == "plateau":
            losses = val_losses[self.opening :]
            return self.learning_rate * self.plateau_factor ** reductions(losses, self.plateau_patience)
        return self.learning_rate


def reductions(val_losses: Sequence[float], patience: int) -> int:
    """How often a plateau has been met: each time that `patience` epochs in a row had no new lowest loss.

    Args:
        val_losses: Validation losses, finite.
        patience: Epochs, at least 1.
    """
    lowest, waited, count = math.inf, 0, 0
    for loss in val_losses:
        waited = 0 if loss < lowest else waited + 1
        lowest = min(lowest, loss)
        if waited == patience:
            waited, count = 0, count + 1
    return count


class ScheduledRate(keras.callbacks.Callback):
    """Gives the optimizer the rate of each step before it is done.

    The optimizer's rate is a variable, whose memory a recorded step reads, so that a CUDA graph follows the course.

    Args:
        schedule: The course.
        val_losses: Gives the validation losses of the finished epochs.
    """

    def __init__(self, schedule: Schedule, val_losses: Callable[[], Sequence[float]]) -> None:
        super().__init__()
        self.schedule = schedule
        self.val_losses = val_losses

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keras counts from 0."""
        del logs
        self.finished = epoch * self.schedule.steps_per_epoch
        self.rate = None

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Assign the rate, where it is another than that of the step before."""
        del logs
        rate = self.schedule.rate(self.finished + batch, self.val_losses())
        if rate != self.rate:
            self.rate = rate
            self.model.optimizer.learning_rate = rate
