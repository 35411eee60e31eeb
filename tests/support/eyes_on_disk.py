"""Small eyes in a folder, and what lies in a folder of caches."""

from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 24


def write_eyes(folder: Path, count: int, side: int = 48) -> list[Path]:
    """Write discs of random brightness, size and noise; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[:side, : side + 8] - side / 2
    paths = []
    for number in range(count):
        rng = np.random.default_rng(number)
        disc = np.hypot(x, y) < side * rng.uniform(0.35, 0.48)
        light = disc[..., None] * rng.uniform(60, 250) * np.array([1, 0.6, 0.3]) + rng.normal(0, 3, (*disc.shape, 3))
        paths.append(folder / f"{number}.png")
        Image.fromarray(np.clip(light, 0, 255).astype(np.uint8)).save(paths[-1], compress_level=1)
    return paths


def names(home: Path) -> list[str]:
    """All that lies in the folder of caches."""
    return sorted(path.name for path in home.iterdir()) if home.exists() else []
