"""Convolution for processors with AVX2 but not AVX-512, where torch's own leaves time on the table.

There oneDNN runs forward passes and gradients of images at nearly the machine's peak, but gradients of weights at 15 to
80 % of it, the less the larger the map. So a weight gradient is computed as products of two matrices: patches of the
input, gathered a few at a time into a buffer that stays in the cache, and the gradient of the output. And where a 3 x 3
convolution is large enough, `retina.models.winograd` needs fewer multiplications than the peak counts. The sums are
the same, in another order. `benchmarks/README.md` has the figures.

With AMX, `retina.models.unfolded` does something alike in bfloat16. Everywhere else (AVX-512, GPUs) torch's own
convolution is used.
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional

from retina.models import unfolded, winograd

BUFFER = 4 << 20
"""Bytes of gathered patches, so that they are still in the cache when they are multiplied: 2 to 8 MiB did as well."""

NARROW = 256
"""Inputs of a filter up to which a weight gradient is one product a thread: of small products MKL fills no two."""


def convolve(
    x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | None, stride: int, padding: int
) -> torch.Tensor:
    """The convolution of a batch (N, C, H, W) in channels_last memory with a kernel (filters, C, size, size).

    Args:
        x: The batch.
        kernel: A square kernel.
        bias: (filters,) or `None`.
        stride: Step in pixels.
        padding: Zeros added on every side, in pixels.

    Returns:
        (N, filters, H', W') in channels_last memory.
    """
    within = padding < kernel.shape[-1]  # else some patches would hold padding alone
    if within and prefers_own(x):
        return _Convolve.apply(x, kernel, bias, stride, padding)
    if unfolded.pays(x, kernel, stride, padding):
        return unfolded.convolve(x, kernel, bias, stride, padding)
    return functional.conv2d(x, kernel, bias, stride, padding)


def prefers_own(x: torch.Tensor) -> bool:
    """Whether this module's ways are the faster ones for this batch here."""
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.cpu.get_cpu_capability() == "AVX2"
    )


class _Convolve(torch.autograd.Function):
    """`torch.nn.functional.conv2d` by the ways of this module."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, kernel: torch.Tensor, bias: Any, *geometry: int) -> torch.Tensor:  # noqa: ANN401
        ctx.save_for_backward(x, kernel)
        ctx.geometry = geometry
        if winograd.pays(x, kernel, *geometry):
            return winograd.convolve(x, kernel, bias)
        return functional.conv2d(x, kernel, bias, *geometry)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # noqa: ANN401
        x, kernel = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        of_x = of_kernel = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = _input_gradient(x, kernel, gradient, *ctx.geometry)
        if ctx.needs_input_grad[1]:
            of_kernel = _weight_gradient(x, kernel, gradient, *ctx.geometry)
        if ctx.needs_input_grad[2]:
            of_bias = gradient.sum((0, 2, 3))
        return of_x, of_kernel, of_bias, None, None


def _input_gradient(
    x: torch.Tensor, kernel: torch.Tensor, gradient: torch.Tensor, stride: int, padding: int
) -> torch.Tensor:
    """The gradient of a loss in the input of a convolution."""
    if winograd.pays(x, kernel, stride, padding):
        return winograd.input_gradient(kernel, gradient)
    geometry = ([stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1)
    return torch.ops.aten.convolution_backward(gradient, x, kernel, None, *geometry, [True, False, False])[0]


def _weight_gradient(
    x: torch.Tensor, kernel: torch.Tensor, gradient: torch.Tensor, stride: int, padding: int
) -> torch.Tensor:
    """The gradient of a loss in the kernel of a convolution."""
    if winograd.pays(x, kernel, stride, padding, least=winograd.LEAST_PAIRS_OF_A_WEIGHT_GRADIENT):
        return winograd.weight_gradient(x, gradient)
    return weight_gradient_by_patches(x, gradient, kernel.shape[-1], stride, padding)


def weight_gradient_by_patches(
    x: torch.Tensor, gradient: torch.Tensor, size: int, stride: int, padding: int
) -> torch.Tensor:
    """The gradient of a loss in the kernel of a convolution.

    Args:
        x: (N, C, H, W) float32, the convolution's input.
        gradient: (N, filters, H', W') float32, the gradient of the loss in the convolution's output.
        size: Side of the kernel in pixels.
        stride: Step in pixels.
        padding: Zeros added on every side, in pixels; fewer than `size`.

    Returns:
        (filters, C, size, size) in channels_last memory.
    """
    pixels, errors = x.permute(0, 2, 3, 1), gradient.permute(0, 2, 3, 1)
    channels, filters = pixels.shape[-1], errors.shape[-1]
    if size == 1 and padding == 0:
        pixels = pixels[:, ::stride, ::stride].reshape(-1, channels)
        return _of_one_pixel(pixels, errors.reshape(-1, filters))[:, :, None, None]
    inputs = size * size * channels
    total = x.new_zeros(torch.get_num_threads() if inputs <= NARROW else 1, inputs, filters)
    for patches, error in _patches(pixels, errors, size, stride, padding):
        _add_product(total, patches, error)
    return total.sum(0).t().contiguous().view(filters, size, size, channels).permute(0, 3, 1, 2)


def _of_one_pixel(pixels: torch.Tensor, errors: torch.Tensor) -> torch.Tensor:
    """The weight gradient (filters, C) of a 1 x 1 convolution from (P, C) and (P, filters)."""
    total = pixels.new_zeros(torch.get_num_threads(), errors.shape[1], pixels.shape[1])
    _add_product(total, errors, pixels)
    return total.sum(0)


def _add_product(total: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> None:
    """Add the product (n, m) of (P, n) turned and (P, m) to a sum in parts (parts, n, m): one product a part."""
    rest = len(first) % len(total)
    parts = [rows[: len(rows) - rest].unflatten(0, (len(total), -1)) for rows in (first, second)]
    total.baddbmm_(parts[0].transpose(1, 2), parts[1])
    if rest:
        total[0].addmm_(first[-rest:].t(), second[-rest:])


def _patches(pixels: torch.Tensor, errors: torch.Tensor, size: int, stride: int, padding: int) -> Any:  # noqa: ANN401
    """Gather what each output pixel sees, a few images or a band of rows at a time.

    Yields:
        Patches (P, size * size * C) in a buffer that is used again, and the same pixels' errors (P, filters).
    """
    count, height, width, channels = pixels.shape
    rows, columns, filters = errors.shape[1:]
    row_bytes = columns * size * size * channels * pixels.element_size()
    band = min(rows, max(1, BUFFER // row_bytes))
    images = min(count, max(1, BUFFER // (row_bytes * rows)))
    padded = pixels.new_zeros(images, (band - 1) * stride + size, width + 2 * padding, channels)
    buffer = pixels.new_empty(images * band * columns, size * size * channels)
    across, down, right, _ = padded.stride()
    for first in range(0, count, images):
        for top in range(0, rows, band):
            chosen = errors[first : first + images, top : top + band]
            shape = (*chosen.shape[:3], size, size * channels)
            start = top * stride - padding
            end = start + (shape[1] - 1) * stride + size
            low, high = max(start, 0), min(end, height)
            if low > start:
                padded[:, : low - start].zero_()
            if high < end:
                padded[:, high - start :].zero_()
            source = pixels[first : first + images, low:high]
            padded[: shape[0], low - start : high - start, padding : padding + width].copy_(source)
            patches = buffer[: shape[0] * shape[1] * shape[2]]
            windows = padded.as_strided(shape, (across, down * stride, right * stride, down, 1))
            patches.view(shape).copy_(windows)
            yield patches, chosen.reshape(-1, filters)
