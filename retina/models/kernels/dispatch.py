"""Which kernel computes a convolution: layers ask here, and this is decided nowhere else.

The choice is made at every call, by device, type, processor and shapes, for the value and for each gradient. A kernel
of `retina.models.kernels` is taken where its module says that it pays; everywhere else torch's own is.

`RETINA_KERNELS=torch` leaves torch's own operations alone, on every device: an exported network may hold no others. It
is read at every call, so that a process which has trained can go on to export, and costs a microsecond there. A step
that was recorded as a CUDA graph keeps the kernels that it was recorded with.
"""

import os
from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional

from retina.errors import unknown
from retina.models.kernels import fused, patches, unfolded, winograd

SWITCH = "RETINA_KERNELS"
SETTINGS = ("auto", "torch")
"""The kernels that pay, or torch's alone. Where the environment names neither it is the first."""

KERNELS: dict[str, Callable[..., torch.Tensor]] = {
    "fused": fused.convolve_and_rectify,
    "unfolded": unfolded.convolve,
    "winograd": winograd.convolve,
    "winograd input gradient": winograd.input_gradient,
    "winograd weight gradient": winograd.weight_gradient,
    "patches weight gradient": patches.weight_gradient,
}
"""Every kernel of retina's own; none is entered by another way."""


def setting() -> str:
    """Which kernels may be taken: one of `SETTINGS`.

    Raises:
        ExperimentError: the environment names another.
    """
    word = os.environ.get(SWITCH) or SETTINGS[0]
    if word not in SETTINGS:
        raise unknown("setting", word, SETTINGS, where=f"the environment variable {SWITCH}")
    return word


def convolve(
    x: torch.Tensor,
    kernel: torch.Tensor,
    bias: torch.Tensor | None,
    stride: int,
    padding: int,
    *,
    relu: bool = False,
    pooled: bool = False,
) -> torch.Tensor:
    """The convolution of a batch (N, C, H, W) in channels_last memory with a kernel (filters, C, size, size).

    Args:
        x: The batch.
        kernel: A square kernel.
        bias: (filters,) or `None`.
        stride: Step in pixels.
        padding: Zeros added on every side, in pixels.
        relu: Set negative results to 0.
        pooled: A pooling follows that rectifies, so that it is the same whether negative results are set to 0 here.

    Returns:
        (N, filters, H', W') in channels_last memory, float32, or bfloat16 under autocast.

    Raises:
        ExperimentError: see `setting`.
    """
    own = setting() == "auto"
    if own and fused.pays(x, bias, relu=relu or pooled):
        return KERNELS["fused"](x, kernel, bias, stride, padding, masked=relu)
    # Where the padding is as wide as the kernel, some patches would hold padding alone.
    if own and padding < kernel.shape[-1] and is_float32_on_avx2(x):
        y = _ByPasses.apply(x, kernel, bias, stride, padding)
    elif own and unfolded.pays(x, kernel, stride, padding):
        y = KERNELS["unfolded"](x, kernel, bias, stride, padding)
    else:
        y = functional.conv2d(x, kernel, bias, stride, padding)
    return functional.relu_(y) if relu else y  # in place: no gradient above reads the result


def is_float32_on_avx2(x: torch.Tensor) -> bool:
    """Whether a batch is computed in float32 by a processor with AVX2 but not AVX-512.

    There oneDNN's forward passes and gradients of images are near the machine's peak, and its gradients of weights are
    at 15 to 80 % of it, the less the larger the map (AMD EPYC, two threads; `benchmarks/README.md`).
    """
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.cpu.get_cpu_capability() == "AVX2"
    )


# `once_differentiable` makes a second derivative an error: kernels write into buffers, where autograd cannot follow.
class _ByPasses(torch.autograd.Function):
    """A convolution in float32 on AVX2 whose value and gradients are each done by the kernel that is best at it."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, kernel: torch.Tensor, bias: Any, *geometry: int) -> torch.Tensor:  # noqa: ANN401
        ctx.save_for_backward(x, kernel)
        ctx.geometry = geometry
        if winograd.pays(x, kernel, *geometry):
            return KERNELS["winograd"](x, kernel, bias)
        return functional.conv2d(x, kernel, bias, *geometry)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # noqa: ANN401
        x, kernel = ctx.saved_tensors
        # What a sum or a mean sends back may be an expanded view, or in another layout; the kernels read memory in
        # order.
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
        return KERNELS["winograd input gradient"](kernel, gradient)
    geometry = ([stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1)  # not transposed; no output padding; one group
    return torch.ops.aten.convolution_backward(gradient, x, kernel, None, *geometry, [True, False, False])[0]


def _weight_gradient(
    x: torch.Tensor, kernel: torch.Tensor, gradient: torch.Tensor, stride: int, padding: int
) -> torch.Tensor:
    """The gradient of a loss in the kernel of a convolution."""
    if winograd.pays(x, kernel, stride, padding, least=winograd.LEAST_PAIRS_OF_A_WEIGHT_GRADIENT):
        return KERNELS["winograd weight gradient"](x, gradient)
    return KERNELS["patches weight gradient"](x, gradient, kernel.shape[-1], stride, padding)
