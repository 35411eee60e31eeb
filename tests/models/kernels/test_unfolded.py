"""The weight gradient as one product in bfloat16: of whole numbers, which nothing rounds, it is that of float64."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from retina.models.kernels import dispatch, unfolded

CHANNELS_LAST = torch.channels_last


@st.composite
def cases(draw):
    """A convolution that fits its images: count, height, width, channels, filters, size, stride, padding."""
    size = draw(st.sampled_from([1, 2, 3, 5]))
    padding = draw(st.integers(0, size - 1))
    least = max(1, size - 2 * padding)
    height, width = (draw(st.integers(least, 6)) for _ in range(2))
    count, channels, filters = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return count, height, width, channels, filters, size, draw(st.integers(1, 3)), padding


def whole_numbers(case, memory_format=CHANNELS_LAST):
    """Input, kernel, bias and the output's gradient, each -1, 0 or 1: all sums are whole numbers below 256."""
    count, height, width, channels, filters, size, stride, padding = case
    draw = torch.Generator().manual_seed(sum(case))

    def some(*shape):
        return torch.randint(-1, 2, shape, generator=draw).float()

    x, kernel = some(count, channels, height, width), some(filters, channels, size, size)
    y = functional.conv2d(x, kernel, None, stride, padding)
    return [
        x.contiguous(memory_format=memory_format),
        kernel.contiguous(memory_format=CHANNELS_LAST),
        some(filters),
        some(*y.shape).contiguous(memory_format=memory_format),
    ]


@pytest.mark.parametrize("memory_format", [CHANNELS_LAST, torch.contiguous_format])
def test_value_and_all_gradients_are_those_of_float64(memory_format):
    @given(cases())
    def check(case):
        x, kernel, bias, error = whole_numbers(case, memory_format)
        leaves = [tensor.requires_grad_() for tensor in (x, kernel, bias)]
        y = unfolded.convolve(*leaves, *case[-2:])
        found = [y, *torch.autograd.grad(y, leaves, error.bfloat16())]
        exact = [tensor.detach().double().requires_grad_() for tensor in leaves]
        y = functional.conv2d(*exact, *case[-2:])
        expected = [y, *torch.autograd.grad(y, exact, error.double())]
        for one, other in zip(found, expected, strict=True):
            assert torch.equal(one.double(), other)

    check()


def test_the_gradient_of_a_kernel_comes_in_the_kernels_type_and_layout():
    x, kernel, _, error = whole_numbers((2, 5, 5, 3, 4, 3, 1, 1))
    (found,) = torch.autograd.grad(unfolded.convolve(x, kernel.requires_grad_(), None, 1, 1), kernel, error.bfloat16())
    assert found.dtype == torch.float32
    assert found.is_contiguous(memory_format=CHANNELS_LAST)


def test_nothing_is_computed_for_what_needs_no_gradient(monkeypatch):
    """A frozen kernel; the bias still learns."""
    monkeypatch.setattr(unfolded, "weight_gradient", lambda *_: pytest.fail("computed"))
    x, kernel, bias, error = whole_numbers((2, 5, 5, 3, 4, 3, 1, 1))
    y = unfolded.convolve(x, kernel, bias.requires_grad_(), 1, 1)
    (found,) = torch.autograd.grad(y, bias, error.bfloat16())
    assert torch.equal(found, error.sum((0, 2, 3)))


@pytest.mark.parametrize(
    ("channels", "side", "size", "stride", "expected"),
    [
        (512, 7, 3, 1, True),  # ResNet's last stage
        (256, 14, 3, 2, True),
        (256, 14, 3, 1, False),  # gathering costs more than the product saves
        (512, 14, 3, 1, False),
        (256, 56, 1, 1, True),  # nothing to gather
        (3, 224, 7, 2, False),
    ],
)
def test_it_is_taken_where_it_was_measured_to_be_faster(amx, channels, side, size, stride, expected):  # noqa: PLR0917
    shapes = (torch.empty(32, channels, side, side), torch.empty(64, channels, size, size), stride, size // 2)
    assert not unfolded.pays(*shapes)  # float32
    with torch.autocast("cpu", torch.bfloat16):
        assert unfolded.pays(*shapes) is expected


def test_it_is_not_taken_by_a_processor_without_amx(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    unfolded.multiplies_tiles.cache_clear()
    with torch.autocast("cpu", torch.bfloat16):
        assert not unfolded.pays(torch.empty(32, 512, 7, 7), torch.empty(64, 512, 3, 3), 1, 1)
    unfolded.multiplies_tiles.cache_clear()


def test_under_autocast_a_training_step_is_nearly_the_same_by_either_way(amx, entered, monkeypatch):
    """The gradient is rounded once more or less, to bfloat16's 8 bits."""
    x, kernel, bias, _ = (tensor / 3 for tensor in whole_numbers((1, 5, 5, 16, 8, 3, 1, 1)))
    gradients = []
    for setting in ("torch", "auto"):
        monkeypatch.setenv("RETINA_KERNELS", setting)
        leaves = [tensor.clone().requires_grad_() for tensor in (x, kernel, bias)]
        with torch.autocast("cpu", torch.bfloat16):
            y = dispatch.convolve(*leaves, 1, 1)
        assert y.dtype == torch.bfloat16
        y.float().square().mean().backward()
        gradients.append([leaf.grad for leaf in leaves])
    assert entered == ["unfolded"]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=2**-7, atol=2**-7 * float(other.abs().max()))
