"""Convolution, batch normalization, addition and pooling: their definitions, and the memory they leave."""

import hypothesis.strategies as st
import keras
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from layer_examples import EXAMPLES, inputs_for

from retina.models.layers import Add, BatchNormalization, Convolution, MaxPooling


@pytest.mark.parametrize("kind", [Convolution, BatchNormalization, Add, MaxPooling])
def test_a_feature_map_leaves_a_layer_in_the_memory_order_in_which_the_next_one_wants_it(kind):
    assert kind(**EXAMPLES[kind])(inputs_for(kind)).is_contiguous()


@pytest.mark.parametrize("kind", [Convolution, BatchNormalization, Add, MaxPooling])
def test_a_layer_leaves_bfloat16_alone_under_autocast(kind):
    x = inputs_for(kind)
    x = [item.bfloat16() for item in x] if isinstance(x, list) else x.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert kind(**EXAMPLES[kind])(x).dtype == torch.bfloat16


def test_a_convolution_starts_with_he_s_variance_by_fan_out():
    layer = Convolution(64, 3, seed=0)
    layer.build((None, None, None, 128))
    kernel = layer.kernel.value.detach()
    assert kernel.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)
    assert kernel.mean().item() == pytest.approx(0, abs=1e-3)
    # A truncated normal would end at two deviations.
    assert kernel.abs().max() > 3.5 * kernel.std()


def test_the_global_seed_fixes_kernels_without_a_seed_of_their_own():
    kernels = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        layer = Convolution(4, 3)
        layer.build((None, None, None, 3))
        kernels.append(layer.get_weights()[0])
    assert np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])


@pytest.mark.parametrize("change", ["assign", "set_weights", "to", "save and load"])
@pytest.mark.parametrize("size", [1, 3])
def test_a_kernel_stays_in_channels_last_memory(change, size, tmp_path):
    image = keras.Input((None, None, 4))
    model = keras.Model(image, Convolution(8, size, seed=0, name="conv")(image))
    kernel = model.get_layer("conv").kernel
    values = np.random.default_rng(0).normal(size=kernel.shape).astype("float32")
    if change == "assign":
        kernel.assign(values)
    elif change == "set_weights":
        model.set_weights([values])
    elif change == "to":
        kernel.assign(values)
        model.to("cpu", torch.float64).to(torch.float32)
    else:
        kernel.assign(values)
        model.save_weights(tmp_path / "one.weights.h5")
        kernel.assign(values * 0)
        model.load_weights(tmp_path / "one.weights.h5")
    assert np.array_equal(kernel.numpy(), values)
    assert kernel.value.permute(0, 2, 3, 1).is_contiguous()


def test_a_rectifier_after_pooling_is_one_before_it():
    """Value and gradient to the last bit, in windows without a positive number too."""
    x = torch.randn(4, 9, 9, 5, generator=torch.Generator().manual_seed(0)) - 1
    after, before = (tensor.requires_grad_() for tensor in (x.clone(), x.clone()))
    found = MaxPooling(3, stride=2, padding=1, relu=True)(after)
    expected = MaxPooling(3, stride=2, padding=1)(before.relu())
    assert torch.equal(found, expected)
    assert (found == 0).any()
    for y in (found, expected):
        y.square().sum().backward()
    assert torch.equal(after.grad, before.grad)


def normalize_in_float64(x, gamma, beta, epsilon):
    """Batch normalization by its definition; also the batch's mean and unbiased variance."""
    mean = x.mean((0, 1, 2))
    biased = ((x - mean) ** 2).mean((0, 1, 2))
    count = x.shape[0] * x.shape[1] * x.shape[2]
    return (x - mean) / (biased + epsilon).sqrt() * gamma + beta, mean, biased * count / (count - 1)


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(2, 6), st.integers(1, 5)),
    momentum=st.floats(0.01, 1.0),
    relu=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_batch_normalization_agrees_with_its_definition_in_float64(shape, momentum, relu, seed):
    generator = torch.Generator().manual_seed(seed)
    layer = BatchNormalization(momentum=momentum, epsilon=1e-2, relu=relu)
    x = (torch.randn(shape, generator=generator) * 2 + 1).requires_grad_()
    layer.build(shape)
    for variable in layer.weights:
        variable.assign(torch.rand(shape[-1], generator=generator) + 0.5)
    old_mean, old_variance = (v.value.double() for v in (layer.moving_mean, layer.moving_variance))
    upstream = torch.randn(shape, generator=generator)
    y = layer(x, training=True)
    (y * upstream).sum().backward()

    x64 = x.detach().double().requires_grad_()
    gamma, beta = (v.value.detach().double().requires_grad_() for v in (layer.gamma, layer.beta))
    y64, mean, variance = normalize_in_float64(x64, gamma, beta, 1e-2)
    # One gate for both: a value within rounding of 0 may fall on either side.
    gate = (y.detach() > 0).double() if relu else 1.0
    (y64 * gate * upstream).sum().backward()

    close = {"rtol": 2e-4, "atol": 2e-4}
    torch.testing.assert_close(y.double(), (y64 * gate).detach(), **close)
    torch.testing.assert_close(x.grad.double(), x64.grad, **close)
    torch.testing.assert_close(layer.gamma.value.grad.double(), gamma.grad, **close)
    torch.testing.assert_close(layer.beta.value.grad.double(), beta.grad, **close)
    moved_mean = (1 - momentum) * old_mean + momentum * mean.detach()
    moved_variance = (1 - momentum) * old_variance + momentum * variance.detach()
    torch.testing.assert_close(layer.moving_mean.value.double(), moved_mean, **close)
    torch.testing.assert_close(layer.moving_variance.value.double(), moved_variance, **close)


@pytest.mark.parametrize("frozen", [True, False])
def test_in_inference_batch_normalization_uses_its_moving_statistics_and_leaves_them(frozen):
    layer = BatchNormalization()
    x = inputs_for(BatchNormalization)
    layer.build(x.shape)
    for variable in layer.weights:
        variable.assign(torch.rand(3) + 0.5)
    before = layer.get_weights()
    layer.trainable = not frozen
    gamma, beta, mean, variance = (torch.from_numpy(value).double() for value in before)
    y = layer(x, training=frozen)
    torch.testing.assert_close(y.double(), (x - mean) / (variance + 1e-5).sqrt() * gamma + beta, rtol=1e-5, atol=1e-5)
    assert all(np.array_equal(now, then) for now, then in zip(layer.get_weights(), before, strict=True))
