"""Batches of images: shuffled and augmented for training, in order for evaluation.

The order of an epoch is a function of (seed, epoch) alone, as the augmentation is (`retina.data.feeding.augmentation`).
What a whole epoch needs goes to the device once, before its first batch, so that no batch makes the host wait for the
device.
"""

import math
import time
from typing import Any

import keras
import numpy as np
import torch

from retina.data.feeding.arranged import Arranged
from retina.data.feeding.augmentation import ORDER_STREAM, Augmentation, augment, generator
from retina.data.preparing.pixels import Pixels


def epoch_order(seed: int, epoch: int, images: int) -> np.ndarray:
    """The order in which an epoch (from 1) visits the images: a permutation, (images,) int64."""
    return generator(seed, epoch, ORDER_STREAM).permutation(images)


class ShuffledBatches(keras.utils.PyDataset):
    """Training batches in an order of each epoch's own. Set `epoch` (from 1) before each epoch.

    Args:
        labels: (N,) 0 or 1.
        batch_size: Images in a batch; the last batch of an epoch holds what remains.
        seed: The experiment's seed.
        device: Where batches are made: torch's name.

    Attributes:
        seconds: The host's time spent so far on making batches, while training waits.
    """

    def __init__(self, labels: np.ndarray, *, batch_size: int, seed: int, device: str = "cpu") -> None:
        super().__init__()
        self.labels = np.asarray(labels, np.float32)
        self.batch_size = batch_size
        self.seed = seed
        self.device = device
        self.seconds = 0.0
        self.epoch = 1

    @property
    def epoch(self) -> int:
        """The epoch whose batches are given, from 1."""
        return self._epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._epoch = epoch
        self.order = epoch_order(self.seed, epoch, len(self.labels))
        self._ordered_labels = self.to_device(self.labels[self.order, None])
        self.prepare(epoch)

    @property
    def num_batches(self) -> int:
        """Batches in an epoch."""
        return math.ceil(len(self.labels) / self.batch_size)

    def to_device(self, values: np.ndarray) -> torch.Tensor:
        """An array as a tensor where batches are made."""
        return torch.from_numpy(values).to(self.device)

    def prepare(self, epoch: int) -> None:
        """Get ready for an epoch, once, before its first batch; `order` stands."""

    def gather(self, part: slice) -> torch.Tensor:
        """What the model sees of some training images, by their places in the epoch's order."""
        raise NotImplementedError

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Batch `index` of the epoch: what the model sees of B images, and labels (B, 1) float32."""
        began = time.perf_counter()
        part = slice(index * self.batch_size, (index + 1) * self.batch_size)
        batch = self.gather(part), self._ordered_labels[part]
        self.seconds += time.perf_counter() - began
        return batch


class TrainingBatches(ShuffledBatches):
    """One epoch of shuffled, augmented images (B, H, W, 3) float32 0-255.

    Args:
        images: (M, H, W, 3) uint8, an array, or `Pixels`, which read a file.
        rows: (N,) which of them are the training images.
        labels: (N,) 0 or 1.
        augmentation: How the images are varied.
        **kwargs: Those of `ShuffledBatches`.
    """

    def __init__(
        self,
        images: np.ndarray | Pixels,
        rows: np.ndarray,
        labels: np.ndarray,
        *,
        augmentation: Augmentation,
        **kwargs: Any,  # noqa: ANN401 - those of the class above
    ) -> None:
        self.rows = rows
        self.augmentation = augmentation
        self.arranged = Arranged(images, rows, kwargs.get("device", "cpu"))
        super().__init__(labels, **kwargs)

    def prepare(self, epoch: int) -> None:
        """Put the images in order and draw their variations."""
        self.arranged.arrange(self.rows[self.order])
        self.drawn = self.to_device(self.augmentation.draw(self.seed, epoch, len(self.labels))[self.order])

    def gather(self, part: slice) -> torch.Tensor:
        """Read and vary some images."""
        return augment(self.arranged[part], self.drawn[part], rotated=self.augmentation.rotation != 0)


class EvaluationBatches(keras.utils.PyDataset):
    """Images in order, as they are, for prediction, or each varied as drawn.

    Args:
        images: (M, H, W, 3) uint8, an array, or `Pixels`, which read a file.
        rows: (N,) which of them are given, in this order.
        batch_size: Images in a batch.
        drawn: (N, 5) rows of `Augmentation.draw`; `None` leaves the images as they are.
        device: Where batches are made: torch's name.
    """

    def __init__(
        self,
        images: np.ndarray | Pixels,
        rows: np.ndarray,
        *,
        batch_size: int,
        drawn: np.ndarray | None = None,
        device: str = "cpu",
    ) -> None:
        super().__init__()
        self.rows = rows
        self.batch_size = batch_size
        self.arranged = Arranged(images, rows, device)
        self.drawn = None if drawn is None else torch.from_numpy(drawn).to(device)
        self.rotated = drawn is not None and bool((drawn[:, 2] != 0).any())

    @property
    def num_batches(self) -> int:
        """Batches in a pass."""
        return math.ceil(len(self.rows) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[torch.Tensor]:
        """Batch `index`: (B, H, W, 3) uint8, or float32 0-255 where the images are varied."""
        part = slice(index * self.batch_size, (index + 1) * self.batch_size)
        images = self.arranged[part]
        return (images if self.drawn is None else augment(images, self.drawn[part], rotated=self.rotated),)
