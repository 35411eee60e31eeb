"""The rival's input path: torch's DataLoader over image files, as its documentation advises. No retina.

Every epoch decodes every photograph again, on all cores, while the network trains. Nothing is augmented.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import decoding
import numpy as np
import torch
from plain import DEVICE, Network, has_bfloat16, step, wait
from torch.utils.data import DataLoader, Dataset


class Photographs(Dataset):
    """The PNGs of a folder, every second one positive.

    Args:
        folder: Where they lie.
        side: Side of the square images in pixels.
    """

    def __init__(self, folder: Path, side: int) -> None:
        self.paths = sorted(folder.glob("*.png"))
        self.side = side

    def __len__(self) -> int:
        """How many there are."""
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """An image (side, side, 3) uint8 and its label (1,) float32."""
        picture = decoding.resized(decoding.by_pillow(self.paths[index]), self.side)
        return np.array(picture), np.array([index % 2], np.float32)


def epochs(folder: Path, backbone: str, batch: int, side: int) -> Callable[[], float]:
    """An epoch of training from the files. The first step of all is taken before, uncounted."""
    loader = DataLoader(
        Photographs(folder, side),
        batch_size=batch,
        shuffle=True,
        num_workers=os.cpu_count(),
        persistent_workers=True,
        pin_memory=DEVICE == "cuda",
    )
    network = Network(backbone).train()
    optimizer = torch.optim.Adam(network.parameters(), 1e-4, fused=True)
    autocast = has_bfloat16()
    first = torch.zeros((batch, side, side, 3), dtype=torch.uint8), torch.zeros((batch, 1))
    step(network, optimizer, *(part.to(DEVICE) for part in first), autocast=autocast)

    def turn() -> float:
        began = time.perf_counter()
        for images, labels in loader:
            ready = (part.to(DEVICE, non_blocking=True) for part in (images, labels))
            step(network, optimizer, *ready, autocast=autocast)
        wait()
        return time.perf_counter() - began

    return turn
