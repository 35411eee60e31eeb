"""The head of a classifier: feature maps to one logit."""

import contextlib
from typing import Any

import keras
import torch
from torch.nn import functional

from retina.models.layers.base import Shape, TorchLayer


@keras.saving.register_keras_serializable(package="retina")
class GlobalAveragePooling(TorchLayer):
    """The mean of each channel over all pixels, (N, H, W, C) to (N, C), in float32.

    torch's adaptive pooling is used because the gradient of a plain mean comes back in another memory layout.
    """

    def call(self, x: torch.Tensor) -> torch.Tensor:
        """Average a batch (N, H, W, C)."""
        return functional.adaptive_avg_pool2d(x.float().permute(0, 3, 1, 2), 1).flatten(1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, C)."""
        return (input_shape[0], input_shape[-1])


@keras.saving.register_keras_serializable(package="retina")
class Logit(TorchLayer):
    """One linear combination of C features, (N, C) to (N, 1), in float32 whatever `torch.autocast` says.

    In bfloat16 a logit would keep 8 significant bits, and neighbouring images would tie. The weights start as in Keras'
    dense layer (Glorot and Bengio 2010, uniform), the bias at 0.

    Args:
        seed: Seed of the initial weights; `None` takes one from Keras' global generator.
        **kwargs: Keras' own.
    """

    arguments = ("seed",)

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:  # noqa: ANN401 - Keras' own
        super().__init__(**kwargs)
        self.seed = seed

    def build(self, input_shape: Shape) -> None:
        """Make the kernel (1, C) and the bias (1,)."""
        initializer = keras.initializers.GlorotUniform(seed=self.seed)
        self.kernel = self.add_weight(name="kernel", shape=(1, input_shape[-1]), initializer=initializer)
        self.bias = self.add_weight(name="bias", shape=(1,), initializer="zeros")

    def call(self, features: torch.Tensor) -> torch.Tensor:
        """Combine a batch of features (N, C)."""
        kind = features.device.type
        # Only where there is an autocast to leave: an exported network carries the block as an operation of its own.
        leave = torch.autocast(kind, enabled=False) if torch.is_autocast_enabled(kind) else contextlib.nullcontext()
        with leave:
            return functional.linear(features.float(), self.kernel.value, self.bias.value)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, 1)."""
        return (input_shape[0], 1)
