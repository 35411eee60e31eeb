"""The gradient of a convolution's kernel as products of two matrices, patches of the input and errors of the output.

Patches are gathered a few at a time into a buffer that stays in the cache. The sums are oneDNN's in another order.

Used: in float32 on processors with AVX2 but not AVX-512, for the weight gradients that Winograd's filtering
(`retina.models.kernels.winograd`) leaves. Measured with two threads of an AMD EPYC: 1.2 to 1.7 times oneDNN's speed in
ResNet18's 3 x 3 layers, 4 times in VGG16's layer of 64 channels at 224 pixels; with 1 x 1 kernels 0.87 to 1.54 times,
below 1 on maps of 56 pixels. `benchmarks/README.md` has the figures.
"""

from typing import Any

import torch

BUFFER = 4 << 20
"""Bytes of gathered patches, so that they are still in the cache when they are multiplied: 2 to 8 MiB did as well."""


NARROW = 256
"""Inputs of a filter up to which a weight gradient is one product a thread: of small products MKL fills no two."""


def weight_gradient(x: torch.Tensor, gradient: torch.Tensor, size: int, stride: int, padding: int) -> torch.Tensor:
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
    rest = len(first) % len(total)  # a batched product needs parts of one length; the few rows left over come after
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
    # Blocks of one size are used again and again: fresh memory for each would cost more than the copies into it.
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
            # The pixels of a window's row lie side by side in memory, so whole rows are copied, not single pixels.
            windows = padded.as_strided(shape, (across, down * stride, right * stride, down, 1))
            patches.view(shape).copy_(windows)
            yield patches, chosen.reshape(-1, filters)
