"""Images in an order that is known beforehand, as tensors on the device that trains.

On a processor each batch is read when it is asked for. An accelerator gets all images of a set once, as bytes, where
they fit: from then on a batch is gathered there, and neither a file nor the bus between host and device is asked again.
"""

import math
import weakref

import numpy as np
import torch

from retina.data.preparing.pixels import Pixels

SHARE = 0.5
"""Of an accelerator's free memory, what images may take; the rest is the network's."""

CHUNK = 256
"""Images that are brought to an accelerator at a time."""

_RESIDENT: "weakref.WeakKeyDictionary[Pixels, torch.Tensor]" = weakref.WeakKeyDictionary()


class Arranged:
    """Images in an order; a slice of it gives (n, H, W, 3) uint8, or as the images are, on the device.

    Args:
        images: (M, H, W, 3) uint8, an array, or `Pixels`, which read a file; or an array of (M, C) features.
        rows: (N,) which of them, in this order.
        device: torch's name of the device.
    """

    def __init__(self, images: np.ndarray | Pixels, rows: np.ndarray, device: str) -> None:
        self.images = images
        self.device = device
        self.resident = resident(images, device) if device == "cuda" else None
        self.arrange(rows)

    def arrange(self, rows: np.ndarray) -> None:
        """Take another order, (N,) of whole numbers."""
        self.rows = np.asarray(rows, np.int64)
        self._places = None if self.resident is None else torch.tensor(self.rows, device=self.device)

    def __getitem__(self, part: slice) -> torch.Tensor:
        """The images at some places of the order."""
        if self.resident is None:
            return torch.from_numpy(self.images[self.rows[part]]).to(self.device)
        return self.resident[self._places[part]]


def resident(images: np.ndarray | Pixels, device: str) -> torch.Tensor | None:
    """All images on an accelerator, as they are; `None` where they would take more than their share of it.

    What a file holds is brought there once, for all who read it, and goes when nobody holds its `Pixels` any more.
    """
    kept = _RESIDENT.get(images) if isinstance(images, Pixels) else None
    if kept is not None:
        return kept
    free, _ = torch.cuda.mem_get_info(device)
    if math.prod(images.shape) * images.dtype.itemsize > SHARE * free:
        return None
    whole = torch.empty(tuple(images.shape), dtype=torch.from_numpy(images[:1]).dtype, device=device)
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        whole[part].copy_(torch.from_numpy(images[part]))
    if isinstance(images, Pixels):
        _RESIDENT[images] = whole
    return whole
