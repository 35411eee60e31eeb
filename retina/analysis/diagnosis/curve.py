"""A training curve: the part of a run that its diagnosis needs."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from retina.experiments.settings import effective
from retina.runs import epochs as stopping
from retina.runs.record import Record

if TYPE_CHECKING:
    import pandas as pd

SERIES = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "val_auroc", "seconds")
LARGEST_LOSS = 1e30  # float32 ends at 3.4e38: a loss this large is on its way there, and its value means nothing
MACHINE = ("device", "device_name", "processor", "cores", "threads")
WORK = ("image_size", "precision", "fine_tune")
WARM = 3  # epochs: from three on the first one, which fills caches and compiles kernels, is left out of the median


# eq=False: two arrays have no single answer to ==, and a generated comparison would raise.
@dataclass(frozen=True, eq=False, kw_only=True)
class Curve:
    """One run's history and the settings that explain it.

    Args:
        name: Name of the run.
        backbone: Name of the backbone.
        params: Name of the parameter set.
        loss: `ce` or `focal`.
        seed: Random seed.
        learning_rate: The optimizer's whole step size, > 0.
        batch_size: Images in one training step.
        epochs: The budget: epochs at most.
        early_stopping: Whether training stops when validation loss no longer falls.
        patience: Epochs without a lower validation loss before training stops, or would have stopped.
        status: One of `retina.runs.record.STATUSES`.
        majority: Accuracy of the majority guess on validation, 0-1.
        images: Validation images, at least 1.
        positives: Positives among them.
        train_images: Training images, at least 1.
        train_positives: Positives among them.
        epoch: (E,) float64, 1, 2, ... E; E may be 0.
        train_loss: (E,) float64; NaN or infinite where training diverged.
        train_accuracy: (E,) float64, 0-1.
        val_loss: (E,) float64.
        val_accuracy: (E,) float64, 0-1.
        val_auroc: (E,) float64, 0-1; NaN where validation has one class only.
        seconds: (E,) float64, wall time of each epoch.
        settings: Every setting by its name, and `data`, the fingerprint of the data set.
        conditions: What must be the same in a fair comparison of times: machine, data, image size, precision, trained
            layers.
        frozen_epochs: First epochs in which the head alone was trained.
        opening_epochs: First epochs that early stopping does not judge: these, and those of the warm-up.
        origin: Where the starting weights are from, as `retina.runs.record.Start` names it; `None` where unknown.
        broken_step: The training step, from 1, whose loss was no number and ended the run; `None` where none did.
    """

    name: str
    backbone: str
    params: str
    loss: str
    seed: int
    learning_rate: float
    batch_size: int
    epochs: int
    early_stopping: bool
    patience: int
    status: str
    majority: float
    images: int
    positives: int
    train_images: int
    train_positives: int
    epoch: np.ndarray
    train_loss: np.ndarray
    train_accuracy: np.ndarray
    val_loss: np.ndarray
    val_accuracy: np.ndarray
    val_auroc: np.ndarray
    seconds: np.ndarray
    settings: Mapping[str, Any] = field(default_factory=dict)
    conditions: tuple[Any, ...] = ()
    frozen_epochs: int = 0
    opening_epochs: int = 0
    origin: str | None = None
    broken_step: int | None = None

    @classmethod
    def of(cls, record: Record, history: "pd.DataFrame") -> Self:
        """The curve of a run, from its record and its history as `retina.runs.folder.Run` reads them."""
        experiment, data = record.experiment, record.data
        names = ("backbone", "params", "loss", "seed", "learning_rate", "batch_size", "epochs", "early_stopping")
        machine = [getattr(record.environment, key) for key in MACHINE]
        return cls(
            name=record.name,
            **{key: getattr(experiment, key) for key in (*names, "patience")},
            status=record.status,
            majority=record.baselines.majority["validation"].accuracy,
            images=data.splits["validation"].images,
            positives=data.splits["validation"].positives,
            train_images=data.splits["train"].images,
            train_positives=data.splits["train"].positives,
            **{key: history[key].to_numpy(dtype=np.float64) for key in SERIES},
            settings=effective(experiment.to_dict()) | {"data": data.fingerprint},
            conditions=(*machine, data.fingerprint, *(getattr(experiment, key) for key in WORK)),
            frozen_epochs=experiment.frozen_epochs,
            opening_epochs=experiment.opening_epochs,
            origin=record.weights.origin,
            broken_step=record.diverged_step,
        )

    def __len__(self) -> int:
        """The number of epochs in the history."""
        return len(self.epoch)

    @property
    def best(self) -> int | None:
        """The first epoch with the lowest finite validation loss, or `None`."""
        return stopping.best_epoch(self.val_loss.tolist())

    @cached_property
    def seconds_per_epoch(self) -> float:
        """The median wall time of an epoch, without the first where there are three or more; NaN where unknown."""
        seconds = self.seconds[1:] if len(self) >= WARM else self.seconds
        return float(np.median(seconds)) if len(seconds) else math.nan

    @cached_property
    def whole_epochs(self) -> int:
        """The number of epochs before the broken one."""
        return len(self.whole())

    @property
    def broken_epoch(self) -> int | None:
        """The first epoch whose training or validation loss is no number below 1e30, or `None`."""
        fine = (np.abs(self.train_loss) < LARGEST_LOSS) & (np.abs(self.val_loss) < LARGEST_LOSS)
        return None if fine.all() else int(np.argmin(fine)) + 1

    @property
    def is_balanced(self) -> bool:
        """Whether the loss weighs both classes alike: it is then not trained for accuracy at probability 1/2."""
        return self.settings.get("class_weight") == "balanced"

    @property
    def train_majority(self) -> float:
        """Share of the training images in the larger class, 0-1."""
        share = self.train_positives / self.train_images
        return max(share, 1 - share)

    def up_to(self, epoch: int) -> Self:
        """The same curve, cut off after an epoch."""
        return dataclasses.replace(self, **{key: getattr(self, key)[:epoch] for key in SERIES})

    def whole(self) -> Self:
        """The same curve, cut off before the broken epoch."""
        return self if self.broken_epoch is None else self.up_to(self.broken_epoch - 1)

    def at(self, series: str, epoch: int) -> float:
        """A series' value at an epoch, counted from 1."""
        return float(getattr(self, series)[epoch - 1])
