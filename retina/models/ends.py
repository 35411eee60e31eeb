"""The two ends of a classifier: pixels to standardized channels, and feature maps to one logit."""

from typing import Any

import keras
import torch
from torch.nn import functional

from retina.models.torch_layer import Shape, TorchLayer

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
class Dropout(TorchLayer):
    """In training, set each number to 0 with one probability and divide the others by what remains of 1.

    Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html. What is dropped is a function of the seed,
    the number of the training step and the place in the batch alone, by SplitMix64 (Steele, Lea and Flood 2014,
    https://doi.org/10.1145/2660193.2660195): the same on every device, and without a word to the host, so that a
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
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = (z ^ _right(z, shift)) * _signed(factor)
    return _right(z ^ _right(z, 31), 64 - BITS)


def _right(z: torch.Tensor, places: int) -> torch.Tensor:
    """Shift the bits of 64-bit numbers to the right, zeros coming in; torch's own shift brings in the sign."""
    return (z >> places) & ((1 << (64 - places)) - 1)


def _signed(bits: int) -> int:
    """The signed number that 64 bits stand for."""
    return bits - (bits >> 63 << 64)


GAMMA = _signed(0x9E3779B97F4A7C15)
STREAM = _signed(0xD1342543DE82EF95)
"""Odd: numbers of one stream are `GAMMA` apart, those of one place in two streams a multiple of this."""


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
        with torch.autocast(features.device.type, enabled=False):
            return functional.linear(features.float(), self.kernel.value, self.bias.value)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, 1)."""
        return (input_shape[0], 1)
