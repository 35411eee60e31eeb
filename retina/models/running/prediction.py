"""What a network answers to batches, in their order.

The network runs as it is: in float32, or in the precision of a `retina.models.running.precision.MixedPrecision`, whose
steps are recorded as CUDA graphs where possible. Nothing here knows what a number means, or where it goes.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from retina.machine import device, signals


def batch_size() -> int:
    """Images in a batch that is only predicted: few on a processor, since Keras holds all layers' outputs."""
    return 16 if device.device() == "cpu" else 128


def logits(model: keras.Model, batches: keras.utils.PyDataset) -> np.ndarray:
    """The logits of a binary classifier.

    Args:
        model: RGB images (N, H, W, 3), 0 to 255, or features (N, C), to logits (N, 1).
        batches: Batches of what the model takes, without labels.

    Returns:
        (images,) float32. Not checked: the logits of a network that diverged are not finite.
    """
    return outputs(model, batches)[:, 0]


def outputs(
    model: keras.Model, batches: keras.utils.PyDataset, *, advance: Callable[[int], object] | None = None
) -> np.ndarray:
    """What a model answers, row by row.

    Args:
        model: What the batches hold, to rows (N, C).
        batches: Batches of what the model takes, without labels.
        advance: Called with 1 after every batch, as a progress bar wants it.

    Returns:
        (images, C), of the type that the model gives.
    """
    return model.predict(batches, verbose=0, callbacks=[_Batches(advance)])


class _Batches(keras.callbacks.Callback):
    """Is called for every batch that is predicted: advances a bar, or ends where the process was asked to end."""

    def __init__(self, advance: Callable[[int], object] | None) -> None:
        super().__init__()
        self.advance = advance

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """One batch more."""
        del batch, logs
        signals.raise_if_requested()
        if self.advance is not None:
            self.advance(1)
