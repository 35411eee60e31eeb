"""Convolution, bias and rectifier in one kernel: the kernel needs a GPU, what it rests on is held everywhere."""

import pytest
import torch
from torch.nn import functional

from retina.models.kernels import fused
from retina.models.layers import Convolution, MaxPooling

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def example(device="cpu", channels=8, filters=16, side=12):
    """A batch, a kernel, a bias and a gradient of the result, channels last, with many ties in bfloat16."""
    generator = torch.Generator().manual_seed(3)
    shapes = [(4, channels, side, side), (filters, channels, 3, 3), (filters,), (4, filters, side, side)]
    made = [torch.randn(shape, generator=generator).bfloat16().float().to(device) for shape in shapes]
    return [item.contiguous(memory_format=torch.channels_last) if item.dim() == 4 else item for item in made]


def gradients(function, given, gradient):
    given = [item.clone().requires_grad_() for item in given]
    y = function(*given)
    return [y.detach(), *torch.autograd.grad(y, given, gradient.to(y.dtype))]


def test_a_rectifier_before_a_pooling_that_rectifies_changes_neither_value_nor_gradient():
    """So it may be left out, or done without stopping the gradient."""
    x, kernel, bias, gradient = example()
    gradient = gradient[..., ::2, ::2]

    def pooled(y):
        return functional.relu(functional.max_pool2d(y, 2))

    class Unmasked(torch.autograd.Function):
        @staticmethod
        def forward(ctx, y):
            return y.clamp_min(0)

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    without = gradients(lambda *given: pooled(functional.conv2d(*given, padding=1)), (x, kernel, bias), gradient)
    for rectify in (functional.relu, Unmasked.apply):
        found = gradients(
            lambda *given, rectify=rectify: pooled(rectify(functional.conv2d(*given, padding=1))),
            (x, kernel, bias),
            gradient,
        )
        for one, other in zip(found, without, strict=True):
            assert torch.equal(one, other)


def test_a_sum_over_the_pixels_is_the_sum():
    *_, gradient = example()
    torch.testing.assert_close(fused.summed(gradient), gradient.sum((0, 2, 3)), rtol=1e-5, atol=1e-4)


def test_nothing_else_than_bfloat16_on_a_gpu_is_done_so():
    x, _, bias, _ = example()
    assert not fused.pays(x, bias, relu=True)
    with torch.autocast("cpu", torch.bfloat16):
        assert not fused.pays(x, bias, relu=True)


@needs_gpu
def test_what_is_done_so():
    x, _, bias, _ = example("cuda")
    assert not fused.pays(x, bias, relu=True)
    assert fused.pays(x.bfloat16(), bias, relu=True)
    with torch.autocast("cuda", torch.bfloat16):
        assert fused.pays(x, bias, relu=True)
        assert not fused.pays(x, bias, relu=False)
        assert not fused.pays(x, None, relu=True)


@needs_gpu
@pytest.mark.parametrize("shape", [(3, 64, 32), (64, 64, 28), (128, 256, 14), (8, 16, 13)])
def test_value_and_gradients_are_those_of_float64_as_nearly_as_bfloat16_tells(shape):
    x, kernel, bias, gradient = example("cuda", *shape)
    with torch.autocast("cuda", torch.bfloat16):
        found = gradients(lambda *given: fused.convolve_and_rectify(*given, 1, 1), (x, kernel, bias), gradient)
    exact = gradients(
        lambda *given: functional.relu(functional.conv2d(*given, padding=1)),
        [item.double() for item in (x, kernel, bias)],
        gradient.double(),
    )
    assert found[0].is_contiguous(memory_format=torch.channels_last)
    for one, other in zip(found, exact, strict=True):
        # A result whose sign bfloat16 rounds away is masked in one and not in the other.
        assert float((one.double() - other).norm() / other.norm()) < 1e-2


@needs_gpu
def test_a_layer_before_a_pooling_trains_as_one_that_is_not_fused(monkeypatch, entered):
    x = torch.randn(4, 16, 16, 3, device="cuda")
    results = []
    for setting in ("auto", "torch"):
        monkeypatch.setenv("RETINA_KERNELS", setting)
        layers = [Convolution(16, 3, padding=1, use_bias=True, pooled=True, seed=1), MaxPooling(2, stride=2, relu=True)]
        with torch.autocast("cuda", torch.bfloat16):
            y = layers[1](layers[0](x))
        weights = [weight.value for weight in layers[0].weights]
        results.append([y.detach().float(), *torch.autograd.grad(y.float().square().sum(), weights)])
    assert entered == ["fused"]
    for one, other in zip(*results, strict=True):
        assert float((one - other).norm() / other.norm()) < 2e-2
