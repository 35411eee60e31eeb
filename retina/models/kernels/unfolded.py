"""Weight gradients of small feature maps in bfloat16, for processors that multiply tiles of matrices (AMX).

There oneDNN makes forward passes and gradients of images at 1 to 3 TFLOP/s, but a gradient of weights at a third of
that where the map is small and the kernel large. It is the product of two matrices: of what every output pixel saw, and
of the gradient there. Of a 1 x 1 kernel both are there; else what was seen is gathered where the outputs are few beside
the inputs of a filter.

Used: under autocast on processors with AMX, where `pays` says so. Measured with two threads of an Intel Xeon, beside
oneDNN: 1.03 to 3.5 times as fast with 1 x 1 kernels, both gradients of 512 channels at 7 pixels 1.4 times, of 256 to
512 channels at stride 2 1.35 times; 3 x 3 kernels on maps of 14 pixels and more 0.4 to 0.8 times, which are not taken.
`benchmarks/README.md` has the figures.
"""

import functools
from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional


def pays(x: torch.Tensor, kernel: torch.Tensor, stride: int, padding: int) -> bool:
    """Whether this module is faster than torch for a batch on this machine.

    The bounds were measured with two threads of a processor with AMX; `benchmarks/README.md` has the figures. Other
    processors with bfloat16 were not measured: they use torch's own.

    Args:
        x: (N, C, H, W), the convolution's input.
        kernel: (filters, C, size, size).
        stride: Step in pixels.
        padding: Zeros added on every side, in pixels.
    """
    if x.device.type != "cpu" or not torch.is_autocast_enabled("cpu") or not multiplies_tiles():
        return False
    size = kernel.shape[-1]
    if size == 1:
        return padding == 0
    rows, columns = ((side + 2 * padding - size) // stride + 1 for side in x.shape[2:])
    return padding < size and 2 * len(x) * rows * columns <= stride * size**2 * x.shape[1]


@functools.cache
def multiplies_tiles() -> bool:
    """Whether the processor multiplies tiles of bfloat16 matrices (Intel's AMX)."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))


def convolve(
    x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | None, stride: int, padding: int
) -> torch.Tensor:
    """A convolution (N, C, H, W) in bfloat16, as autocast has it; see `retina.models.kernels.dispatch`."""
    bias = None if bias is None else bias.bfloat16()
    return _Convolve.apply(x.bfloat16(), kernel.bfloat16(), bias, stride, padding)


class _Convolve(torch.autograd.Function):
    """`torch.nn.functional.conv2d` whose weight gradient is one product of matrices."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, kernel: torch.Tensor, bias: Any, *geometry: int) -> torch.Tensor:  # noqa: ANN401
        ctx.save_for_backward(x, kernel)
        ctx.geometry = geometry
        return functional.conv2d(x, kernel, bias, *geometry)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # noqa: ANN401
        (x, kernel), (stride, padding) = ctx.saved_tensors, ctx.geometry
        of_x, needed, of_bias = ctx.needs_input_grad[:3]
        geometry = ([stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1)
        mask = [of_x, False, of_bias]
        sizes = [len(kernel)] if of_bias else None
        # The operation behind torch's own convolution; `mask` has it leave out the weight gradient.
        own = torch.ops.aten.convolution_backward(gradient, x, kernel, sizes, *geometry, mask)
        of_kernel = weight_gradient(x, gradient, kernel.shape[-1], stride, padding) if needed else None
        return own[0], of_kernel, own[2], None, None


def weight_gradient(x: torch.Tensor, gradient: torch.Tensor, size: int, stride: int, padding: int) -> torch.Tensor:
    """The gradient of a loss in the kernel of a convolution.

    Args:
        x: (N, C, H, W), the convolution's input.
        gradient: (N, filters, H', W'), the gradient of the loss in the convolution's output.
        size: Side of the kernel in pixels.
        stride: Step in pixels.
        padding: Zeros added on every side, in pixels; fewer than `size`.

    Returns:
        (filters, C, size, size) in channels_last memory.
    """
    pixels, errors = x.permute(0, 2, 3, 1), gradient.permute(0, 2, 3, 1)
    count, rows, columns, filters = errors.shape
    # `pad` counts axes from the last one: channels get none, columns and rows do.
    pixels = functional.pad(pixels, (0, 0) + (padding,) * 4) if padding else pixels.contiguous()
    channels = pixels.shape[-1]
    image, down, across, _ = pixels.stride()
    shape = (count, rows, columns, size, size * channels)
    # A view: the pixels of a window's row lie side by side in memory. Only the next line copies, whole rows at a time.
    seen = pixels.as_strided(shape, (image, down * stride, across * stride, down, 1))
    seen = seen.reshape(-1, size * size * channels)
    product = errors.reshape(-1, filters).t() @ seen
    return product.view(filters, size, size, channels).permute(0, 3, 1, 2)
