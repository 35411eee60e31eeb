import gc
import weakref

import hypothesis.strategies as st
import keras
import numpy as np
import pytest
import torch
from hypothesis import given, settings

from retina.models.layers import body
from retina.models.layers.base import TorchLayer, seed_of
from retina.models.layers.body import (
    Add,
    BatchNormalization,
    Convolution,
    Dropout,
    GlobalAveragePooling,
    Logit,
    MaxPooling,
    Normalization,
)

EXAMPLES = {
    Normalization: {"mean": (0.1, 0.2, 0.3), "deviation": (0.4, 0.5, 0.6)},
    Convolution: {
        "filters": 5,
        "size": 3,
        "stride": 2,
        "padding": 1,
        "use_bias": True,
        "relu": True,
        "pooled": True,
        "seed": 7,
    },
    BatchNormalization: {"epsilon": 1e-3, "momentum": 0.2, "relu": True},
    Add: {"relu": True},
    MaxPooling: {"size": 3, "stride": 2, "padding": 1, "relu": True},
    GlobalAveragePooling: {},
    Dropout: {"rate": 0.25, "seed": 7},
    Logit: {"seed": 7},
}
REGISTRY = [
    kind
    for kind in vars(body).values()
    if isinstance(kind, type) and issubclass(kind, TorchLayer) and kind is not TorchLayer
]


def inputs_for(kind, side=9):
    """Random inputs, not negative only, that a layer of this kind takes."""
    generator = torch.Generator().manual_seed(1)
    if kind is Logit:
        return torch.randn(2, 6, generator=generator)
    x = torch.randn(2, side, side + 2, 3, generator=generator)
    return [x, torch.randn(x.shape, generator=generator)] if kind is Add else x


@pytest.mark.parametrize("kind", REGISTRY)
def test_a_layer_made_again_from_its_config_computes_the_same(kind):
    layer = kind(**EXAMPLES[kind], name="one")
    x = inputs_for(kind)
    expected = layer(x)
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    result = again(x)
    assert config["registered_name"] == f"retina>{kind.__name__}"
    assert again.get_config() == layer.get_config()
    assert {name: again.get_config()[name] for name in EXAMPLES[kind]} == EXAMPLES[kind]
    assert torch.equal(result, expected)


@pytest.mark.parametrize("kind", REGISTRY)
def test_a_layer_foretells_the_shape_that_it_gives(kind):
    layer = kind(**EXAMPLES[kind])
    x = inputs_for(kind)
    shape = [tuple(item.shape) for item in x] if isinstance(x, list) else tuple(x.shape)
    assert tuple(layer.compute_output_shape(shape)) == tuple(layer(x).shape)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", REGISTRY)
def test_a_layer_computes_what_it_computes_by_the_long_way(kind, training):
    short, long = (kind(**EXAMPLES[kind], name="one") for _ in range(2))
    x = inputs_for(kind)
    short(x), long(x)  # build both
    results = [short(x, training=training), keras.layers.Layer.__call__(long, x, training=training)]
    assert torch.equal(*results)
    for one, other in zip(short.weights, long.weights, strict=True):
        assert torch.equal(one.value, other.value)


def test_a_layer_that_is_not_told_learns_from_the_layer_around_it_whether_it_trains():
    class Around(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = BatchNormalization()

        def call(self, x):
            return self.inner(x)

    layer, x = Around(), 5 + inputs_for(BatchNormalization)
    layer(x, training=False)
    assert float(layer.inner.moving_mean.value.abs().max()) == 0
    layer(x, training=True)
    assert float(layer.inner.moving_mean.value.min()) > 0


def test_a_penalty_on_a_layers_results_counts():
    layer = Add(activity_regularizer=keras.regularizers.L1(1.0))
    x = [torch.ones(1, 2, 2, 3)] * 2
    layer.build([(1, 2, 2, 3)] * 2)
    layer(x, training=True)
    assert [float(loss) for loss in layer.losses] == [24.0]


def test_feature_maps_do_not_wait_for_the_garbage_collector():
    image = keras.Input((8, 8, 3))
    branch = Convolution(3, 3, padding=1, seed=1, name="branch")(image)
    model = keras.Model(image, Add(name="sum")([branch, image]))
    seen = []
    call = model.get_layer("branch").call

    def noted(x):
        y = call(x)
        seen.append(weakref.ref(y))
        return y

    model.get_layer("branch").call = noted
    gc.collect()
    gc.disable()
    try:
        model(torch.ones(1, 8, 8, 3), training=True).sum().backward()
        assert [held() for held in seen] == [None]
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", [kind for kind in REGISTRY if kind is not Logit])
def test_a_layer_takes_images_of_unknown_size(kind):
    image = keras.Input((None, None, 3))
    output = kind(**EXAMPLES[kind])([image, image] if kind is Add else image)
    assert output.shape[0] is None
    assert all(side is None for side in output.shape[1:-1])
    assert output.dtype == "float32"


@pytest.mark.parametrize("kind", REGISTRY)
def test_a_layer_leaves_its_input_as_it_was(kind):
    x = inputs_for(kind)
    before = [item.clone() for item in x] if isinstance(x, list) else x.clone()
    kind(**EXAMPLES[kind])(x, **({"training": True} if kind is BatchNormalization else {}))
    pairs = zip(x, before, strict=True) if isinstance(x, list) else [(x, before)]
    assert all(torch.equal(now, then) for now, then in pairs)


@pytest.mark.parametrize("kind", [Convolution, BatchNormalization, Add, MaxPooling])
def test_a_feature_map_leaves_a_layer_in_the_memory_order_in_which_the_next_one_wants_it(kind):
    assert kind(**EXAMPLES[kind])(inputs_for(kind)).is_contiguous()


@pytest.mark.parametrize("kind", [Convolution, BatchNormalization, Add, MaxPooling])
def test_a_layer_leaves_bfloat16_alone_under_autocast(kind):
    x = inputs_for(kind)
    x = [item.bfloat16() for item in x] if isinstance(x, list) else x.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert kind(**EXAMPLES[kind])(x).dtype == torch.bfloat16


@pytest.mark.parametrize("kind", [GlobalAveragePooling, Logit])
def test_the_head_computes_in_float32_under_autocast(kind):
    layer = kind(**EXAMPLES[kind])
    x = inputs_for(kind).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = layer(x)
    assert result.dtype == torch.float32
    assert torch.equal(result, layer(x.float()))


def test_normalization_follows_its_formula_for_bytes_and_for_floats():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    expected = (pixels / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    for images in (torch.from_numpy(pixels), torch.from_numpy(pixels).double()):
        result = Normalization()(images)
        assert result.dtype == torch.float32
        np.testing.assert_allclose(result.numpy(), expected, rtol=0, atol=1e-6)


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


def test_a_layer_s_seed_depends_on_the_network_s_seed_and_on_its_name():
    assert seed_of(None, "conv1") is None
    assert seed_of(3, "conv1") == seed_of(3, "conv1")
    assert len({seed_of(seed, name) for seed in (0, 1) for name in ("conv1", "conv2")}) == 4


@given(seed=st.integers(0, 2**31 - 1), name=st.text())
def test_keras_can_hold_every_layer_s_seed(seed, name):
    keras.random.SeedGenerator(seed_of(seed, name))


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


def test_the_pooled_gradient_keeps_its_memory_order():
    x = inputs_for(GlobalAveragePooling).requires_grad_()
    GlobalAveragePooling()(x).square().sum().backward()
    torch.testing.assert_close(x.grad, (2 * x.mean((1, 2), keepdim=True) / (9 * 11)).expand_as(x))
    assert x.grad.is_contiguous()
