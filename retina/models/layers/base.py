"""What retina's own layers share: no casts by Keras, arguments that are saved, and seeds that depend on names alone."""

import zlib
from typing import Any

import keras
import torch

LARGEST_SEED = 2**31 - 1
"""Keras keeps the state of its random generators in 32-bit signed integers."""

Shape = tuple[int | None, ...]


def seed_of(seed: int | None, name: str) -> int | None:
    """The seed of one layer's initial weights, a function of the network's seed and the layer's name alone.

    Args:
        seed: The network's seed; `None` leaves the choice to Keras' global generator (`keras.utils.set_random_seed`).
        name: The layer's name.
    """
    # Python's own `hash` of a text differs from process to process.
    return None if seed is None else zlib.crc32(f"{seed}/{name}".encode()) & LARGEST_SEED


class TorchLayer(keras.layers.Layer):
    """A layer in float32 whose inputs Keras does not cast, so that `torch.autocast` alone decides on precision.

    Unless a subclass says otherwise, its result has its input's shape.
    """

    arguments: tuple[str, ...] = ()
    """The arguments beyond Keras' own that make the layer again; each is kept in an attribute of its name."""

    def __init__(self, *, dtype: Any = "float32", **kwargs: Any) -> None:  # noqa: ANN401 - Keras takes names and policies
        # With Keras' autocast a layer turns a bfloat16 input back into float32, and torch.autocast is undone.
        super().__init__(dtype=dtype, autocast=False, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as Keras' own
        """Compute on tensors, or record a step of a functional model on Keras' symbols.

        Within a pass over batches nothing is left for Keras to do: the layer is built, its inputs are tensors that no
        cast awaits, and `training` is given. Then `call` is called at once. Keras' way there costs time, and its tree
        functions leave cycles that hold feature maps until Python's garbage collector runs.
        """
        is_pass = kwargs.keys() == {"training"} and kwargs["training"] is not None
        if is_pass and self.built and self.activity_regularizer is None and len(args) == 1 and _are_tensors(args[0]):
            # Keras' own note of whether `call` takes `training`: private, but Keras calls layers by it too.
            return self.call(args[0], **(kwargs if self._call_has_training_arg else {}))
        return super().__call__(*args, **kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the result, from the shape of the input; `None` stands for a size not known yet."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again."""
        return super().get_config() | {name: getattr(self, name) for name in self.arguments}


def _are_tensors(inputs: Any) -> bool:  # noqa: ANN401 - whatever a layer is called on
    """Whether a layer's input is a tensor, or a list of tensors and nothing else."""
    parts = inputs if isinstance(inputs, list) else [inputs]
    return all(isinstance(part, torch.Tensor) for part in parts)
