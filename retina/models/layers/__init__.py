"""retina's own Keras layers. Importing this package makes all of them known to Keras, which a saved model needs."""

from retina.models.layers.body import Add, BatchNormalization, Convolution, MaxPooling
from retina.models.layers.dropout import Dropout
from retina.models.layers.head import GlobalAveragePooling, Logit
from retina.models.layers.input import Normalization, ReversedChannels

__all__ = [
    "Add",
    "BatchNormalization",
    "Convolution",
    "Dropout",
    "GlobalAveragePooling",
    "Logit",
    "MaxPooling",
    "Normalization",
    "ReversedChannels",
]
