"""Callbacks of Keras' epochs: validation, the history, the checkpoint, early stopping, and a stop at divergence."""

import math
import time
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import torch
from keras import ops

from retina.data.feeding.batches import EvaluationBatches
from retina.errors import DivergedError
from retina.experiments.experiment import Experiment
from retina.models.running import prediction
from retina.numbers import ranking
from retina.runs import epochs
from retina.training.loop.averaging import averaged
from retina.training.loop.timing import Clock
from retina.training.saving import checkpoint
from retina.training.saving.checkpoint import Values
from retina.training.saving.writer import Writer


@dataclass
class TrainingState:
    """What training has reached: all that a resumed run needs beside the model and the optimizer.

    Args:
        rows: One mapping of `retina.runs.folder.HISTORY_COLUMNS` for every finished epoch.
        best_weights: The network's variables at the best epoch so far; empty before the first.
        speed: Of this session, without validation: `images_per_second`, and `waiting_share`, the share of the time that
            went into gathering and augmenting images. `None` where this session trained nothing.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    best_weights: Values = ()
    speed: dict[str, float | None] = field(default_factory=lambda: {"images_per_second": None, "waiting_share": None})

    @property
    def val_losses(self) -> list[float]:
        """Validation loss of every finished epoch."""
        return [row["val_loss"] for row in self.rows]

    def stopped(self, experiment: Experiment) -> bool:
        """Whether early stopping has ended training."""
        stop = epochs.stop_epoch(self.val_losses, experiment.patience, after=experiment.opening_epochs)
        return experiment.early_stopping and stop is not None


class Finite(keras.callbacks.Callback):
    """Stops training at the first step whose loss is not a finite number, and after an epoch whose weights are not."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Raise when the running mean of the loss is not finite.

        Raises:
            DivergedError: with the step, from 1, within the epoch.
        """
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            raise DivergedError(
                "training diverged",
                expected="a finite loss",
                found=f"loss {loss} at step {batch + 1} of the epoch",
                advice="lower the learning rate",
                step=batch + 1,
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Raise when a weight is not finite: the last step of an epoch has no loss after it that would show it.

        Raises:
            DivergedError: with the weight's name.
        """
        del logs
        weights = {item.path: item.value for item in self.model.variables if item.value.is_floating_point()}
        largest = torch.nn.utils.get_total_norm(weights.values(), math.inf)  # one number for the host to wait for
        if not torch.isfinite(largest):
            worst = next(path for path, value in weights.items() if not torch.isfinite(value).all())
            raise DivergedError(
                "training diverged",
                expected="finite weights",
                found=f"others in {worst} after epoch {epoch + 1}",
                advice="lower the learning rate",
            )


class Validation(keras.callbacks.Callback):
    """Scores the validation images once an epoch, in one pass, and adds loss, accuracy and exact AUROC to the logs.

    Keras' own validation averages batch losses and computes AUROC only on a grid of thresholds. Here all logits are
    kept, so that the loss is the mean over images and the AUROC is that of the ranks.

    Args:
        batches: The validation images in order.
        labels: (N,) 0 or 1, both present.
        loss: The training loss, from logits.
    """

    def __init__(self, batches: EvaluationBatches, labels: np.ndarray, loss: keras.losses.Loss) -> None:
        super().__init__()
        self.batches = batches
        self.labels = np.asarray(labels)
        self.loss = loss

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add `val_loss`, `val_accuracy` and `val_auroc` to the logs that later callbacks see.

        Raises:
            DivergedError: a logit or the loss is not a finite number.
        """
        with averaged(self.model.optimizer):
            logits = prediction.logits(self.model, self.batches)
        # Both are columns: the focal loss would silently broadcast (N,) beside (N, 1) to (N, N).
        loss = float(self.loss(self.labels[:, None].astype("float32"), logits[:, None]))
        if not (math.isfinite(loss) and np.isfinite(logits).all()):
            raise DivergedError(
                "training diverged",
                expected="finite logits on the validation images",
                found=f"validation loss {loss} after epoch {epoch + 1}",
                advice="lower the learning rate",
            )
        logs["val_loss"] = loss
        logs["val_accuracy"] = float(np.mean((logits > 0) == (self.labels == 1)))
        logs["val_auroc"] = ranking.auroc_of_curve(self.labels, logits)


class EpochRecord(keras.callbacks.Callback):
    """Hands each finished epoch to the writer, keeps the best weights, and stops early.

    Args:
        writer: Writes to the run folder.
        progress: What was reached before; extended in place.
        clock: When the epoch began, and when its steps had been done.
        experiment: Its patience, and whether it stops early.
        at_once: Go on only when the epoch is written: callbacks after this one read the run folder.
    """

    def __init__(
        self, writer: Writer, progress: TrainingState, clock: Clock, *, experiment: Experiment, at_once: bool
    ) -> None:
        super().__init__()
        self.writer = writer
        self.progress = progress
        self.clock = clock
        self.experiment = experiment
        self.at_once = at_once

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Append the epoch's row; keep the weights if validation loss is the lowest so far; stop when patience ends."""
        row = {
            "epoch": epoch + 1,
            "train_loss": float(logs["loss"]),
            "train_accuracy": float(logs["accuracy"]),
            "val_loss": logs["val_loss"],
            "val_accuracy": logs["val_accuracy"],
            "val_auroc": logs["val_auroc"],
            # float32 has seven digits: more would show 0.0001 as 9.999999747378752e-05
            "learning_rate": float(f"{float(ops.convert_to_numpy(self.model.optimizer.learning_rate)):.7g}"),
            "seconds": round(time.perf_counter() - self.clock.began, 3),
            "images_per_second": round(len(self.clock.batches.labels) / (self.clock.steps_ended - self.clock.began), 2),
        }
        self.progress.rows.append(row)
        state = checkpoint.snapshot(self.model)
        if epochs.best_epoch(self.progress.val_losses) == epoch + 1:
            with averaged(self.model.optimizer) as swapped:
                self.progress.best_weights = checkpoint.snapshot(self.model)["model"] if swapped else state["model"]
        self.writer.write(state, self.progress.rows, self.progress.best_weights)
        if self.at_once:
            self.writer.finish()
        self.model.stop_training = self.progress.stopped(self.experiment)
