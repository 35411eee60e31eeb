"""Convolution for processors with AVX2 but not AVX-512, where torch's own leaves time on the table.

There oneDNN runs forward passes and gradients of images at nearly the machine's peak, but gradients of weights at 15 to
80 % of it, the less the larger the map. So a weight gradient is computed as products of two matrices: patches of the
input, gathered a few at a time into a buffer that stays in the cache, and the gradient of the output. And where a 3 x 3
convolution is large enough, `retina.models.kernels.winograd` needs fewer multiplications than the peak counts. The sums
are the same, in another order. `benchmarks/README.md` has the figures.

With AMX, `retina.models.kernels.unfolded` does something alike in bfloat16. Everywhere else (AVX-512, GPUs) torch's own
convolution is used.
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional

from retina.models.kernels import unfolded, winograd
from retina.models.kernels.patches import weight_gradient_by_patches


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
