"""Dropout whose choice is a function of seed, step and place alone, the same on every device."""

from typing import Any

import keras
import torch

from retina.models.layers.base import TorchLayer


@keras.saving.register_keras_serializable(package="retina")
class Dropout(TorchLayer):
    """In training, set each number to 0 with probability `rate` and divide the others by 1 - `rate`.

    Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html. What is dropped is a function of the seed,
    the number of the training step and the place in the batch alone, by SplitMix64 (Steele, Lea and Flood 2014,
    https://doi.org/10.1145/2660193.2660195): the same on every device, and without asking the host, so that a
    training step can be replayed as a CUDA graph. Seed and step are where Keras' own random layers keep theirs.

    Args:
        rate: Share that is set to 0, in [0, 1).
        seed: The seed; `None` takes one from Python's global generator.
        **kwargs: Keras' own.
    """

    arguments = ("rate", "seed")

    def __init__(self, rate: float, *, seed: int | None = None, **kwargs: Any) -> None:  # noqa: ANN401 - Keras' own
        super().__init__(**kwargs)
        self.rate = rate
        self.seed = seed
        if rate > 0:
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, x: torch.Tensor, training: bool = False) -> torch.Tensor:
        """Drop some numbers of a batch (N, C)."""
        if not training or self.rate == 0:
            return x
        state = self.seed_generator.state.value
        with torch.no_grad():
            dropped = _uniform_bits(state, x.shape) < round(self.rate * (1 << BITS))
            # In place: a replayed CUDA graph counts on in the memory that it was recorded with.
            state[1].add_(1)
        return (x / (1 - self.rate)).masked_fill(dropped, 0.0)


BITS = 24
"""Random bits that decide on one number."""


def _uniform_bits(state: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Whole numbers from 0 to below 2 to the `BITS`, int64: SplitMix64's, of a stream for each (seed, step).

    Args:
        state: (2,) seed and step.
        shape: How many numbers.
    """
    seed, step = state.long()
    z = torch.arange(shape.numel(), device=state.device).mul_(GAMMA).add_((seed << 32 | step) * STREAM).view(shape)
    # Shifts and factors of SplitMix64's finalizer, which are Stafford's variant 13 of MurmurHash3's.
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = (z ^ _right(z, shift)) * _signed(factor)
    return _right(z ^ _right(z, 31), 64 - BITS)


def _right(z: torch.Tensor, places: int) -> torch.Tensor:
    """Shift the bits of 64-bit numbers to the right, zeros coming in; torch's own shift brings in the sign."""
    return (z >> places) & ((1 << (64 - places)) - 1)


def _signed(bits: int) -> int:
    """The signed number that 64 bits stand for."""
    return bits - (bits >> 63 << 64)


# SplitMix64's step from one number to the next: the odd number nearest to 2 to the 64 over the golden ratio.
GAMMA = _signed(0x9E3779B97F4A7C15)


# A multiplier of good spectrum, that of the LXM generators (Steele and Vigna 2021).
STREAM = _signed(0xD1342543DE82EF95)
"""Odd: numbers of one stream are `GAMMA` apart, those of one place in two streams a multiple of this."""
