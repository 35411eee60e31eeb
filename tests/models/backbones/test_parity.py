"""retina's backbones compute what torchvision's networks compute, held by an independent plain torch implementation."""

import copy

import pytest
import torch
import torch_reference
from torch_reference import relative_error

from retina.models.backbones import registry
from retina.models.weights import state_dict

# Tensors and parameters that torchvision publishes for each whole network, ImageNet's classifier included.
PUBLISHED = {"resnet18": (122, 11_689_512), "resnet50": (320, 25_557_032), "vgg16": (32, 138_357_544)}
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def test_the_reference_has_the_tensors_that_torchvision_publishes(published):
    name, network, _ = published
    state = torch_reference.state_dict(network)
    parameters = sum(tensor.numel() for key, tensor in state.items() if not key.endswith(STATISTICS))
    assert (len(state), parameters) == PUBLISHED[name]


def test_a_backbone_has_the_layers_that_torchvision_names(published):
    name, network, _ = published
    ignored = ("fc.", "classifier.")
    expected = {
        key: tuple(tensor.shape)
        for key, tensor in torch_reference.state_dict(network).items()
        if not key.startswith(ignored) and not key.endswith("num_batches_tracked")
    }
    found = state_dict.state_dict(registry.build(name, seed=0))
    assert {key: tuple(tensor.shape) for key, tensor in found.items()} == expected


@pytest.fixture(params=["auto", "torch"])
def setting(request, monkeypatch, avx2, entered):
    """Either setting of `RETINA_KERNELS`, on a processor that has kernels of ours: `torch` enters none of them."""
    monkeypatch.setenv("RETINA_KERNELS", request.param)
    yield request.param
    assert bool(entered) is (request.param == "auto")


def test_features_equal_the_reference_in_inference(published, eyes):
    name, network, path = published
    model = registry.build(name, path)
    network.eval()
    with torch.no_grad():
        expected = network.features(eyes)
        found = model(eyes)
    assert found.shape == (2, 2, 3, registry.BACKBONES[name].channels)
    assert expected.std() > 0.01
    assert relative_error(found, expected) < 1e-4


@pytest.mark.usefixtures("setting")
def test_one_training_step_equals_the_reference(published, eyes):
    name, network, path = published
    network = copy.deepcopy(network).train()
    model = registry.build(name, path)
    weights = torch.randn(2, 2, 3, registry.BACKBONES[name].channels, generator=torch.Generator().manual_seed(4))
    # Both start from the same standardized pixels: the last bit of a pixel can flip a rectifier near 0, and in training
    # mode a flip reaches every gradient (ResNet50: 1 %). Inference above covers the standardization itself.
    pixels = model.get_layer("normalization")(eyes).permute(0, 3, 1, 2)
    expected = (network.body(pixels) * weights).mean()
    expected.backward()
    found = (model(eyes, training=True) * weights).mean()
    found.backward()
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)

    theirs = {
        key.replace("convolutions.", "features."): tensor
        for key, tensor in network.state_dict(keep_vars=True).items()
        if not key.startswith("fc.") and not key.endswith("num_batches_tracked")
    }
    ours = state_dict.state_dict(model)
    assert ours.keys() == theirs.keys()
    for key, tensor in theirs.items():
        if key.endswith(STATISTICS):
            assert relative_error(ours[key], tensor) < 1e-4, key
        else:
            assert tensor.grad.abs().max() > 0
            assert relative_error(ours[key].grad, tensor.grad) < 1e-4, key
