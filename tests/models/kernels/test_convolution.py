"""The weight gradient by matrix products: the same sums as torch's, held against float64."""

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch.nn import functional

from retina.models.kernels import convolution, patches
from retina.models.layers.body import Convolution

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


@pytest.fixture
def always(monkeypatch):
    """Take matrix products on every processor."""
    monkeypatch.setattr(convolution, "prefers_own", lambda x: True)


@pytest.mark.parametrize("buffer", [1, 3000, patches.BUFFER])
def test_the_weight_gradient_is_that_of_float64_whatever_the_buffer(buffer):
    """One row at a time, a few rows, and many images at a time."""

    @given(cases())
    @example((3, 6, 5, 2, 4, 3, 2, 1))
    def check(case):
        x, _, _, error = tensors(case)
        found = patches.weight_gradient_by_patches(x, error, *case[-3:])
        assert found.is_contiguous(memory_format=CHANNELS_LAST)
        torch.testing.assert_close(found.double(), in_float64(case)[2], rtol=1e-4, atol=1e-4)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patches, "BUFFER", buffer)
        check()


@pytest.mark.parametrize("case", [(2, 9, 7, 3, 5, 3, 2, 1), (4, 8, 8, 6, 4, 1, 1, 0), (3, 7, 8, 4, 6, 1, 2, 0)])
def test_value_and_all_gradients_are_those_of_float64(always, case):
    x, kernel, bias, error = tensors(case)
    leaves = [tensor.requires_grad_() for tensor in (x, kernel, bias)]
    y = convolution.convolve(*leaves, *case[-2:])
    assert type(y.grad_fn).__name__ == "_ConvolveBackward"
    found = [y.detach(), *torch.autograd.grad(y, leaves, error)]
    for ours, exact in zip(found, in_float64(case), strict=True):
        torch.testing.assert_close(ours.double(), exact, rtol=1e-4, atol=1e-4)


def test_a_gradient_in_another_memory_layout_is_understood(always):
    """As the mean over pixels sends one."""
    case = (2, 6, 6, 3, 4, 3, 1, 1)
    x, kernel, _, error = tensors(case)
    kernel.requires_grad_()
    y = convolution.convolve(x, kernel, None, 1, 1)
    (found,) = torch.autograd.grad(y, kernel, error.contiguous())
    torch.testing.assert_close(found.double(), in_float64(case)[2], rtol=1e-4, atol=1e-4)


def test_nothing_is_computed_for_what_needs_no_gradient(always, monkeypatch):
    asked = []
    monkeypatch.setattr(convolution, "_input_gradient", lambda *_: asked.append("input"))
    x, kernel, bias, error = tensors((2, 6, 6, 3, 4, 3, 1, 1))
    kernel.requires_grad_()
    convolution.convolve(x, kernel, bias, 1, 1).backward(error)
    assert (asked, bias.grad is None, kernel.grad is None) == ([], True, False)


def test_the_layers_training_step_is_the_same_by_either_way(monkeypatch):
    layer = Convolution(4, 3, padding=1, use_bias=True, relu=True, seed=1)
    x = torch.randn(2, 8, 8, 3, generator=torch.Generator().manual_seed(0))
    gradients = []
    for way in (True, False):
        monkeypatch.setattr(convolution, "prefers_own", lambda x, way=way: way)
        layer.zero_grad()
        layer(x).square().sum().backward()
        gradients.append([layer.kernel.value.grad.clone(), layer.bias.value.grad.clone()])
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("capability", "autocast", "dtype", "expected"),
    [
        ("AVX2", False, torch.float32, True),
        ("AVX512", False, torch.float32, False),
        ("AVX2", True, torch.float32, False),
        ("AVX2", False, torch.float64, False),
    ],
)
def test_own_ways_are_preferred_only_where_they_were_measured_to_be_faster(
    monkeypatch, capability, autocast, dtype, expected
):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        assert convolution.prefers_own(torch.zeros(1, dtype=dtype)) is expected


def test_a_frozen_kernel_gets_no_gradient_and_its_input_does(always, monkeypatch):
    asked = []
    monkeypatch.setattr(convolution, "_weight_gradient", lambda *_: asked.append("kernel"))
    x, kernel, bias, error = tensors((2, 6, 6, 3, 4, 3, 1, 1))
    (found,) = torch.autograd.grad(convolution.convolve(x.requires_grad_(), kernel, bias, 1, 1), x, error)
    torch.testing.assert_close(found.double(), in_float64((2, 6, 6, 3, 4, 3, 1, 1))[1], rtol=1e-4, atol=1e-4)
    assert asked == []


def test_without_gradients_nothing_is_kept_for_them(always):
    x, kernel, *_ = tensors((2, 6, 6, 3, 4, 3, 1, 1))
    with torch.no_grad():
        assert convolution.convolve(x, kernel.requires_grad_(), None, 1, 1).grad_fn is None
