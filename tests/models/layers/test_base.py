"""What holds for every layer of retina, and how seeds and calls are made."""

import gc
import weakref

import hypothesis.strategies as st
import keras
import pytest
import torch
from hypothesis import given
from layer_examples import EXAMPLES, every_layer, inputs_for

from retina.models.layers import Add, BatchNormalization, Convolution, Logit
from retina.models.layers.base import seed_of

LAYERS = every_layer()


def test_every_layer_has_an_example():
    assert set(LAYERS) == set(EXAMPLES)


@pytest.mark.parametrize("kind", LAYERS)
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


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_foretells_the_shape_that_it_gives(kind):
    layer = kind(**EXAMPLES[kind])
    x = inputs_for(kind)
    shape = [tuple(item.shape) for item in x] if isinstance(x, list) else tuple(x.shape)
    assert tuple(layer.compute_output_shape(shape)) == tuple(layer(x).shape)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
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


@pytest.mark.parametrize("kind", [kind for kind in LAYERS if kind is not Logit])
def test_a_layer_takes_images_of_unknown_size(kind):
    image = keras.Input((None, None, 3))
    output = kind(**EXAMPLES[kind])([image, image] if kind is Add else image)
    assert output.shape[0] is None
    assert all(side is None for side in output.shape[1:-1])
    assert output.dtype == "float32"


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_leaves_its_input_as_it_was(kind):
    x = inputs_for(kind)
    before = [item.clone() for item in x] if isinstance(x, list) else x.clone()
    kind(**EXAMPLES[kind])(x, **({"training": True} if kind is BatchNormalization else {}))
    pairs = zip(x, before, strict=True) if isinstance(x, list) else [(x, before)]
    assert all(torch.equal(now, then) for now, then in pairs)


def test_a_layer_s_seed_depends_on_the_network_s_seed_and_on_its_name():
    assert seed_of(None, "conv1") is None
    assert seed_of(3, "conv1") == seed_of(3, "conv1")
    assert len({seed_of(seed, name) for seed in (0, 1) for name in ("conv1", "conv2")}) == 4


@given(seed=st.integers(0, 2**31 - 1), name=st.text())
def test_keras_can_hold_every_layer_s_seed(seed, name):
    keras.random.SeedGenerator(seed_of(seed, name))
