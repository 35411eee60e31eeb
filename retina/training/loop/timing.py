"""What is timed in training, and when the host waits for the device."""

import math
import time
from typing import Any

import keras
import torch

from retina.data.feeding.batches import ShuffledBatches
from retina.machine import device


class Clock(keras.callbacks.Callback):
    """Tells the training batches which epoch it is, so that order and augmentation follow from it, and takes the time.

    Args:
        batches: The training batches.

    Attributes:
        began: When the epoch began, by `time.perf_counter`.
        trained: When its last training step had been done; validation follows.
        stepping_seconds: Time between the two, all epochs together.
    """

    def __init__(self, batches: ShuffledBatches) -> None:
        super().__init__()
        self.batches = batches
        self.stepping_seconds = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keras counts from 0, retina from 1."""
        del logs
        self.began = time.perf_counter()
        self.batches.epoch = epoch + 1

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keras has read the epoch's logs, so the device is done with its steps."""
        del epoch, logs
        self.trained = time.perf_counter()
        self.stepping_seconds += self.trained - self.began


INTERVAL = 0.1
"""Seconds between two readings of a GPU's numbers."""


class BatchedCallbacks(keras.callbacks.CallbackList):
    """Keras' list of callbacks; on a GPU it tells them of training steps ten times a second at most.

    To tell them of a step, its loss must be read, which makes the host wait for the device, and then the device for the
    host. So steps are told several at a time: all of them, in order, each with its own numbers, a little late, and the
    last ones before the end of the epoch. Where reading costs nothing, each is told when it is done.
    """

    def __init__(self, callbacks: list[keras.callbacks.Callback], **kwargs: Any) -> None:  # noqa: ANN401 - Keras' own
        super().__init__(callbacks, add_history=True, **kwargs)
        self.interval = INTERVAL if device.device() == "cuda" else 0.0
        self.untold: list[tuple[int, dict[str, torch.Tensor]]] = []
        self.told = -math.inf

    def on_train_batch_end(self, batch: int, logs: dict[str, torch.Tensor] | None = None) -> None:
        """Tell of this step and of those before it, where it is time to."""
        self.untold.append((batch, logs or {}))
        if time.perf_counter() - self.told >= self.interval:
            self.tell()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Tell of the last steps first."""
        self.tell()
        super().on_epoch_end(epoch, logs)

    def tell(self) -> None:
        """Read the logs of all steps that nobody was told of, at once, and pass them on."""
        untold, self.untold = self.untold, []
        if untold:
            names = list(untold[0][1])
            read = torch.stack([logs[name] for _, logs in untold for name in names]).view(len(untold), -1).tolist()
            for (batch, _), numbers in zip(untold, read, strict=True):
                super().on_train_batch_end(batch, dict(zip(names, numbers, strict=True)))
        self.told = time.perf_counter()
