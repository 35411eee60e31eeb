"""How training images are varied: drawn once an epoch, applied to a batch at a time on the device that trains.

The variation of an image is a function of (seed, epoch, image) alone. It does not depend on earlier draws, on the
global generators, or on the batch size, so that a resumed run sees the same images as an uninterrupted one.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

ORDER_STREAM, AUGMENTATION_STREAM = 0, 1
"""What an epoch's generator is for, see `generator`: the order of the images, or their variations."""
DARK = 10
"""Pixels whose channels are all below this level, 0-255, belong to the black surround of the fundus."""


@dataclass(frozen=True)
class Augmentation:
    """How training images are varied. Each range is symmetric; 0 or False leaves that variation out.

    Args:
        horizontal_flip: Mirror left and right with probability 1/2.
        vertical_flip: Mirror top and bottom with probability 1/2.
        rotation: Largest rotation about the centre, degrees.
        brightness: Largest relative change: pixels are multiplied by a factor from 1 - b to 1 + b.
        contrast: Largest relative change of each pixel's distance from the mean of the lit pixels. Pixels darker than
            `DARK`, such as the black surround, are scaled towards black instead.
    """

    horizontal_flip: bool = False
    vertical_flip: bool = False
    rotation: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0

    def draw(self, seed: int, epoch: int, images: int) -> np.ndarray:
        """Draw the variations of one epoch.

        Args:
            seed: The experiment's seed.
            epoch: The epoch, from 1.
            images: The number of training images.

        Returns:
            (images, 5) float32: mirror x and mirror y (1 or -1), angle in radians, brightness and contrast factors.
            Row i belongs to image i, and stays the same when more images follow.
        """
        # All five are drawn, used or not, so that leaving one variation out leaves the others as they were.
        unit = generator(seed, epoch, AUGMENTATION_STREAM).random((images, 5), dtype=np.float32)
        signed = 2 * unit - 1
        variations = np.ones((images, 5), np.float32)
        if self.horizontal_flip:
            variations[:, 0] = np.where(unit[:, 0] < 0.5, -1, 1)  # noqa: PLR2004
        if self.vertical_flip:
            variations[:, 1] = np.where(unit[:, 1] < 0.5, -1, 1)  # noqa: PLR2004
        variations[:, 2] = math.radians(self.rotation) * signed[:, 2]
        variations[:, 3] += self.brightness * signed[:, 3]
        variations[:, 4] += self.contrast * signed[:, 4]
        return variations


def generator(seed: int, epoch: int, stream: int) -> np.random.Generator:
    """A separate generator for each (seed, epoch, stream): Philox, counter-based, the same on every machine."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, epoch, stream])))


def augment(images: torch.Tensor, variations: torch.Tensor, *, rotated: bool = True) -> torch.Tensor:
    """Vary a batch of images: mirror, rotate about the centre (bilinear, black outside), then scale light and contrast.

    The operations do not depend on the values of `variations`, so that the host never waits for the device.

    Args:
        images: (N, H, W, 3) uint8.
        variations: (N, 5) float32 on the same device, rows of `Augmentation.draw`.
        rotated: Whether an angle may differ from 0. Without rotation pixels are mirrored exactly, not interpolated.

    Returns:
        (N, H, W, 3) float32, 0-255.
    """
    pixels = images.permute(0, 3, 1, 2).float()
    if rotated:
        grid = _grid(variations, *pixels.shape[2:])
        pixels = functional.grid_sample(pixels, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    else:
        for place, axis in ((0, 3), (1, 2)):
            pixels = torch.where(variations[:, place, None, None, None] < 0, pixels.flip(axis), pixels)
    brightness, contrast = variations[:, 3], variations[:, 4]
    lit = (pixels.amax(dim=1, keepdim=True) >= DARK).float()
    # At least 1: an image without a lit pixel has no mean, and 0 over 0 would make it NaN.
    mean = (pixels * lit).sum(dim=(1, 2, 3)) / (3 * lit.sum(dim=(1, 2, 3))).clamp_min(1)
    # brightness * (mean + contrast * (pixel - mean)) in one multiplication and addition; dark pixels have no mean.
    offset = (brightness * (1 - contrast) * mean).view(-1, 1, 1, 1) * lit
    gain = (brightness * contrast).view(-1, 1, 1, 1)
    return torch.addcmul(offset, pixels, gain).clamp_(0, 255).permute(0, 2, 3, 1).contiguous()


def _grid(variations: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Where each pixel of a varied image comes from: (N, H, W, 2) x and y, -1 to 1 from edge to edge of the picture.

    x and y are in units of half a side, so the rotation of a picture that is not square needs its aspect.
    """
    mirror_x, mirror_y, angle = variations[:, 0], variations[:, 1], variations[:, 2]
    cosine, sine = torch.cos(angle), torch.sin(angle)
    steps = {"device": angle.device, "dtype": angle.dtype}
    x, y = (torch.arange(1 - side, side, 2, **steps) / side for side in (width, height))
    by_x = torch.stack([mirror_x * cosine, mirror_y * sine * (width / height)], dim=1)
    by_y = torch.stack([-mirror_x * sine * (height / width), mirror_y * cosine], dim=1)
    return by_x[:, None, None] * x[None, None, :, None] + by_y[:, None, None] * y[None, :, None, None]
