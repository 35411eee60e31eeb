import math

import keras
import numpy as np
import pytest
import torch

from retina.errors import ExperimentError, WeightsError
from retina.models.backbones import registry
from retina.models.backbones.registry import BACKBONES
from retina.models.layers import Convolution
from retina.models.weights import state_dict, torchvision

LAST_STAGE = {
    "vgg16": {"features_24", "features_26", "features_28"},
    "resnet18": {f"layer4_{block}_{part}{n}" for block in (0, 1) for part in ("conv", "bn") for n in (1, 2)}
    | {"layer4_0_downsample_0", "layer4_0_downsample_1"},
    "resnet50": {f"layer4_{block}_{part}{n}" for block in (0, 1, 2) for part in ("conv", "bn") for n in (1, 2, 3)}
    | {"layer4_0_downsample_0", "layer4_0_downsample_1"},
}


@pytest.fixture(scope="module", params=BACKBONES)
def built(request):
    return BACKBONES[request.param], registry.build(request.param, seed=0)


def test_the_features_have_the_shape_that_is_promised(built):
    record, model = built
    assert model.output_shape == (None, None, None, record.channels)
    assert model.compute_output_shape((5, 224, 224, 3)) == (5, 7, 7, record.channels)
    with torch.no_grad():
        assert model(np.zeros((1, 224, 224, 3), np.uint8)).shape == (1, 7, 7, record.channels)


def test_the_features_are_float32_and_finite_from_random_weights(built, eyes):
    _, model = built
    with torch.no_grad():
        features = model(eyes)
    assert features.dtype == torch.float32
    assert torch.isfinite(features).all()
    assert features.std() > 0


def test_the_record_counts_the_parameters(built):
    record, model = built
    assert sum(math.prod(variable.shape) for variable in model.trainable_weights) == record.parameters


def test_the_record_counts_the_multiply_adds(built):
    record, model = built
    total = 0
    shapes = {"images": (1, 224, 224, 3)}
    for layer in model.layers[1:]:
        sources = [tensor._keras_history.operation.name for tensor in layer._inbound_nodes[0].input_tensors]
        inputs = [shapes[source] for source in sources]
        shapes[layer.name] = layer.compute_output_shape(inputs if len(inputs) > 1 else inputs[0])
        if isinstance(layer, Convolution):
            total += math.prod(shapes[layer.name][1:3]) * math.prod(layer.kernel.shape)
    assert total == record.multiply_adds


def test_every_layer_with_weights_belongs_to_one_stage(built):
    record, model = built
    stages = [record.stage(layer.name) for layer in model.layers if layer.weights]
    assert None not in stages
    assert list(dict.fromkeys(stages)) == list(record.stages)
    assert record.stage("logit") is None


def test_the_last_stage_has_the_layers_of_the_paper(built):
    record, model = built
    layers = {layer.name for layer in model.layers if layer.weights and record.stage(layer.name) == record.last_stage}
    assert layers == LAST_STAGE[record.name]


def test_every_kernel_lies_in_channels_last_memory(built):
    _, model = built
    kernels = [layer.kernel.value for layer in model.layers if isinstance(layer, Convolution)]
    assert all(kernel.permute(0, 2, 3, 1).is_contiguous() for kernel in kernels)


def test_no_feature_map_is_copied_between_layers(built, eyes, monkeypatch):
    """A copy would show as an operator; only the bytes' conversion to float32 may.

    torch's own gradients are watched: gathering patches for a weight gradient copies on purpose, inside one layer.
    """
    monkeypatch.setenv("RETINA_KERNELS", "torch")
    _, model = built
    calls = []

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            calls.append((func.overloadpacket.__name__, tuple(getattr(args[0], "shape", ()))))
            return func(*args, **(kwargs or {}))

    with Watch():
        model(eyes, training=True).sum().backward()
    copies = [(name, shape) for name, shape in calls if name in {"clone", "copy_", "contiguous", "_to_copy"}]
    images = [shape for name, shape in copies if shape[-3:] == tuple(eyes.shape[-3:])]
    assert any(name == "convolution_backward" for name, _ in calls)
    assert len(images) == 1
    # Nothing else of four dimensions; the batch-norm statistics of ResNets are vectors.
    assert [shape for _, shape in copies if len(shape) == 4 and shape not in images] == []


def test_bytes_and_floats_give_the_same_features(built, eyes):
    _, model = built
    with torch.no_grad():
        expected = model(eyes)
        for images in (eyes.float(), eyes.double(), eyes.numpy(), eyes.numpy().astype("float32")):
            assert torch.equal(model(images), expected)


def test_a_seed_fixes_the_weights_whatever_was_drawn_before():
    first = state_dict.state_dict(registry.build("resnet18", seed=5))
    keras.random.normal((3,))
    torch.rand(3)
    registry.build("resnet18", seed=6)
    again = state_dict.state_dict(registry.build("resnet18", seed=5))
    other = state_dict.state_dict(registry.build("resnet18", seed=6))
    assert all(torch.equal(first[name], again[name]) for name in first)
    kernels = [name for name, tensor in first.items() if tensor.ndim == 4]
    assert not any(torch.equal(first[name], other[name]) for name in kernels)


def test_without_a_seed_keras_global_one_decides():
    weights = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        weights.append(registry.build("resnet18").get_layer("conv1").get_weights()[0])
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_two_layers_of_one_shape_start_apart():
    model = registry.build("resnet18", seed=0)
    kernels = [layer.kernel.value for layer in model.layers if isinstance(layer, Convolution)]
    same_shape = [kernel for kernel in kernels if kernel.shape == (64, 64, 3, 3)]
    assert len(same_shape) == 4
    assert not any(torch.equal(same_shape[0], kernel) for kernel in same_shape[1:])


@pytest.mark.parametrize("name", ["resnet-18", "ResNet18", "resnet81"])
def test_an_unknown_backbone_suggests_the_nearest(name):
    with pytest.raises(ExperimentError, match="did you mean 'resnet18'"):
        registry.build(name)


def test_unknown_weights_say_what_is_allowed():
    with pytest.raises(WeightsError, match="Expected: random, imagenet, or a state-dict file"):
        registry.build("resnet18", "imagnet")


def test_imagenet_weights_come_from_the_cache(monkeypatch, tmp_path):
    source = registry.build("resnet18", seed=1)
    path = tmp_path / "net.pth"
    torch.save({name: tensor.detach() for name, tensor in state_dict.state_dict(source).items()}, path)
    asked = []
    monkeypatch.setattr(torchvision, "fetch", lambda weights: asked.append(weights) or path)
    model = registry.build("resnet18", "imagenet", seed=2)
    assert asked == [BACKBONES["resnet18"].weights]
    assert torch.equal(model.get_layer("conv1").kernel.value, source.get_layer("conv1").kernel.value)
