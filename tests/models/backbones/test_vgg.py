"""VGG16 is configuration D of the paper under torchvision's names."""

import keras
import pytest

from retina.models.backbones import vgg
from retina.models.layers import Convolution
from retina.models.layers.body import MaxPooling


@pytest.fixture(scope="module")
def network():
    """VGG16, which no test trains."""
    images = keras.Input((None, None, 3))
    return keras.Model(images, vgg.vgg16(images, seed=0))


def test_there_are_thirteen_convolutions_with_a_bias_in_blocks_that_double(network):
    layers = [layer for layer in network.layers if isinstance(layer, Convolution)]
    assert [layer.kernel.shape[0] for layer in layers] == [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert all((layer.kernel.shape[2:], layer.stride, layer.padding) == ((3, 3), 1, 1) for layer in layers)
    assert all(layer.bias is not None for layer in layers)


def test_names_count_rectifiers_and_poolings_as_torchvision_does(network):
    """A convolution and its rectifier count as two, a pooling as one."""
    expected, number = [], 0
    for many in (2, 2, 3, 3, 3):
        for _ in range(many):
            expected.append(f"features_{number}")
            number += 2
        expected.append(f"features_{number}")
        number += 1
    assert [layer.name for layer in network.layers[1:]] == expected


def test_the_rectifier_of_a_blocks_last_convolution_follows_its_pooling(network):
    """Which gives the same numbers, and has a quarter of them to rectify."""
    for before, layer in zip(network.layers[1:], network.layers[2:], strict=False):
        last = isinstance(layer, MaxPooling)
        assert (before.relu, last and layer.relu) == (
            (not last, last) if isinstance(before, Convolution) else (True, False)
        )


def test_a_stage_is_a_block(network):
    layers = {layer.name.replace("_", ".") for layer in network.layers if isinstance(layer, Convolution)}
    assert {name for names in vgg.STAGES.values() for name in names} == layers
    assert vgg.STAGES["block5"] == ("features.24", "features.26", "features.28")
