"""Small convolutions of every geometry, and what torch makes of them in float64."""

import torch
from hypothesis import strategies as st
from torch.nn import functional

CHANNELS_LAST = torch.channels_last


@st.composite
def cases(draw):
    """A convolution that fits its images: count, height, width, channels, filters, size, stride, padding."""
    size = draw(st.sampled_from([1, 2, 3, 5, 7]))
    padding = draw(st.integers(0, size - 1))
    least = max(1, size - 2 * padding)
    height, width = (draw(st.integers(least, 12)) for _ in range(2))
    count, channels, filters = (draw(st.integers(1, 5)) for _ in range(3))
    return count, height, width, channels, filters, size, draw(st.integers(1, 3)), padding


def tensors(case, dtype=torch.float32):
    count, height, width, channels, filters, size, stride, padding = case
    generator = torch.Generator().manual_seed(sum(case))
    x = torch.randn(count, channels, height, width, generator=generator).contiguous(memory_format=CHANNELS_LAST)
    kernel = torch.randn(filters, channels, size, size, generator=generator).contiguous(memory_format=CHANNELS_LAST)
    bias = torch.randn(filters, generator=generator)
    y = functional.conv2d(x, kernel, bias, stride, padding)
    error = torch.randn(y.shape, generator=generator).contiguous(memory_format=CHANNELS_LAST)
    return [tensor.to(dtype) for tensor in (x, kernel, bias, error)]


def in_float64(case):
    """Value and the gradients in input, kernel and bias by torch in float64."""
    x, kernel, bias, error = tensors(case, torch.float64)
    leaves = [tensor.requires_grad_() for tensor in (x, kernel, bias)]
    y = functional.conv2d(*leaves, *case[-2:])
    return [y.detach(), *torch.autograd.grad(y, leaves, error)]
