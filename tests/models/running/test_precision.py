"""The same network in float32 or in bfloat16: its layers, its weights, another arithmetic."""

import keras
import numpy as np
import pytest
import torch

from retina.models.layers import Convolution, GlobalAveragePooling, Logit, Normalization
from retina.models.running.precision import MixedPrecision

IMAGES = torch.randint(0, 256, (3, 9, 9, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network():
    images = keras.Input((None, None, 3))
    x = Convolution(4, 3, seed=1, name="conv")(Normalization()(images))
    return keras.Model(images, Logit(seed=1, name="logit")(GlobalAveragePooling()(x)))


def types_of(model):
    """The types of the convolution's result and of the logits."""
    conv = model.get_layer("conv")
    seen, call = [], conv.call
    conv.call = lambda x: seen.append(call(x)) or seen[-1]
    try:
        with torch.no_grad():
            return seen, model(IMAGES).dtype
    finally:
        conv.call = call


@pytest.mark.parametrize(("precision", "kind"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_the_layers_compute_in_the_precision_and_the_logits_are_float32(network, precision, kind):
    maps, logits = types_of(MixedPrecision(network, precision))
    assert ([item.dtype for item in maps], logits) == ([kind], torch.float32)


def test_it_is_the_network_s_own_weights_that_are_trained(network):
    model = MixedPrecision(network, "bfloat16")
    assert [one is other for one, other in zip(model.weights, network.weights, strict=True)] == [True] * 3
    model.compile(keras.optimizers.SGD(0.1), loss=keras.losses.BinaryCrossentropy(from_logits=True))
    before = network.get_weights()
    model.train_on_batch(IMAGES, torch.tensor([[0.0], [1.0], [1.0]]))
    assert all((now != then).any() for now, then in zip(network.get_weights(), before, strict=True))
    assert all(weight.value.grad.dtype == torch.float32 for weight in network.trainable_weights)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_changed_weights_are_seen_at_once(network, precision):
    """Though torch keeps low-precision copies of weights until the outermost autocast block ends."""
    model = MixedPrecision(network, precision)
    with torch.no_grad():
        before = model(IMAGES).numpy()
        network.get_layer("conv").kernel.assign(-network.get_layer("conv").kernel.numpy())
        bias = network.get_layer("logit").bias.numpy()
        np.testing.assert_allclose(model(IMAGES).numpy(), 2 * bias - before, rtol=1e-5, atol=1e-6)
