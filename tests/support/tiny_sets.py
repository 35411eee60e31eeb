"""Writes tiny data sets in RFMiD's layout: discs on black, of which the diseased carry a spot."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

FOLDERS = {
    "train": ("Training_Set", "Training", "RFMiD_Training_Labels.csv"),
    "validation": ("Evaluation_Set", "Validation", "RFMiD_Validation_Labels.csv"),
    "test": ("Test_Set", "Test", "RFMiD_Testing_Labels.csv"),
}


def draw_eye(rng: np.random.Generator, *, diseased: bool, side: int = 64) -> np.ndarray:
    """A disc on black; a diseased one carries a bright spot. (side, side, 3) uint8."""
    y, x = np.mgrid[:side, :side] - side / 2 + 0.5
    picture = np.zeros((side, side, 3), np.float32)
    picture[x**2 + y**2 < (0.46 * side) ** 2] = rng.uniform(0.7, 1.0) * np.array([170, 80, 40], np.float32)
    if diseased:
        shift = rng.uniform(-0.2, 0.2, 2) * side
        picture[(x - shift[0]) ** 2 + (y - shift[1]) ** 2 < (0.09 * side) ** 2] = (250, 240, 160)
    return np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


def write_set(
    folder: Path, counts: dict[str, int], seed: int = 0, flags: Mapping[str, Callable[[int], int]] | None = None
) -> Path:
    """Write a tiny set in RFMiD's layout: three of four images are diseased; flags are further columns, by the id."""
    flags = flags or {}
    rng = np.random.default_rng(seed)
    for split, (outer, inner, table) in FOLDERS.items():
        images = folder / outer / inner
        images.mkdir(parents=True)
        with (folder / outer / table).open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["ID", "Disease_Risk", *flags])
            for number in range(1, counts[split] + 1):
                diseased = number % 4 != 0
                Image.fromarray(draw_eye(rng, diseased=diseased)).save(images / f"{number}.png")
                writer.writerow([number, int(diseased), *(flag(number) for flag in flags.values())])
    return folder
