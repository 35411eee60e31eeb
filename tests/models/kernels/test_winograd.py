"""Winograd's filtering: the convolutions of torch in float64, value and gradients, wherever the tiles end."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from retina.models.kernels import winograd
from retina.models.layers import Convolution

CHANNELS_LAST = torch.channels_last
LARGE = (12, 64, 30, 29, 128)
"""Enough for Winograd's filtering to be chosen; neither side is a multiple of four."""


def tensors(count, channels, height, width, filters):
    """x, kernel, bias and the gradient of the output, float32, about as large as in a network."""
    generator = torch.Generator().manual_seed(0)
    shapes = (count, channels, height, width), (filters, channels, 3, 3), (count, filters, height, width)
    maps = [torch.randn(shape, generator=generator).contiguous(memory_format=CHANNELS_LAST) for shape in shapes]
    x, kernel, error = maps
    return x.relu_(), kernel / (9 * channels) ** 0.5, torch.randn(filters, generator=generator), error


def in_float64(x, kernel, bias, error):
    """Value and the gradients in input, kernel and bias by torch in float64."""
    leaves = [tensor.double().requires_grad_() for tensor in (x, kernel, bias)]
    y = functional.conv2d(*leaves, padding=1)
    return [y.detach(), *torch.autograd.grad(y, leaves, error.double())]


def relative_error(found, expected):
    return ((found.double() - expected).norm() / expected.norm().clamp_min(1e-30)).item()


sides = st.integers(1, 13)
few = st.integers(1, 6)


@pytest.mark.parametrize("buffer", [1, 20_000, winograd.BUFFER])
def test_value_and_gradients_are_those_of_float64_whatever_the_buffer(buffer):
    """One image at a time, a few, and all at once."""

    @settings(max_examples=40)
    @given(st.tuples(few, few, sides, sides, few))
    @example((5, 3, 8, 8, 4))
    @example((3, 2, 7, 9, 5))
    def check(shape):
        x, kernel, bias, error = tensors(*shape)
        found = [winograd.convolve(x, kernel, bias)]
        found += [winograd.input_gradient(kernel, error), winograd.weight_gradient(x, error)]
        for ours, exact in zip(found, in_float64(x, kernel, bias, error), strict=False):
            assert ours.shape == exact.shape
            assert ours.is_contiguous(memory_format=CHANNELS_LAST)
            torch.testing.assert_close(ours.double(), exact, rtol=1e-4, atol=1e-4)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "BUFFER", buffer)
        check()


def test_rounding_costs_a_few_millionths():
    x, kernel, bias, error = tensors(*LARGE)
    found = [winograd.convolve(x, kernel, bias), winograd.input_gradient(kernel, error)]
    found += [winograd.weight_gradient(x, error)]
    for ours, exact in zip(found, in_float64(x, kernel, bias, error), strict=False):
        assert relative_error(ours, exact) < 5e-6


def test_without_a_bias():
    x, kernel, _, _ = tensors(2, 3, 8, 8, 4)
    expected = functional.conv2d(x.double(), kernel.double(), padding=1)
    assert relative_error(winograd.convolve(x, kernel, None), expected) < 5e-6


def test_a_large_layer_trains_by_it_and_gets_the_same_gradients(avx2, entered, monkeypatch):
    layer = Convolution(LARGE[-1], 3, padding=1, use_bias=True, relu=True, seed=1)
    x = tensors(*LARGE)[0].permute(0, 2, 3, 1)
    results = []
    for setting in ("auto", "torch"):
        monkeypatch.setenv("RETINA_KERNELS", setting)
        images = x.clone().requires_grad_()
        y = layer(images)
        layer.zero_grad()
        y.square().mean().backward()
        results.append([y.detach(), images.grad, layer.kernel.value.grad.clone(), layer.bias.value.grad.clone()])
    assert entered == ["winograd", "winograd input gradient", "winograd weight gradient"]
    for ours, theirs in zip(*results, strict=True):
        assert relative_error(ours, theirs.double()) < 1e-5


def test_a_pass_without_gradients_takes_it_too(avx2, entered):
    layer = Convolution(LARGE[-1], 3, padding=1, seed=1)
    with torch.no_grad():
        layer(tensors(*LARGE)[0].permute(0, 2, 3, 1))
    assert entered == ["winograd"]


OF_VALUES, OF_WEIGHTS = winograd.LEAST_PAIRS, winograd.LEAST_PAIRS_OF_A_WEIGHT_GRADIENT


@pytest.mark.parametrize(
    ("shape", "geometry", "least", "expected"),
    [
        (LARGE, (3, 1, 1), OF_VALUES, True),
        ((32, 512, 7, 7, 512), (3, 1, 1), OF_VALUES, True),
        ((32, 64, 56, 56, 64), (3, 1, 1), OF_VALUES, False),  # few channels
        ((32, 64, 56, 56, 64), (3, 1, 1), OF_WEIGHTS, True),
        ((32, 256, 28, 28, 256), (1, 1, 0), OF_VALUES, False),  # another kernel
        ((32, 256, 28, 28, 256), (3, 2, 1), OF_VALUES, False),  # another stride
        ((32, 256, 28, 28, 256), (3, 1, 0), OF_VALUES, False),  # another padding
        ((64, 512, 9, 9, 512), (3, 1, 1), OF_VALUES, False),  # tiles that lie outside
        ((16, 512, 4, 4, 2048), (3, 1, 1), OF_VALUES, False),  # few tiles
        ((32, 128, 8, 8, 128), (3, 1, 1), OF_VALUES, False),  # small products
    ],
)
def test_it_is_chosen_only_where_it_was_measured_to_be_faster(shape, geometry, least, expected):
    count, channels, height, width, filters = shape
    size, stride, padding = geometry
    x = torch.empty(count, channels, height, width, device="meta")
    kernel = torch.empty(filters, channels, size, size, device="meta")
    assert winograd.pays(x, kernel, stride, padding, least) is expected
