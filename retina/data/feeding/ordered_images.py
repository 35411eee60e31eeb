"""Images in a given order, as tensors on the device that trains.

On a processor each batch is read when it is needed. An accelerator gets all images of a set once, as bytes, where they
fit: from then on batches are gathered there, and nothing more is read from the file or sent to the device.
"""

import math
import weakref

import numpy as np
import torch

from retina.data.preparing.pixels import Pixels

SHARE = 0.5
"""The share of an accelerator's free memory that images may take; the rest is left for the network."""

CHUNK = 256
"""Images that are copied to an accelerator at a time."""

# Weak keys: the entry must not keep alive the images with whose last reference it goes.
_RESIDENT: "weakref.WeakKeyDictionary[Pixels, torch.Tensor]" = weakref.WeakKeyDictionary()
"""Images in files -> the same on the accelerator, shared by all readers and freed with the last of them."""


class OrderedImages:
    """Images in a given order; a slice of it is a tensor of (n, H, W, 3) uint8, or (n, C) of features, on the device.

    Args:
        images: (M, H, W, 3) uint8, an array, or `Pixels`, which read a file; or an array of (M, C) features.
        rows: (N,) whole numbers, which of them, in this order.
        device: torch's name for the device.
    """

    def __init__(self, images: np.ndarray | Pixels, rows: np.ndarray, device: str) -> None:
        self.images = images
        self.device = device
        self.resident = resident(images, device) if device == "cuda" else None
        self.reorder(rows)

    def reorder(self, rows: np.ndarray) -> None:
        """Use another order from now on, (N,) whole numbers."""
        self.rows = np.asarray(rows, np.int64)
        self._resident_rows = None if self.resident is None else torch.tensor(self.rows, device=self.device)

    def __getitem__(self, places: slice) -> torch.Tensor:
        """The images at some places of the order."""
        if self.resident is None:
            return torch.from_numpy(self.images[self.rows[places]]).to(self.device)
        return self.resident[self._resident_rows[places]]


def resident(images: np.ndarray | Pixels, device: str) -> torch.Tensor | None:
    """Copy all images to an accelerator; `None` where they would take more than `SHARE` of its free memory.

    The images of a file are copied once for all readers, and freed when nothing refers to its `Pixels` any more.

    Args:
        images: (M, ...) of any type.
        device: torch's name for the accelerator.

    Returns:
        A tensor of the same shape and type.
    """
    copy = _RESIDENT.get(images) if isinstance(images, Pixels) else None
    if copy is not None:
        return copy
    free, _ = torch.cuda.mem_get_info(device)
    if math.prod(images.shape) * images.dtype.itemsize > SHARE * free:
        return None
    copy = torch.empty(tuple(images.shape), dtype=torch.from_numpy(images[:1]).dtype, device=device)
    for start in range(0, len(images), CHUNK):
        places = slice(start, start + CHUNK)
        copy[places].copy_(torch.from_numpy(images[places]))
    if isinstance(images, Pixels):
        _RESIDENT[images] = copy
    return copy
