"""The figures of a backbone: counted on a network that is built for it, and kept in `providers/figures.toml`.

`python -m retina.models.backbones.measure keras:MobileNetV3Small` prints the lines of that file for the names,
or for all.
"""

import sys

import keras
import torch
from torch.utils.flop_counter import FlopCounterMode

from retina.models.backbones import catalogue, registry
from retina.models.backbones.library import SIDE


def measure(name: str) -> dict[str, int]:
    """Build a backbone from random weights and count.

    `parameters` are those that training can change. `multiply_adds` are half the operations that
    `torch.utils.flop_counter` counts in the convolutions and matrix products of one forward pass of one image of
    224 x 224 pixels.

    Returns:
        `channels`, `parameters` and `multiply_adds`.

    Raises:
        ExperimentError: no such backbone, or its library is not installed.
    """
    model = registry.build(name, seed=0)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        features = model(torch.zeros(1, SIDE, SIDE, 3))
    return {
        "channels": features.shape[-1],
        "parameters": sum(variable.value.numel() for variable in model.trainable_weights),
        # torch counts a multiplication and an addition as two.
        "multiply_adds": counter.get_total_flops() // 2,
    }


if __name__ == "__main__":
    for name in sys.argv[1:] or catalogue.every():
        counts = ", ".join(f"{key} = {value:_}" for key, value in measure(name).items())
        sys.stdout.write(f'"{name}" = {{ {counts} }}\n')
        sys.stdout.flush()
        keras.utils.clear_session()
