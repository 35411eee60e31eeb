"""The running average of the weights, in the place of the weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import torch


@contextmanager
def averaged(optimizer: keras.optimizers.Optimizer) -> Iterator[bool]:
    """Give the trained variables their running averages for the time of a block, and then their own values back.

    Polyak and Juditsky 1992, https://doi.org/10.1137/0330046. Unlike `keras.callbacks.SwapEMAWeights`, nothing stays
    swapped between epochs, so that a checkpoint holds weights and averages each in its own place. Values are exchanged
    in memory: a recorded prediction reads where it was recorded.

    Args:
        optimizer: What trains the variables.

    Yields:
        Whether there are averages; without them nothing is exchanged.
    """
    if not optimizer.use_ema:
        yield False
        return
    _exchange(optimizer)
    try:
        yield True
    finally:
        _exchange(optimizer)


@torch.no_grad()
def _exchange(optimizer: keras.optimizers.Optimizer) -> None:
    """Let each variable and its average change places."""
    pairs = zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)  # noqa: SLF001
    for variable, average in pairs:
        value = variable.value.clone()
        variable.value.copy_(average.value)
        average.value.copy_(value)
