"""A model whose forward pass runs under torch's autocast, so that the same network runs in float32 or in bfloat16."""

from typing import Any

import keras
import torch

from retina.machine import device
from retina.models.running.capture import RecordedModel


class MixedPrecision(RecordedModel):
    """A functional model that computes in mixed precision. It shares its layers, and so its weights, with `network`.

    Only the forward pass is wrapped. torch keeps the low-precision copies of the weights until the outermost autocast
    block ends, so a block around several steps would go on with the weights of the first. The loss sees float32 logits,
    and the backward pass runs in the types that the forward pass chose, as torch advises.

    Args:
        network: A functional model whose layers were made with `autocast=False`.
        precision: `float32` or `bfloat16`.
    """

    def __init__(self, network: keras.Model, precision: str) -> None:
        super().__init__(network.inputs, network.outputs)
        self.enabled = precision == "bfloat16"

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: ANN401 - Keras' tensors
        """The network's logits, (N, 1) float32."""
        with torch.autocast(device.device(), dtype=torch.bfloat16, enabled=self.enabled):
            return super().call(inputs, training=training, mask=mask)
