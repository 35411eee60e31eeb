"""An example of every layer of retina, and inputs that it takes."""

import torch

from retina.models.layers import (
    Add,
    BatchNormalization,
    Convolution,
    Dropout,
    GlobalAveragePooling,
    Logit,
    MaxPooling,
    Normalization,
    ReversedChannels,
)
from retina.models.layers.base import TorchLayer

EXAMPLES = {
    Normalization: {"mean": (0.1, 0.2, 0.3), "deviation": (0.4, 0.5, 0.6)},
    ReversedChannels: {},
    Convolution: {
        "filters": 5,
        "size": 3,
        "stride": 2,
        "padding": 1,
        "use_bias": True,
        "relu": True,
        "pooled": True,
        "seed": 7,
    },
    BatchNormalization: {"epsilon": 1e-3, "momentum": 0.2, "relu": True},
    Add: {"relu": True},
    MaxPooling: {"size": 3, "stride": 2, "padding": 1, "relu": True},
    GlobalAveragePooling: {},
    Dropout: {"rate": 0.25, "seed": 7},
    Logit: {"seed": 7},
}
"""The arguments of a layer, none of them the default. A further layer needs a line here."""


def every_layer(kind=TorchLayer):
    """Every subclass of retina's own layer, by the tree of classes, so that none is left out by forgetting it."""
    own = [one for one in kind.__subclasses__() if one.__module__.startswith("retina.")]
    return [*own, *(inner for one in own for inner in every_layer(one))]


def inputs_for(kind, side=9):
    """Random inputs, not negative only, that a layer of this kind takes."""
    generator = torch.Generator().manual_seed(1)
    if kind is Logit:
        return torch.randn(2, 6, generator=generator)
    x = torch.randn(2, side, side + 2, 3, generator=generator)
    return [x, torch.randn(x.shape, generator=generator)] if kind is Add else x
