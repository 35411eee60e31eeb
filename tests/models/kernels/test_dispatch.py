"""Which kernel is taken where, that all of them give torch's sums, and that one word leaves torch's alone."""

import pytest
import torch
from convolutions import in_float64, tensors
from torch.nn import functional
from torch_reference import relative_error

from retina.errors import ExperimentError
from retina.models import classifier
from retina.models.backbones import registry
from retina.models.kernels import dispatch
from retina.models.layers import Convolution

SMALL = (2, 6, 6, 3, 4, 3, 1, 1)


def test_without_a_word_the_kernels_that_pay_are_taken(monkeypatch):
    for word in (None, "", "auto"):
        monkeypatch.delenv("RETINA_KERNELS", raising=False)
        if word is not None:
            monkeypatch.setenv("RETINA_KERNELS", word)
        assert dispatch.setting() == "auto"


@pytest.mark.parametrize("build", [registry.build, classifier.build])
def test_an_unknown_word_is_refused_in_one_line_before_a_network_is_built(monkeypatch, build):
    monkeypatch.setenv("RETINA_KERNELS", "troch")
    with pytest.raises(ExperimentError) as caught:
        build("resnet18")
    assert str(caught.value) == (
        "unknown setting 'troch' | Expected: one of auto, torch | "
        "Where: the environment variable RETINA_KERNELS | Next: did you mean 'torch'?"
    )


@pytest.mark.parametrize("case", [(2, 9, 7, 3, 5, 3, 2, 1), (4, 8, 8, 6, 4, 1, 1, 0), (3, 7, 8, 4, 6, 1, 2, 0)])
def test_value_and_all_gradients_are_those_of_float64(avx2, entered, case):
    x, kernel, bias, error = tensors(case)
    leaves = [tensor.requires_grad_() for tensor in (x, kernel, bias)]
    y = dispatch.convolve(*leaves, *case[-2:])
    results = [y.detach(), *torch.autograd.grad(y, leaves, error)]
    assert entered == ["patches weight gradient"]
    for ours, exact in zip(results, in_float64(case), strict=True):
        torch.testing.assert_close(ours.double(), exact, rtol=1e-4, atol=1e-4)


def test_a_gradient_in_another_memory_layout_is_understood(avx2):
    """As the mean over pixels sends one."""
    x, kernel, _, error = tensors(SMALL)
    kernel.requires_grad_()
    y = dispatch.convolve(x, kernel, None, 1, 1)
    (gradient,) = torch.autograd.grad(y, kernel, error.contiguous())
    torch.testing.assert_close(gradient.double(), in_float64(SMALL)[2], rtol=1e-4, atol=1e-4)


def operators(call):
    """The names of torch's operators that a call runs, in order."""
    names = []

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            names.append(func.overloadpacket.__name__)
            return func(*args, **(kwargs or {}))

    with Watch():
        call()
    return names


def test_an_input_that_needs_no_gradient_gets_none(avx2, entered):
    """As the images do not."""
    x, kernel, bias, error = tensors(SMALL)
    y = dispatch.convolve(x, kernel.requires_grad_(), bias, 1, 1)
    assert "convolution_backward" not in operators(lambda: y.backward(error))
    assert entered == ["patches weight gradient"]
    assert (x.grad is None, bias.grad is None, kernel.grad is None) == (True, True, False)


def test_a_frozen_kernel_gets_no_gradient_and_its_input_does(avx2, entered):
    x, kernel, bias, error = tensors(SMALL)
    (gradient,) = torch.autograd.grad(dispatch.convolve(x.requires_grad_(), kernel, bias, 1, 1), x, error)
    torch.testing.assert_close(gradient.double(), in_float64(SMALL)[1], rtol=1e-4, atol=1e-4)
    assert entered == []


def test_without_gradients_nothing_is_kept_for_them(avx2):
    x, kernel, *_ = tensors(SMALL)
    with torch.no_grad():
        assert dispatch.convolve(x, kernel.requires_grad_(), None, 1, 1).grad_fn is None


def test_a_padding_as_wide_as_the_kernel_is_left_to_torch(avx2, entered):
    """Some patches would hold padding alone."""
    x, kernel, *_ = tensors((2, 6, 6, 3, 4, 1, 1, 0))
    dispatch.convolve(x, kernel.requires_grad_(), None, 1, 1).sum().backward()
    assert entered == []


@pytest.mark.parametrize(
    ("capability", "autocast", "dtype", "expected"),
    [
        ("AVX2", False, torch.float32, True),
        ("AVX512", False, torch.float32, False),
        ("AVX2", True, torch.float32, False),
        ("AVX2", False, torch.float64, False),
    ],
)
def test_kernels_for_avx2_are_taken_only_where_they_were_measured_to_be_faster(  # noqa: PLR0917
    monkeypatch, entered, capability, autocast, dtype, expected
):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    x, kernel, bias, _ = tensors(SMALL, dtype)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        dispatch.convolve(x, kernel.requires_grad_(), bias, 1, 1).sum().backward()
    assert entered == (["patches weight gradient"] if expected else [])


def by_torch(layer, images):
    """The layer's convolution in torch's own words."""
    y = functional.conv2d(images.permute(0, 3, 1, 2), layer.kernel.value, layer.bias.value, layer.stride, layer.padding)
    return y.relu().permute(0, 2, 3, 1)


def step(layer, images, precision, compute=Convolution.__call__):
    """The value of a layer that rectifies, and the gradients in images and weights."""
    images = images.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        y = compute(layer, images)
    weights = [variable.value for variable in layer.weights]
    return [y.detach().float(), *torch.autograd.grad(y.float().square().mean(), [images, *weights])]


PLACES = {
    "many channels, float32 on AVX2": (
        ("avx2", 64, 3, torch.float32),
        ["winograd", "winograd input gradient", "winograd weight gradient"],
    ),
    "few channels, float32 on AVX2": (("avx2", 8, 3, torch.float32), ["patches weight gradient"]),
    "one pixel, float32 on AVX2": (("avx2", 64, 1, torch.float32), ["patches weight gradient"]),
    "one pixel, bfloat16 with AMX": (("amx", 64, 1, torch.bfloat16), ["unfolded"]),
    "many pixels, bfloat16 with AMX": (("amx", 8, 3, torch.bfloat16), []),
    "float32 with AMX": (("amx", 64, 1, torch.float32), []),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_kernel_is_entered_where_it_pays_and_none_is_where_torch_s_are_asked_for(
    monkeypatch, request, entered, place
):
    (processor, channels, size, precision), expected = PLACES[place]
    request.getfixturevalue(processor)
    layer = Convolution(128, size, padding=size // 2, use_bias=True, relu=True, seed=1)
    images = torch.randn(12, 30, 29, channels, generator=torch.Generator().manual_seed(0))
    layer.build(images.shape)
    own = step(layer, images, precision)
    assert entered == expected
    entered.clear()
    monkeypatch.setenv("RETINA_KERNELS", "torch")
    plain, torchs = step(layer, images, precision), step(layer, images, precision, by_torch)
    assert entered == []
    assert all(torch.equal(one, other) for one, other in zip(plain, torchs, strict=True))
    scatter = 1e-4 if precision == torch.float32 else 2**-6
    assert all(relative_error(one, other) < scatter for one, other in zip(own, torchs, strict=True))
