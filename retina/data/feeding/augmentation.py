"""How training images are varied: drawn once for an epoch, done to a batch at a time on the device that trains.

The variation of an image is a function of (seed, epoch, image) alone. It does not depend on what was drawn before, on
the global generators, or on the batch size, so that a resumed run sees what an undisturbed one would have seen.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

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


def augment(images: torch.Tensor, drawn: torch.Tensor, *, rotated: bool = True) -> torch.Tensor:
    """Vary a batch of images: mirror and rotate about the centre (bilinear, black outside), then light.

    Nothing here waits for the device: what is done does not depend on what was drawn.

    Args:
        images: (N, H, W, 3) uint8.
        drawn: (N, 5) float32 on the same device, rows of `Augmentation.draw`.
        rotated: Some angle may differ from 0. Without, mirrors are exact.

    Returns:
        (N, H, W, 3) float32, 0-255.
    """
    pixels = images.permute(0, 3, 1, 2).float()
    if rotated:
        grid = _grid(drawn, *pixels.shape[2:])
        pixels = functional.grid_sample(pixels, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    else:
        for place, axis in ((0, 3), (1, 2)):
            pixels = torch.where(drawn[:, place, None, None, None] < 0, pixels.flip(axis), pixels)
    brightness, contrast = drawn[:, 3], drawn[:, 4]
    lit = (pixels.amax(dim=1, keepdim=True) >= DARK).float()
    mean = (pixels * lit).sum(dim=(1, 2, 3)) / (3 * lit.sum(dim=(1, 2, 3))).clamp_min(1)
    offset = (brightness * (1 - contrast) * mean).view(-1, 1, 1, 1) * lit
    gain = (brightness * contrast).view(-1, 1, 1, 1)
    return torch.addcmul(offset, pixels, gain).clamp_(0, 255).permute(0, 2, 3, 1).contiguous()


def _grid(drawn: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Where each pixel of a varied image comes from: (N, H, W, 2) x and y, -1 to 1 from edge to edge of the picture.

    They are in units of half the side, so the rotation of a picture that is not square needs its aspect.
    """
    mirror_x, mirror_y, cosine, sine = drawn[:, 0], drawn[:, 1], torch.cos(drawn[:, 2]), torch.sin(drawn[:, 2])
    x, y = (torch.arange(1 - side, side, 2, device=drawn.device, dtype=drawn.dtype) / side for side in (width, height))
    by_x = torch.stack([mirror_x * cosine, mirror_y * sine * (width / height)], dim=1)
    by_y = torch.stack([-mirror_x * sine * (height / width), mirror_y * cosine], dim=1)
    return by_x[:, None, None] * x[None, None, :, None] + by_y[:, None, None] * y[None, :, None, None]
