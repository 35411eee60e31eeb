"""ResNet18 and ResNet50 are torchvision's, layer by layer."""

import keras
import pytest
import torch

from retina.models.backbones import registry, resnet
from retina.models.layers import BatchNormalization, Convolution


def test_a_feature_map_can_be_tapped_by_name(eyes):
    model = registry.build("resnet18", seed=0)
    tapped = keras.Model(model.input, [model.get_layer("bn1").output, model.get_layer("maxpool").output, model.output])
    with torch.no_grad():
        first, second, features = tapped(eyes)
        assert torch.equal(features, model(eyes))
    assert first.shape == (2, 32, 48, 64)
    assert second.shape == (2, 16, 24, 64)


@pytest.fixture(scope="module")
def resnet50():
    """ResNet50, which no test trains."""
    return registry.build("resnet50", seed=0)


def test_batch_normalizations_follow_torch_s_conventions(resnet50):
    layers = [layer for layer in resnet50.layers if isinstance(layer, BatchNormalization)]
    assert len(layers) == 53
    assert {(layer.epsilon, layer.momentum) for layer in layers} == {(1e-5, 0.1)}


def test_a_bottleneck_halves_the_resolution_in_its_middle_and_in_its_shortcut(resnet50):
    """As torchvision's "v1.5" does, and not the paper."""
    halving = {layer.name for layer in resnet50.layers if isinstance(layer, Convolution) and layer.stride == 2}
    stages = (2, 3, 4)
    expected = {f"layer{stage}_0_{part}" for stage in stages for part in ("conv2", "downsample_0")}
    assert halving == {"conv1", *expected}


def test_a_shortcut_is_projected_only_where_the_shape_changes(resnet50):
    projected = {layer.name for layer in resnet50.layers if layer.name.endswith("downsample_0")}
    assert projected == {f"layer{stage}_0_downsample_0" for stage in (1, 2, 3, 4)}
    added = resnet50.get_layer("layer1_1_add")
    sources = {tensor._keras_history.operation.name for tensor in added._inbound_nodes[0].input_tensors}
    assert sources == {"layer1_0_add", "layer1_1_bn3"}


def test_stages_name_every_layer_of_the_network_by_how_it_begins(resnet50):
    beginnings = [name for names in resnet.STAGES.values() for name in names]
    with_weights = [layer.name for layer in resnet50.layers if layer.weights]
    assert all(sum(name.startswith(start) for start in beginnings) == 1 for name in with_weights)
    assert list(resnet.STAGES) == ["stem", "layer1", "layer2", "layer3", "layer4"]


def test_a_block_rectifies_between_its_convolutions_and_after_its_shortcut_is_added(resnet50):
    rectified = {
        layer.name: layer.relu
        for layer in resnet50.layers
        if layer.name.startswith("layer1_0") and hasattr(layer, "relu")
    }
    assert {name for name, relu in rectified.items() if relu} == {"layer1_0_bn1", "layer1_0_bn2", "layer1_0_add"}
    assert rectified["layer1_0_bn3"] is rectified["layer1_0_downsample_1"] is False
