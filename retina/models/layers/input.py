"""The first layers of a classifier: pixels to standardized channels."""

from typing import Any

import keras
import torch

from retina.models.layers.base import TorchLayer

# Means and deviations of ImageNet's training images, which torchvision's weights were trained with.
IMAGENET_MEAN = (0.485, 0.456, 0.406)


IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


@keras.saving.register_keras_serializable(package="retina")
class Normalization(TorchLayer):
    """RGB images (N, H, W, 3), 0 to 255, uint8 or float, to (x / 255 - mean) / deviation, float32.

    Args:
        mean: Mean of each channel, on the scale 0 to 1.
        deviation: Standard deviation of each channel, on the same scale.
        **kwargs: Keras' own.
    """

    arguments = ("mean", "deviation")

    def __init__(
        self,
        mean: tuple[float, ...] = IMAGENET_MEAN,
        deviation: tuple[float, ...] = IMAGENET_DEVIATION,
        **kwargs: Any,  # noqa: ANN401 - Keras' own
    ) -> None:
        super().__init__(**kwargs)
        self.mean = tuple(mean)
        self.deviation = tuple(deviation)

    def call(self, images: torch.Tensor) -> torch.Tensor:
        """Standardize the channels of a batch in one pass."""
        images = images.float()
        scale = images.new_tensor([1 / (255 * deviation) for deviation in self.deviation])
        shift = images.new_tensor([-m / d for m, d in zip(self.mean, self.deviation, strict=True)])
        return torch.addcmul(shift, images, scale)


@keras.saving.register_keras_serializable(package="retina")
class ReversedChannels(TorchLayer):
    """Images (N, H, W, 3) with their channels in reverse: RGB to BGR, as networks from Caffe expect them."""

    def call(self, images: torch.Tensor) -> torch.Tensor:
        """Turn the channels of a batch around."""
        return images.flip(-1)
