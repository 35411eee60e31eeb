"""Batches of images: shuffled and augmented for training, in order for evaluation.

The order of an epoch and the augmentation of an image are functions of (seed, epoch, image) alone. They do not depend
on what was drawn before, on the global generators, or on the batch size, so that a resumed run sees what an undisturbed
one would have seen.
"""

import math
import time
from dataclasses import dataclass

import keras
import numpy as np
import torch
from torch.nn import functional

from retina.data.pixels import Pixels

ORDER_STREAM, AUGMENTATION_STREAM = 0, 1
DARK = 10
"""Pixels whose channels are all below this level, 0-255, belong to the camera's surround."""


@dataclass(frozen=True)
class Augmentation:
    """How training images are varied. Each range is symmetric; 0 or False leaves that variation out.

    Args:
        horizontal_flip: Mirror left and right with probability 1/2.
        vertical_flip: Mirror top and bottom with probability 1/2.
        rotation: Largest rotation about the centre, degrees.
        brightness: Largest relative change: pixels are multiplied by a factor from 1 - b to 1 + b.
        contrast: Largest relative change of each pixel's distance from the mean of the lit pixels. What is darker than
            `DARK`, such as the camera's black surround, keeps its distance from black.
    """

    horizontal_flip: bool = False
    vertical_flip: bool = False
    rotation: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0

    def draw(self, seed: int, epoch: int, images: int) -> np.ndarray:
        """Draw one epoch's variations.

        Args:
            seed: The experiment's seed.
            epoch: The epoch, from 1.
            images: How many training images there are.

        Returns:
            (images, 5) float32: mirror x and mirror y (1 or -1), angle in radians, brightness and contrast factors.
            Row i belongs to image i, and stays the same when more images follow.
        """
        unit = generator(seed, epoch, AUGMENTATION_STREAM).random((images, 5), dtype=np.float32)
        signed = 2 * unit - 1
        drawn = np.ones((images, 5), np.float32)
        if self.horizontal_flip:
            drawn[:, 0] = np.where(unit[:, 0] < 0.5, -1, 1)  # noqa: PLR2004
        if self.vertical_flip:
            drawn[:, 1] = np.where(unit[:, 1] < 0.5, -1, 1)  # noqa: PLR2004
        drawn[:, 2] = math.radians(self.rotation) * signed[:, 2]
        drawn[:, 3] += self.brightness * signed[:, 3]
        drawn[:, 4] += self.contrast * signed[:, 4]
        return drawn


def generator(seed: int, epoch: int, stream: int) -> np.random.Generator:
    """A generator of its own for (seed, epoch, stream): Philox, counter-based, the same on every machine."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, epoch, stream])))


def epoch_order(seed: int, epoch: int, images: int) -> np.ndarray:
    """The order in which an epoch (from 1) visits the images: a permutation, (images,) int64."""
    return generator(seed, epoch, ORDER_STREAM).permutation(images)


def augment(images: torch.Tensor, drawn: np.ndarray) -> torch.Tensor:
    """Vary a batch of images in one pass: mirror and rotate about the centre (bilinear, black outside), then light.

    Args:
        images: (N, H, W, 3) uint8.
        drawn: (N, 5) float32, rows of `Augmentation.draw`.

    Returns:
        (N, H, W, 3) float32, 0-255.
    """
    mirror_x, mirror_y, angle, brightness, contrast = torch.from_numpy(np.ascontiguousarray(drawn.T)).to(images.device)
    pixels = images.permute(0, 3, 1, 2).float()
    height, width = pixels.shape[2:]
    if (drawn[:, 2] != 0).any():
        # affine_grid works in units of half the side, so a rotation of a picture that is not square needs its aspect.
        cosine, sine, zero = torch.cos(angle), torch.sin(angle), torch.zeros_like(angle)
        across = torch.stack([mirror_x * cosine, -mirror_x * sine * height / width, zero], dim=1)
        down = torch.stack([mirror_y * sine * width / height, mirror_y * cosine, zero], dim=1)
        grid = functional.affine_grid(torch.stack([across, down], dim=1), list(pixels.shape), align_corners=False)
        pixels = functional.grid_sample(pixels, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    else:
        for row in torch.nonzero(mirror_x < 0).flatten().tolist():
            pixels[row] = pixels[row].flip(2)
        for row in torch.nonzero(mirror_y < 0).flatten().tolist():
            pixels[row] = pixels[row].flip(1)
    lit = (pixels.amax(dim=1, keepdim=True) >= DARK).float()
    mean = (pixels * lit).sum(dim=(1, 2, 3)) / (3 * lit.sum(dim=(1, 2, 3))).clamp_min(1)
    offset = (brightness * (1 - contrast) * mean).view(-1, 1, 1, 1) * lit
    gain = (brightness * contrast).view(-1, 1, 1, 1)
    return torch.addcmul(offset, pixels, gain).clamp_(0, 255).permute(0, 2, 3, 1).contiguous()


class ShuffledBatches(keras.utils.PyDataset):
    """Training batches in an order of each epoch's own. Set `epoch` (from 1) before each epoch.

    Args:
        labels: (N,) 0 or 1.
        batch_size: Images in a batch; the last batch of an epoch holds what remains.
        seed: The experiment's seed.

    Attributes:
        seconds: Time spent so far on making batches, while training waits.
    """

    def __init__(self, labels: np.ndarray, *, batch_size: int, seed: int) -> None:
        super().__init__()
        self.labels = np.asarray(labels, np.float32)
        self.batch_size = batch_size
        self.seed = seed
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
        self.prepare(epoch)

    @property
    def num_batches(self) -> int:
        """Batches in an epoch."""
        return math.ceil(len(self.labels) / self.batch_size)

    def prepare(self, epoch: int) -> None:
        """Get ready for an epoch, once, before its first batch."""

    def gather(self, chosen: np.ndarray) -> torch.Tensor:
        """What the model sees of some training images, by their numbers among the training images."""
        raise NotImplementedError

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Batch `index` of the epoch: what the model sees of B images, and labels (B, 1) float32."""
        began = time.perf_counter()
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        batch = self.gather(chosen), torch.from_numpy(self.labels[chosen, None])
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
        **kwargs: int,
    ) -> None:
        self.images = images
        self.rows = rows
        self.augmentation = augmentation
        super().__init__(labels, **kwargs)

    def prepare(self, epoch: int) -> None:
        """Draw the epoch's variations."""
        self.drawn = self.augmentation.draw(self.seed, epoch, len(self.labels))

    def gather(self, chosen: np.ndarray) -> torch.Tensor:
        """Read and vary some images."""
        return augment(torch.from_numpy(self.images[self.rows[chosen]]), self.drawn[chosen])


class EvaluationBatches(keras.utils.PyDataset):
    """Images in order, as they are, for prediction, or each varied as drawn.

    Args:
        images: (M, H, W, 3) uint8, an array, or `Pixels`, which read a file.
        rows: (N,) which of them are given, in this order.
        batch_size: Images in a batch.
        drawn: (N, 5) rows of `Augmentation.draw`; `None` leaves the images as they are.
    """

    def __init__(
        self, images: np.ndarray | Pixels, rows: np.ndarray, *, batch_size: int, drawn: np.ndarray | None = None
    ) -> None:
        super().__init__()
        self.images = images
        self.rows = rows
        self.batch_size = batch_size
        self.drawn = drawn

    @property
    def num_batches(self) -> int:
        """Batches in a pass."""
        return math.ceil(len(self.rows) / self.batch_size)

    def __getitem__(self, index: int) -> tuple[torch.Tensor]:
        """Batch `index`: (B, H, W, 3) uint8, or float32 0-255 where the images are varied."""
        part = slice(index * self.batch_size, (index + 1) * self.batch_size)
        images = torch.from_numpy(self.images[self.rows[part]])
        return (images if self.drawn is None else augment(images, self.drawn[part]),)
