"""A model whose forward pass runs under torch's autocast, so that the same network trains in float32 or in bfloat16."""

from collections.abc import Callable
from typing import Any

import keras
import torch

from retina.machine import device
from retina.models.layers.base import TorchLayer
from retina.models.running.capture import Captured

Step = Callable[[Any], Any]


class Autocast(keras.Model):
    """A functional model trained in mixed precision. It shares its layers, and so its weights, with `network`.

    Only the forward pass is wrapped. torch keeps the low-precision copies of the weights until the outermost autocast
    block ends, so a block around several steps would go on with the weights of the first. The loss sees float32 logits,
    and the backward pass runs in the types that the forward pass chose, as torch advises.

    On a GPU, Keras' own steps are recorded as CUDA graphs where all layers are retina's: others may ask the device for
    a number in the middle of a step, which a graph cannot.

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

    @property
    def can_be_recorded(self) -> bool:
        """Whether its steps can be recorded as CUDA graphs here."""
        ours = all(isinstance(layer, TorchLayer | keras.layers.InputLayer) for layer in self.layers)
        return ours and device.device() == "cuda"

    def make_train_function(self, force: bool = False) -> None:
        """Make Keras' function of one training step."""
        if self.train_function is None or force:
            super().make_train_function(force=True)
            self.train_function = self._recorded(self.train_function)

    def make_predict_function(self, force: bool = False) -> None:
        """Make Keras' function that predicts a batch."""
        if self.predict_function is None or force:
            super().make_predict_function(force=True)
            self.predict_function = self._recorded(self.predict_function)

    def forget_recordings(self) -> None:
        """Give back the device memory that recorded steps hold; the next step makes them anew."""
        self.train_function = self.predict_function = None

    def _recorded(self, step: Step) -> Step:
        """A step of Keras, which gets a list of one batch, as one that is recorded where that can be."""
        if not self.can_be_recorded:
            return step
        captured = Captured(lambda *batch: step([batch]))
        return lambda batches: captured(*(part for part in batches[0] if part is not None))
