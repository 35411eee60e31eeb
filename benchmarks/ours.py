"""Our side of the duels: what `python cli.py run` does, through the same functions."""

import time
from collections.abc import Callable

import numpy as np

import retina  # noqa: F401 - names Keras' backend before Keras is imported
from retina import environment
from retina.data.batches import Augmentation, EvaluationBatches, TrainingBatches
from retina.models import classifier
from retina.training import fit, memory

AUGMENTATION = Augmentation(horizontal_flip=True, rotation=10.0, brightness=0.1, contrast=0.1)


def noise(count: int, side: int) -> np.ndarray:
    """Random images (count, side, side, 3) uint8."""
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def training(backbone: str, batch: int, steps: int, side: int) -> Callable[[], float]:
    """Some training steps by `fit`, from bytes, augmented."""
    import keras

    memory.keep_freed()
    images = noise(batch * steps, side)
    rows = np.arange(len(images))
    batches = TrainingBatches(images, rows, rows % 2, batch_size=batch, seed=0, augmentation=AUGMENTATION)
    precision = environment.resolve_precision("auto")
    model = fit.compiled(classifier.build(backbone), precision, 1e-4, keras.losses.BinaryCrossentropy(from_logits=True))

    def turn() -> float:
        began = time.perf_counter()
        model.fit(batches, verbose=0, shuffle=False)
        return time.perf_counter() - began

    return turn


def evaluation(backbone: str, batch: int, steps: int, side: int) -> Callable[[], float]:
    """A validation pass, as after every epoch."""
    import keras

    memory.keep_freed()
    images = noise(batch * steps, side)
    batches = EvaluationBatches(images, np.arange(len(images)), batch_size=fit.EVALUATION_BATCH)
    precision = environment.resolve_precision("auto")
    model = fit.compiled(classifier.build(backbone), precision, 1e-4, keras.losses.BinaryCrossentropy(from_logits=True))

    def turn() -> float:
        began = time.perf_counter()
        model.predict(batches, verbose=0)
        return time.perf_counter() - began

    return turn
