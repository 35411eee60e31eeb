"""The layers between the ends of a network: convolution, batch normalization, addition, pooling.

Outside, images and feature maps are (N, H, W, C), channels last. Inside, torch's kernels receive the view
`x.permute(0, 3, 1, 2)`, which is an NCHW tensor in torch's channels_last memory format: nothing is copied between
layers. Convolution kernels are kept as torch stores them, (out, in, height, width) in channels_last memory.

Every layer is made with `autocast=False`: a Keras layer otherwise casts its input back to float32, and so undoes
`torch.autocast`. A rectifier is an option of the layer before it rather than a layer of its own: there it can work in
place, because nobody else can hold the tensor it overwrites.
"""

from collections.abc import Callable
from typing import Any

import keras
import torch
from torch.nn import functional

from retina.models.kernels import dispatch
from retina.models.layers.base import Shape, TorchLayer


@keras.saving.register_keras_serializable(package="retina")
class Convolution(TorchLayer):
    """A square two-dimensional convolution, (N, H, W, C) to (N, H', W', filters).

    The kernel starts as in torchvision: normal, mean 0, variance 2 / (filters * size * size), after He et al. 2015
    (https://arxiv.org/abs/1502.01852, section 2.2, backward propagation). The bias starts at 0.

    Args:
        filters: Number of channels out.
        size: Side of the kernel in pixels.
        stride: Step in pixels.
        padding: Zeros added on every side, in pixels.
        use_bias: Add one learned number to each channel.
        relu: Set negative results to 0.
        pooled: A `MaxPooling` follows that rectifies. Then the results are the same whether this layer rectifies too,
            and it does where that saves time: see `retina.models.kernels.dispatch`.
        seed: Seed of the initial kernel; `None` takes one from Keras' global generator.
        **kwargs: Keras' own.
    """

    arguments = ("filters", "size", "stride", "padding", "use_bias", "relu", "pooled", "seed")

    def __init__(
        self,
        filters: int,
        size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        use_bias: bool = False,
        relu: bool = False,
        pooled: bool = False,
        seed: int | None = None,
        **kwargs: Any,  # noqa: ANN401 - Keras' own
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.size = size
        self.stride = stride
        self.padding = padding
        self.use_bias = use_bias
        self.relu = relu
        self.pooled = pooled
        self.seed = seed

    def build(self, input_shape: Shape) -> None:
        """Make the kernel (filters, channels, size, size) and, where there is one, the bias (filters,)."""
        shape = (self.filters, input_shape[-1], self.size, self.size)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=_he_channels_last(self.seed))
        self.bias = self.add_weight(name="bias", shape=shape[:1], initializer="zeros") if self.use_bias else None

    def call(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve a batch (N, H, W, C)."""
        bias = None if self.bias is None else self.bias.value
        y = dispatch.convolve(
            x.permute(0, 3, 1, 2),
            self.kernel.value,
            bias,
            self.stride,
            self.padding,
            relu=self.relu,
            pooled=self.pooled,
        )
        return y.permute(0, 2, 3, 1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, H', W', filters)."""
        return _slide(input_shape, self.size, self.stride, self.padding, self.filters)


@keras.saving.register_keras_serializable(package="retina")
class BatchNormalization(TorchLayer):
    """Batch normalization over N, H and W (Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167), as in torch.

    In training each channel is standardized by the batch's mean and biased variance, and the moving statistics take a
    step towards the batch's mean and unbiased variance. In inference, and always while the layer is frozen
    (`trainable = False`), the moving statistics are used and do not move.

    Args:
        epsilon: Added to the variance.
        momentum: Share of the way that the moving statistics go towards those of a batch (torch's sense of the word).
        relu: Set negative results to 0.
        **kwargs: Keras' own.
    """

    arguments = ("epsilon", "momentum", "relu")

    def __init__(
        self,
        *,
        epsilon: float = 1e-5,
        momentum: float = 0.1,
        relu: bool = False,
        **kwargs: Any,  # noqa: ANN401 - Keras' own
    ) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.momentum = momentum
        self.relu = relu

    def build(self, input_shape: Shape) -> None:
        """Make scale, offset and the two moving statistics, each (C,)."""
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")
        self.moving_mean = self.add_weight(name="moving_mean", shape=shape, initializer="zeros", trainable=False)
        self.moving_variance = self.add_weight(name="moving_variance", shape=shape, initializer="ones", trainable=False)

    def call(self, x: torch.Tensor, training: bool = False) -> torch.Tensor:
        """Normalize a batch (N, H, W, C)."""
        y = functional.batch_norm(
            x.permute(0, 3, 1, 2),
            self.moving_mean.value,
            self.moving_variance.value,
            self.gamma.value,
            self.beta.value,
            # `training` is `None` where nobody said. A frozen layer that used a batch's statistics would feed the
            # frozen weights after it other numbers than they were trained on.
            training=bool(training) and self.trainable,
            momentum=self.momentum,
            eps=self.epsilon,
        )
        return _rectify(y, relu=self.relu).permute(0, 2, 3, 1)


@keras.saving.register_keras_serializable(package="retina")
class Add(TorchLayer):
    """The sum of two feature maps of one shape (N, H, W, C), where a residual branch joins its shortcut.

    Args:
        relu: Set negative results to 0.
        **kwargs: Keras' own.
    """

    arguments = ("relu",)

    def __init__(self, *, relu: bool = False, **kwargs: Any) -> None:  # noqa: ANN401 - Keras' own
        super().__init__(**kwargs)
        self.relu = relu

    def call(self, inputs: list[torch.Tensor]) -> torch.Tensor:
        """Add the two."""
        first, second = inputs
        return _rectify(first + second, relu=self.relu)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        """Either input's."""
        return tuple(input_shape[0])


@keras.saving.register_keras_serializable(package="retina")
class MaxPooling(TorchLayer):
    """The largest value in each square window, channel by channel, (N, H, W, C) to (N, H', W', C).

    A rectifier before a pooling may as well follow it, where the map is smaller: the larger of two rectified numbers is
    the rectified larger one, and the gradient goes the same way.

    Args:
        size: Side of the window in pixels.
        stride: Step in pixels.
        padding: Rows and columns added on every side, in pixels; they never win.
        relu: Set negative results to 0.
        **kwargs: Keras' own.
    """

    arguments = ("size", "stride", "padding", "relu")

    def __init__(
        self,
        size: int,
        *,
        stride: int,
        padding: int = 0,
        relu: bool = False,
        **kwargs: Any,  # noqa: ANN401 - Keras' own
    ) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.stride = stride
        self.padding = padding
        self.relu = relu

    def call(self, x: torch.Tensor) -> torch.Tensor:
        """Pool a batch (N, H, W, C)."""
        y = functional.max_pool2d(x.permute(0, 3, 1, 2), self.size, self.stride, self.padding)
        return _rectify(y, relu=self.relu).permute(0, 2, 3, 1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(N, H', W', C)."""
        return _slide(input_shape, self.size, self.stride, self.padding, input_shape[-1])


def _he_channels_last(seed: int | None) -> Callable[..., torch.Tensor]:
    """An initializer of kernels (out, in, height, width): He's normal by fan-out, in channels_last memory."""
    # Keras counts fans by a kernel's last two axes, which are in and out channels in its layout and not in torch's. The
    # axes named here give filters * size * size outputs.
    draw = keras.initializers.VarianceScaling(
        2.0, "fan_out", "untruncated_normal", seed, input_axes=[1, 2, 3], output_axes=[0, 2, 3]
    )
    # Beside images in channels_last memory, kernels that are stored otherwise cost time at every step.
    return lambda shape, dtype=None: draw(shape, dtype).to(memory_format=torch.channels_last)


def _rectify(y: torch.Tensor, *, relu: bool) -> torch.Tensor:
    """Set a tensor's negatives to 0 in place, where a rectifier is asked for.

    Safe for autograd: the backward passes of batch normalization, addition and pooling do not read their results.
    """
    return functional.relu_(y) if relu else y


def _slide(shape: Shape, size: int, stride: int, padding: int, channels: int | None) -> Shape:
    """The shape (N, H', W', channels) after a square window went over (N, H, W, C)."""
    rows, columns = (None if side is None else (side + 2 * padding - size) // stride + 1 for side in shape[1:3])
    return (shape[0], rows, columns, channels)
