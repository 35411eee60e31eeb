"""Winograd's minimal filtering for 3 x 3 convolutions: a quarter of the multiplications, for additions in the cache.

A direct convolution makes a tile of 4 x 4 outputs by 144 products a pair of channels; F(4 x 4, 3 x 3) needs 36
(Winograd 1980, https://doi.org/10.1137/1.9781611970364; for networks Lavin and Gray 2016,
https://arxiv.org/abs/1509.09308). From a tile d of 6 x 6 inputs and a kernel g of 3 x 3 come the outputs

    y = A' [(G g G') * (B' d B)] A,

where the product, pixel by pixel, is summed over channels: 36 products of matrices. The gradient in the input is the
same convolution with the kernel turned. That in the kernel is the transposed algorithm, G' [(A e A') * (B' d B)] G with
the products summed over tiles.

A weight gradient transforms the inputs again: kept from the forward pass they would take 2.25 times the memory of the
inputs themselves.

The transforms (`retina.models.kernels.tiles`) add numbers of unlike size, which costs rounding: in float32 the relative
error is a few millionths, some three times that of a direct convolution, and four to ten times in a weight gradient.

Used: in float32 on processors with AVX2 but not AVX-512, where `pays` says so. Measured at batch 32 with two threads of
an AMD EPYC, beside oneDNN: ResNet18's layers of 128 to 512 channels 1.5 to 1.7 times as fast, VGG16's of 256 and 512
channels 1.8 to 2.5 times; weight gradients, beside `retina.models.kernels.patches`, 1.8 to 2.2 and 2.3 to 3.3 times.
At 64 channels 0.8 and 1.6 times, so that there the weight gradient alone is taken. `benchmarks/README.md` has more.
"""

import torch

from retina.models.kernels import tiles

BUFFER = 32 << 20
"""Bytes of transformed inputs at a time: with less than 16 MiB, products of matrices lose more than the cache gains."""

LEAST_PAIRS = 64 * 128
"""Pairs of channels in and out, below which the transforms take longer than the products they save."""

LEAST_PAIRS_OF_A_WEIGHT_GRADIENT = 64 * 64
"""The same for a weight gradient, whose rival is slower."""

LEAST_TILES = 64
"""Fewer are not worth transforming a kernel for."""

LEAST_INSIDE = 0.6
"""Share of the tiles' pixels that lie in the image."""

LEAST_PRODUCTS = 750_000_000
"""Multiply-adds of the direct convolution that outweigh the calls of a hundred small additions."""


def pays(x: torch.Tensor, kernel: torch.Tensor, stride: int, padding: int, least: int = LEAST_PAIRS) -> bool:
    """Whether this module can do a convolution, and does it faster than a direct one.

    The bounds were measured with two threads of a processor with AVX2; `benchmarks/README.md` has the figures.

    Args:
        x: (N, C, H, W), the convolution's input.
        kernel: (filters, C, size, size).
        stride: Step in pixels.
        padding: Zeros added on every side, in pixels.
        least: Pairs of channels.
    """
    if (kernel.shape[-1], stride, padding) != (3, 1, 1):
        return False
    count, _, height, width = x.shape
    pairs, pixels = kernel.shape[0] * kernel.shape[1], count * height * width
    number = count * -(-height // tiles.TILE) * -(-width // tiles.TILE)
    inside = pixels >= LEAST_INSIDE * tiles.TILE**2 * number
    # 9 products a pair of channels and pixel: those of a 3 x 3 kernel.
    return inside and pairs >= least and number >= LEAST_TILES and 9 * pairs * pixels >= LEAST_PRODUCTS


def convolve(x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """`torch.nn.functional.conv2d(x, kernel, bias, padding=1)` for a kernel of 3 x 3.

    Args:
        x: (N, C, H, W) float32 in channels_last memory.
        kernel: (filters, C, 3, 3) float32.
        bias: (filters,) float32 or `None`.

    Returns:
        (N, filters, H, W) in channels_last memory.
    """
    return _filter(x, tiles.of_kernel(kernel).transpose(1, 2), bias)


def input_gradient(kernel: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """The gradient of a loss in the input of `convolve`.

    Args:
        kernel: (filters, C, 3, 3) float32.
        gradient: (N, filters, H, W) float32 in channels_last memory, the gradient of the loss in the output.

    Returns:
        (N, C, H, W) in channels_last memory.
    """
    return _filter(gradient, tiles.of_kernel(kernel, turned=True), None)


def weight_gradient(x: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """The gradient of a loss in the kernel of `convolve`.

    Args:
        x: (N, C, H, W) float32 in channels_last memory, the input.
        gradient: (N, filters, H, W) float32 in channels_last memory, the gradient of the loss in the output.

    Returns:
        (filters, C, 3, 3) in channels_last memory.
    """
    errors = gradient.permute(0, 2, 3, 1)
    total = x.new_empty(tiles.POINTS**2, gradient.shape[1], x.shape[1])
    for chosen, inputs in tiles.of_images(x.permute(0, 2, 3, 1), BUFFER):
        own = tiles.of_errors(errors[chosen]).transpose(1, 2)
        total.baddbmm_(own, _matrices(inputs), beta=int(chosen.start > 0))  # the first overwrites what is there
    return tiles.to_kernel(total)


def _filter(x: torch.Tensor, kernels: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Convolve (N, C, H, W) with a transformed kernel (36, C, filters)."""
    shape = (len(x), kernels.shape[-1], *x.shape[2:])
    result = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
    y = result.permute(0, 2, 3, 1)
    for chosen, inputs in tiles.of_images(x.permute(0, 2, 3, 1), BUFFER):
        products = torch.bmm(_matrices(inputs), kernels).view(*inputs.shape[:-1], -1)
        if bias is not None:
            products[1, 1] += bias  # at the points 1 and 1, from where A hands it to every output once
        tiles.to_images(products, y[chosen])
    return result


def _matrices(inputs: torch.Tensor) -> torch.Tensor:
    """Tiles (6, 6, n, tiles down, tiles across, C) as 36 matrices (n * tiles, C)."""
    return inputs.view(tiles.POINTS**2, -1, inputs.shape[-1])
