"""Files for the rows that read files: photographs of RFMiD's size, and a small data set of as many images as asked.

The drawing is the built-in set's, enlarged. What these files cost to decode counts here, not what they show.
"""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (2144, 1424)
"""Width and height of most of RFMiD's photographs."""

GRAIN = 5
"""Levels by which a sensor's noise moves a pixel at most: such a PNG has 3 MB, about as much as one of RFMiD's."""

DARK = 10
"""The camera's surround lies below this level, and has no grain."""

SMALL = (256, 171)
DISTINCT = 16
SPLITS = ("train", "train", "train", "validation", "test")
"""Image i belongs to split i modulo 5: RFMiD's shares."""


def photographs(folder: Path, count: int) -> None:
    """Draw PNGs of RFMiD's size on all cores, `1.png` and so on: about half a second each on one core."""
    from retina.machine.processes import (
        on_all_cores,  # here, so that a plain side that imports the rows meets no retina
    )

    for _ in on_all_cores(draw_photograph, [(folder, number) for number in range(1, count + 1)], few=2):
        pass


def draw_photograph(job: tuple[Path, int]) -> None:
    """Draw one photograph of the built-in set, enlarge it, add grain and write it."""
    from retina.data.drawing.photograph import draw

    folder, number = job
    picture, _ = draw(0, "train", number)
    levels = np.asarray(picture.resize(SIZE, Image.Resampling.BICUBIC)).astype(np.int16)
    grain = np.random.default_rng(number).integers(-GRAIN, GRAIN, levels.shape, np.int16, endpoint=True)
    levels += grain * (levels.max(axis=2, keepdims=True) >= DARK)
    pixels = levels.clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(folder / f"{number}.png", compress_level=1)


def data_sets(folder: Path, counts: tuple[int, ...]) -> None:
    """Write data sets of small JPEGs, each in a folder named by its count: one table, and files that all differ."""
    from retina.data.drawing.photograph import draw

    drawn = [draw(0, "train", number)[0].resize(SMALL) for number in range(1, DISTINCT + 1)]
    for count in counts:
        home = folder / str(count)
        (home / "images").mkdir(parents=True)
        with (home / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
            table = csv.writer(stream)
            table.writerow(("ID", "Disease_Risk", "split"))
            for number in range(count):
                table.writerow((number, number // len(SPLITS) % 2, SPLITS[number % len(SPLITS)]))
                # The comment makes each file another one: retina's audit refuses the same bytes twice.
                drawn[number % DISTINCT].save(home / "images" / f"{number}.jpg", comment=str(number))
