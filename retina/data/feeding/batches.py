"""Batches of images: shuffled and augmented for training, in order for evaluation.

The order of an epoch is a function of (seed, epoch) alone, as the augmentation is (`retina.data.feeding.augmentation`).
What a whole epoch needs is sent to the device once, before its first batch, so that the host need not wait for the
device at each batch.
"""

import math
import time
from typing import Any

import keras
import numpy as np
import torch

from retina.data.feeding.augmentation import ORDER_STREAM, Augmentation, augment, generator
from retina.data.feeding.ordered_images import OrderedImages
from retina.data.preparing.pixels import Pixels


def epoch_order(seed: int, epoch: int, images: int) -> np.ndarray:
    """The order in which an epoch (from 1) visits the images: a permutation, (images,) int64."""
    return generator(seed, epoch, ORDER_STREAM).permutation(images)


class ShuffledBatches(keras.utils.PyDataset):
    """Training batches in a new order for every epoch. Set `epoch` (from 1) before each epoch.

    Args:
        labels: (N,) 0 or 1.
        batch_size: Images in a batch; the last batch of an epoch holds what remains.
        seed: The experiment's seed.
        device: torch's name for the device on which batches are made.

    Attributes:
        seconds: Time that the host has spent on making batches so far, while training waited.
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
        """The epoch that the batches belong to, from 1."""
        return self._epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._epoch = epoch
        self.order = epoch_order(self.seed, epoch, len(self.labels))
        # A column, as the logits are: the focal loss would broadcast (B,) beside (B, 1) to (B, B).
        self._ordered_labels = self.to_device(self.labels[self.order, None])
        self.prepare(epoch)

    @property
    def num_batches(self) -> int:
        """Batches in an epoch."""
        return math.ceil(len(self.labels) / self.batch_size)

    def to_device(self, values: np.ndarray) -> torch.Tensor:
        """An array as a tensor on the device on which batches are made."""
        return torch.from_numpy(values).to(self.device)

    def prepare(self, epoch: int) -> None:
        """Prepare for an epoch, once, before its first batch; `order` is set already."""

    def gather(self, places: slice) -> torch.Tensor:
        """The model's inputs for the training images at some places of the epoch's order."""
        raise NotImplementedError

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Batch `index` of the epoch: the model's inputs for B images, and their labels (B, 1) float32."""
        start = time.perf_counter()
        places = slice(index * self.batch_size, (index + 1) * self.batch_size)
        batch = self.gather(places), self._ordered_labels[places]
        self.seconds += time.perf_counter() - start
        return batch


class TrainingBatches(ShuffledBatches):
    """One epoch of shuffled, augmented images (B, H, W, 3) float32 0-255.

    Args:
        images: (M, H, W, 3) uint8, an array, or `Pixels`, which read a file.
        rows: (N,) int64, which of them are the training images.
        labels: (N,) 0 or 1.
        augmentation: How the images are varied.
        **kwargs: Arguments of `ShuffledBatches`.
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
        self.images = OrderedImages(images, rows, kwargs.get("device", "cpu"))
        super().__init__(labels, **kwargs)  # sets the epoch, which calls `prepare`, so this comes last

    def prepare(self, epoch: int) -> None:
        """Put the images in order and draw their variations."""
        self.images.reorder(self.rows[self.order])
        self.variations = self.to_device(self.augmentation.draw(self.seed, epoch, len(self.labels))[self.order])

    def gather(self, places: slice) -> torch.Tensor:
        """Read and vary some images."""
        return augment(self.images[places], self.variations[places], rotated=self.augmentation.rotation != 0)


class EvaluationBatches(keras.utils.PyDataset):
    """Batches of images in a given order, unchanged or each with its variation, for prediction.

    Args:
        images: (M, H, W, 3) uint8, an array, or `Pixels`, which read a file.
        rows: (N,) int64, which of them, in this order.
        batch_size: Images in a batch.
        variations: (N, 5) float32, rows of `Augmentation.draw`; `None` leaves the images unchanged.
        device: torch's name for the device on which batches are made.
    """

    def __init__(
        self,
        images: np.ndarray | Pixels,
        rows: np.ndarray,
        *,
        batch_size: int,
        variations: np.ndarray | None = None,
        device: str = "cpu",
    ) -> None:
        super().__init__()
        self.rows = rows
        self.batch_size = batch_size
        self.images = OrderedImages(images, rows, device)
        self.variations = None if variations is None else torch.from_numpy(variations).to(device)
        self.rotated = variations is not None and bool((variations[:, 2] != 0).any())

    @property
    def num_batches(self) -> int:
        """Batches in a pass."""
        return math.ceil(len(self.rows) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[torch.Tensor]:
        """Batch `index`: (B, H, W, 3) uint8, or float32 0-255 where the images are varied."""
        places = slice(index * self.batch_size, (index + 1) * self.batch_size)
        images = self.images[places]
        if self.variations is None:
            return (images,)
        return (augment(images, self.variations[places], rotated=self.rotated),)
