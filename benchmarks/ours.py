"""Our side of the duels: what `python cli.py run` does, through the same functions."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import retina  # noqa: F401 - names Keras' backend before Keras is imported
from retina.data.feeding.augmentation import Augmentation
from retina.data.feeding.batches import EvaluationBatches, TrainingBatches
from retina.data.preparing.cache import open_or_build
from retina.data.preparing.pixels import Pixels
from retina.machine import device, memory
from retina.models import classifier
from retina.models.running import prediction
from retina.training.loop import fit
from retina.training.loop.optimizer import FusedAdam

if TYPE_CHECKING:
    import keras

DEVICE = device.device()
AUGMENTATION = Augmentation(horizontal_flip=True, rotation=10.0, brightness=0.1, contrast=0.1)


def noise(count: int, side: int) -> np.ndarray:
    """Random images (count, side, side, 3) uint8."""
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def compiled(backbone: str) -> "keras.Model":
    """A network as `run` trains it."""
    import keras

    memory.keep_freed()
    precision = device.resolve_precision("auto")
    return fit.compiled(
        classifier.build(backbone), precision, FusedAdam(1e-4), keras.losses.BinaryCrossentropy(from_logits=True)
    )


def augmented(images: np.ndarray | Pixels, batch: int) -> TrainingBatches:
    """Training batches of all images, every second one positive."""
    rows = np.arange(len(images))
    return TrainingBatches(images, rows, rows % 2, batch_size=batch, seed=0, augmentation=AUGMENTATION, device=DEVICE)


def training(backbone: str, batch: int, steps: int, side: int) -> Callable[[], float]:
    """Some training steps by `fit`, from bytes, augmented."""
    batches = augmented(noise(batch * steps, side), batch)
    model = compiled(backbone)

    def turn() -> float:
        began = time.perf_counter()
        model.fit(batches, verbose=0, shuffle=False)
        return time.perf_counter() - began

    return turn


def evaluation(backbone: str, batch: int, steps: int, side: int) -> Callable[[], float]:
    """A validation pass, as after every epoch."""
    images = noise(batch * steps, side)
    batches = EvaluationBatches(images, np.arange(len(images)), batch_size=prediction.batch_size(), device=DEVICE)
    model = compiled(backbone)

    def turn() -> float:
        began = time.perf_counter()
        model.predict(batches, verbose=0)
        return time.perf_counter() - began

    return turn


def epochs(folder: Path, backbone: str, batch: int, side: int) -> Callable[[], float]:
    """An epoch of training from the image cache of a folder's PNGs. The cache is built before, uncounted.

    So is the first step of all.
    """
    paths = sorted(folder.glob("*.png"))
    cache = open_or_build(paths, image_size=side, folder=folder / "cache", quiet=True)
    model = compiled(backbone)
    model.fit(augmented(noise(batch, side), batch), verbose=0, shuffle=False)
    batches = augmented(cache.images, batch)

    def turn() -> float:
        began = time.perf_counter()
        model.fit(batches, verbose=0, shuffle=False)
        return time.perf_counter() - began

    return turn


def building(folder: Path, side: int, times: int) -> Callable[[], float]:
    """Build the image cache of a folder's PNGs anew, worker processes and all; removing it is not counted.

    Each file is taken some times over, as if there were more.
    """
    paths = sorted(folder.glob("*.png")) * times

    def turn() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            began = time.perf_counter()
            open_or_build(paths, image_size=side, folder=Path(fresh), quiet=True)
            return time.perf_counter() - began

    return turn
