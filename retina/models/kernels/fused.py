"""Convolution, bias and rectifier in one kernel, for NVIDIA GPUs in bfloat16.

torch adds a bias to a convolution's result in a kernel of its own, rectifies in another, and sums a bias' gradient by a
general reduction: together a fifth of a training step of VGG16 on an H200. cuDNN does the first three at the price of
the convolution, and a product with ones sums at the speed of memory.

Used: in bfloat16 on an NVIDIA GPU, in layers with a bias and a rectifier. Measured on one H200: VGG16's layers 1.3 to
2.6 times as fast (617 to 237 us with 64 channels at 224 pixels, 196 to 151 with 512 at 28), a bias' gradient 2 to 6
times; a training step of VGG16 from 0.92 to 1.17 of plain torch's speed. `benchmarks/README.md` has the figures.
"""

from typing import Any

import torch
from torch.autograd.function import once_differentiable


def pays(x: torch.Tensor, bias: torch.Tensor | None, *, relu: bool) -> bool:
    """Whether a convolution of this batch is done here: on a GPU, with a bias and a rectifier, in bfloat16."""
    return relu and bias is not None and x.is_cuda and torch.version.cuda is not None and precision(x) is torch.bfloat16


def precision(x: torch.Tensor) -> torch.dtype:
    """The type that a GPU's convolutions of this batch are computed in."""
    return torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else x.dtype


def convolve_and_rectify(
    x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor, stride: int, padding: int, *, masked: bool = True
) -> torch.Tensor:
    """max(0, convolution of a batch + bias), where `pays` says so.

    Args:
        x: (N, C, H, W) in channels_last memory.
        kernel: (filters, C, size, size).
        bias: (filters,).
        stride: Step in pixels.
        padding: Zeros added on every side, in pixels.
        masked: Stop the gradient where the result is 0. What follows may have done so already.

    Returns:
        (N, filters, H', W') bfloat16 in channels_last memory.
    """
    # Cast out here, where autograd sees it and casts the gradients back to float32.
    kind = precision(x)
    return _Fused.apply(x.to(kind), kernel.to(kind), bias.to(kind), stride, padding, masked)


class _Fused(torch.autograd.Function):
    """Convolution, bias and rectifier, all of one type."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor, *how: Any) -> torch.Tensor:  # noqa: ANN401
        stride, padding, ctx.masked = how
        ctx.geometry = ([stride] * 2, [padding] * 2, [1, 1])
        # cuDNN's fused kernel, which torch offers without a gradient: `backward` below is that.
        y = torch.cudnn_convolution_relu(x, kernel, bias, *ctx.geometry, 1)
        ctx.save_for_backward(x, kernel, *([y] if ctx.masked else []))
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # noqa: ANN401
        x, kernel, *y = ctx.saved_tensors
        if y:
            gradient = torch.ops.aten.threshold_backward(gradient, *y, 0)
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        rest = (False, [0, 0], 1, [*ctx.needs_input_grad[:2], False])  # not transposed; no output padding; one group
        of_x, of_kernel, _ = torch.ops.aten.convolution_backward(gradient, x, kernel, None, *ctx.geometry, *rest)
        return of_x, of_kernel, summed(gradient) if ctx.needs_input_grad[2] else None, None, None, None


def summed(gradient: torch.Tensor) -> torch.Tensor:
    """The sum over batch and pixels of (N, C, H, W) in channels_last memory: (C,), added up in float32."""
    pixels = gradient.permute(0, 2, 3, 1).reshape(-1, gradient.shape[1])
    return (pixels.new_ones(1, len(pixels)) @ pixels)[0]
