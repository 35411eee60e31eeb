"""retina's networks and its focal loss against KerasCV's, an implementation of other people.

Stock networks of KerasCV 0.9 are compared, with weights and moving statistics copied over, on images whose side is odd
at every stage (97, 49, 25, 13, 7): there its padding of strided layers, TensorFlow's `same`, is torchvision's; on even
sides it pads more below and to the right. Its batch normalizations add 1.001e-5 to the variance in place of 1e-5, which
stays below what is compared.

ResNet50 alone cannot be made equal by weights: KerasCV halves the resolution in the first 1 x 1 convolution of a stage
(He et al. 2016, table 1), torchvision and retina in the 3 x 3 after it ("ResNet v1.5"), which then sees four times as
many pixels. No argument of the class moves the stride. The test moves it, in three layers, and compares all the rest.
"""

import re

import keras
import pytest
import torch

from retina.experiments import parameters
from retina.models import layers
from retina.models.backbones import registry
from retina.training.loop.losses import LOSSES

pytestmark = pytest.mark.extra

pytest.importorskip("keras_cv")

SIDE = 97
HALVING = re.compile(r"v2_stack_[123]_block1_([12])_conv")


def ours(name):
    """A backbone of retina's with random weights and random moving statistics."""
    model, draw = registry.build(name, seed=3), torch.Generator().manual_seed(4)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            for variable in layer.weights:
                variable.assign(torch.rand(variable.shape, generator=draw) + 0.5)
        elif isinstance(layer, layers.Convolution) and layer.use_bias:
            layer.bias.assign(torch.randn(layer.bias.shape, generator=draw) / 10)
    return model


def theirs(name, *, halve_in=None):
    """KerasCV's backbone; `halve_in` is the convolution of a block that halves the resolution, where not its own."""

    def again(layer):
        config = layer.get_config()
        found = HALVING.fullmatch(config["name"])
        if found and halve_in is not None:
            config["strides"] = (2, 2) if found[1] == halve_in else (1, 1)
        return type(layer).from_config(config)

    network = registry.get(f"keras_cv:{name}").network("random")
    return keras.models.clone_model(network, keras.Input((None, None, 3)), clone_function=again)


def name_in_keras_cv(name):
    """KerasCV's name of a layer of retina's ResNet."""
    if name in ("conv1", "bn1"):
        return {"conv1": "conv1_conv", "bn1": "conv1_bn"}[name]
    stage, block, kind, number = re.fullmatch(r"layer(\d)_(\d)_(conv|bn|downsample_)(\d)", name).groups()
    if kind == "downsample_":
        kind, number = {"0": "conv", "1": "bn"}[number], "0"
    return f"v2_stack_{int(stage) - 1}_block{int(block) + 1}_{number}_{kind}"


def copy(source, target, name_of):
    """Copy every weight of retina's backbone to KerasCV's, and see that nothing there is left as it was."""
    given = set()
    for layer in source.layers:
        if isinstance(layer, layers.Convolution):
            values = [layer.kernel.value.permute(2, 3, 1, 0), *([layer.bias.value] if layer.use_bias else [])]
        elif isinstance(layer, layers.BatchNormalization):
            values = [layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance]
        else:
            continue
        other = target.get_layer(name_of(layer.name))
        given.add(other.name)
        for variable, value in zip(other.weights, values, strict=True):
            variable.assign(value)
    assert given == {layer.name for layer in target.layers if layer.weights}


def compared(name, target, name_of):
    """The features of both, of the same images."""
    source = ours(name)
    copy(source, target, name_of)
    images = torch.randint(0, 256, (2, SIDE, SIDE, 3), generator=torch.Generator().manual_seed(5)).float()
    normalized = keras.Model(source.input, source.get_layer("normalization").output)
    with torch.no_grad():
        return source(images), target(normalized(images))


def assert_equal_features(found, expected):
    """Equal to 1e-4 of the largest feature, wherever one looks, and no feature map of zeros."""
    assert found.shape == expected.shape
    scale = expected.abs().max()
    assert scale > 0
    assert ((found - expected).abs().max() / scale) < 1e-4


def test_resnet18_is_that_of_keras_cv():
    assert_equal_features(*compared("resnet18", theirs("resnet18"), name_in_keras_cv))


def test_vgg16_is_that_of_keras_cv():
    convolutions = [layer.name for layer in registry.build("vgg16", seed=0).layers if layer.weights]
    names = [layer.name for layer in theirs("vgg16").layers if layer.weights]
    assert_equal_features(*compared("vgg16", theirs("vgg16"), dict(zip(convolutions, names, strict=True)).get))


def test_resnet50_is_that_of_keras_cv_but_for_the_convolution_that_halves():
    assert_equal_features(*compared("resnet50", theirs("resnet50", halve_in="2"), name_in_keras_cv))


def test_resnet50_differs_from_keras_cv_where_that_halves_in_the_first_convolution():
    """Why the test above moves the stride: as they stand the two are different networks of the same weights."""
    found, expected = compared("resnet50", theirs("resnet50"), name_in_keras_cv)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() / expected.abs().max() > 0.1


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("alpha", [0.1, 0.25, 0.5, 0.9])
def test_the_focal_loss_is_that_of_keras_cv_where_it_does_not_clip(gamma, alpha):
    """KerasCV's takes probabilities, here of 64 bits, since 1 - p in 32 bits has no digits left at a logit of 17.

    Both are defined at logits of -12 to 12; beyond about 16 KerasCV clips probabilities at 1e-7, and retina nothing.
    """
    import keras_cv

    chosen = parameters.load("resnet18", "p1", loss="focal", focal_gamma=gamma, focal_alpha=alpha).experiment
    logits = torch.linspace(-12, 12, 49, dtype=torch.float64).repeat_interleave(2)[:, None]
    labels = torch.tensor([0.0, 1.0]).repeat(49)[:, None]
    other = keras_cv.losses.FocalLoss(alpha=alpha, gamma=gamma, reduction="none", dtype="float64")
    expected = other(labels, torch.sigmoid(logits)).float()
    found = LOSSES["focal"](chosen).call(labels, logits.float())[:, 0]
    assert expected.shape == (98,)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-9)
    assert float(LOSSES["focal"](chosen)(labels, logits.float())) == pytest.approx(float(expected.mean()), rel=1e-5)
