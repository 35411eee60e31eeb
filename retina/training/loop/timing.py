"""The clock of training, and when callbacks make the host wait for the device."""

import math
import time
from typing import Any

import keras
import torch

from retina.data.feeding.batches import ShuffledBatches
from retina.machine import device, signals


class Clock(keras.callbacks.Callback):
    """Sets the epoch of the training batches, which decides their order and augmentation, and measures time.

    Args:
        batches: The training batches.

    Attributes:
        began: When the epoch began, by `time.perf_counter`.
        steps_ended: When its last training step had been done; validation follows.
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
        self.steps_ended = time.perf_counter()
        self.stepping_seconds += self.steps_ended - self.began


INTERVAL = 0.1
"""Seconds between two readings of a GPU's numbers."""


class BatchedCallbacks(keras.callbacks.CallbackList):
    """Keras' list of callbacks; on a GPU it calls them for training steps ten times a second at most.

    A callback of a step needs its loss, and reading that makes the host wait for the device, and then the device for
    the host. So steps are passed on several at a time: all of them, in order, each with its own numbers, a little late,
    and the last ones before the end of the epoch. Where reading costs nothing, each is passed on when it is done.
    """

    def __init__(self, callbacks: list[keras.callbacks.Callback], **kwargs: Any) -> None:  # noqa: ANN401 - Keras' own
        super().__init__(callbacks, add_history=True, **kwargs)
        self.interval = INTERVAL if device.device() == "cuda" else 0.0
        self.waiting: list[tuple[int, dict[str, torch.Tensor]]] = []
        self.passed_on_at = -math.inf

    def on_train_batch_end(self, batch: int, logs: dict[str, torch.Tensor] | None = None) -> None:
        """Pass on this step and those that wait, once the interval is over; end here if the process was asked to end.

        Raises:
            KeyboardInterrupt: see `retina.machine.signals`.
        """
        signals.raise_if_requested()
        self.waiting.append((batch, logs or {}))
        if time.perf_counter() - self.passed_on_at >= self.interval:
            self.pass_on()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Pass on the last steps first."""
        self.pass_on()
        super().on_epoch_end(epoch, logs)

    def pass_on(self) -> None:
        """Read the logs of all steps that wait, at once, and pass them on."""
        steps, self.waiting = self.waiting, []
        if steps:
            names = list(steps[0][1])
            # One copy from the device for all numbers of all steps, so that the host waits once.
            read = torch.stack([logs[name] for _, logs in steps for name in names]).view(len(steps), -1).tolist()
            for (batch, _), numbers in zip(steps, read, strict=True):
                super().on_train_batch_end(batch, dict(zip(names, numbers, strict=True)))
        self.passed_on_at = time.perf_counter()
