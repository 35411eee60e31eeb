import random

import keras
import numpy as np
import pytest
import torch
from torch_reference import relative_error

import retina
from retina.errors import ExperimentError, WeightsError
from retina.models import classifier
from retina.models.backbones import registry
from retina.models.backbones.registry import BACKBONES
from retina.models.layers import BatchNormalization, Logit
from retina.models.weights import state_dict


def weights_of(model):
    """Every weight by its path."""
    return {variable.path: variable.numpy().copy() for variable in model.weights}


def train(model, eyes, steps=2):
    """A few steps of gradient descent towards one label of each kind."""
    optimizer = torch.optim.SGD([variable.value for variable in model.trainable_weights], lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        logits = model(eyes, training=True)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor([[0.0], [1.0]]))
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("fine_tune", classifier.FINE_TUNE)
def test_only_what_is_fine_tuned_changes(backbone, fine_tune, eyes):
    record = BACKBONES[backbone]
    model = classifier.build(backbone, fine_tune=fine_tune)
    before = weights_of(model)
    train(model, eyes)
    changed = {
        path.split("/")[0] for path, value in weights_of(model).items() if not np.array_equal(value, before[path])
    }
    trained = {"head": (), "last": (record.last_stage,), "full": tuple(record.stages)}[fine_tune]
    expected = {layer.name for layer in model.layers if layer.weights and record.stage(layer.name) in trained}
    assert changed == expected | {"logit"}


@pytest.mark.parametrize(("fine_tune", "moving"), [("head", 0), ("last", 5), ("full", 20)])
def test_the_statistics_of_frozen_batch_normalizations_do_not_move(fine_tune, moving, eyes):
    model = classifier.build("resnet18", fine_tune=fine_tune)
    layers = [layer for layer in model.layers if isinstance(layer, BatchNormalization)]
    before = [(layer.moving_mean.numpy().copy(), layer.moving_variance.numpy().copy()) for layer in layers]
    model(eyes, training=True)
    moved = [
        layer.name
        for layer, (mean, variance) in zip(layers, before, strict=True)
        if not np.array_equal(layer.moving_mean.numpy(), mean)
        or not np.array_equal(layer.moving_variance.numpy(), variance)
    ]
    assert len(layers) == 20
    assert len(moved) == moving
    assert fine_tune != "last" or all(name.startswith("layer4") for name in moved)


def test_a_frozen_backbone_gives_in_training_what_it_gives_in_inference(eyes):
    model = classifier.build("resnet18", fine_tune="head", dropout=0.0)
    assert torch.equal(model(eyes, training=True), model(eyes, training=False))


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_logits_are_float32(precision, eyes):
    model = classifier.build("resnet18")
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == torch.bfloat16):
        logits = model(eyes, training=True)
    assert logits.shape == (2, 1)
    assert logits.dtype == torch.float32
    logits.sum().backward()
    gradients = [variable.value.grad for variable in model.trainable_weights]
    assert all(gradient.dtype == torch.float32 and torch.isfinite(gradient).all() for gradient in gradients)


def test_autocast_reaches_the_convolutions(eyes):
    model = classifier.build("resnet18")
    tapped = keras.Model(model.input, model.get_layer("layer4_1_add").output)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert tapped(eyes).dtype == torch.bfloat16


def test_the_head_is_the_mean_of_the_features_and_one_logit(eyes):
    model = classifier.build("resnet18", seed=3)
    features = registry.build("resnet18", seed=3)
    head = model.get_layer("logit")
    with torch.no_grad():
        pooled = features(eyes).mean((1, 2))
        expected = pooled @ head.kernel.value.T + head.bias.value
        torch.testing.assert_close(model(eyes), expected, rtol=1e-5, atol=1e-5)
    assert isinstance(head, Logit)
    assert model.output_shape == (None, 1)


def test_the_same_seed_gives_the_same_weights_and_dropout_whatever_happened_before(eyes):
    first = classifier.build("resnet18", seed=1)
    torch.rand(5)
    keras.utils.set_random_seed(9)
    again = classifier.build("resnet18", seed=1)
    expected, found = weights_of(first), weights_of(again)
    assert all(np.array_equal(value, found[path]) for path, value in expected.items())
    assert torch.equal(first(eyes, training=True), again(eyes, training=True))


def test_another_seed_gives_other_weights_and_dropout():
    one, two = (weights_of(classifier.build("resnet18", seed=seed)) for seed in (1, 2))
    same = {path.split("/")[-1] for path, value in one.items() if np.array_equal(value, two[path])}
    assert "kernel" not in same


def test_building_leaves_the_global_generators_alone():
    before = (random.getstate(), torch.get_rng_state())
    classifier.build("resnet18", seed=1)
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])


def test_dropout_drops_in_training_only(eyes):
    model = classifier.build("resnet18", dropout=0.5, fine_tune="head")
    tapped = keras.Model(model.input, [model.get_layer("pool").output, model.get_layer("dropout").output])
    with torch.no_grad():
        pooled, same = tapped(eyes, training=False)
        _, dropped = tapped(eyes, training=True)
    assert torch.equal(pooled, same)
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], 2 * pooled[kept])
    assert 0.4 < kept.sum() / (pooled != 0).sum() < 0.6


def test_a_model_is_flat():
    model = classifier.build("resnet18")
    assert not any(layer._layers for layer in model.layers)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_saved_model_gives_the_same_logits(backbone, eyes, tmp_path):
    """Another process is tried in `test_load_model.py`, with every layer."""
    model = classifier.build(backbone, fine_tune="last", seed=1)
    train(model, eyes, steps=1)
    model.save(tmp_path / "model.keras")
    with torch.no_grad():
        np.testing.assert_array_equal(retina.load_model(tmp_path / "model.keras")(eyes), model(eyes))


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_weights_of_a_saved_model_return_to_a_model_built_anew(dropout, eyes, tmp_path):
    model = classifier.build("resnet18", seed=1, dropout=dropout, fine_tune="head")
    model(eyes, training=True)
    model.save(tmp_path / "model.keras")
    again = classifier.build("resnet18", seed=2)
    again.load_weights(tmp_path / "model.keras")
    with torch.no_grad():
        assert torch.equal(again(eyes), model(eyes))
    kernel = again.get_layer("layer2_0_conv1").kernel.value
    assert kernel.permute(0, 2, 3, 1).is_contiguous()


def test_a_backbone_is_transferred_with_its_statistics_and_without_the_head(eyes):
    source = classifier.build("resnet18", seed=1)
    train(source, eyes)
    target = classifier.build("resnet18", seed=2)
    head = target.get_layer("logit")
    before = head.get_weights()
    classifier.transfer_backbone(source, target)
    ours, theirs = state_dict.state_dict(target), state_dict.state_dict(source)
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())
    assert all(np.array_equal(now, then) for now, then in zip(head.get_weights(), before, strict=True))
    train(target, eyes, steps=1)
    assert not torch.equal(ours["conv1.weight"], theirs["conv1.weight"])


def test_another_backbone_cannot_be_transferred():
    with pytest.raises(WeightsError, match="another network"):
        classifier.transfer_backbone(classifier.build("vgg16"), classifier.build("resnet18"))


def test_a_state_dict_reaches_the_classifier(published, eyes):
    name, network, path = published
    model = classifier.build(name, weights=path)
    tapped = keras.Model(model.input, model.get_layer("pool").output)
    network.eval()
    with torch.no_grad():
        expected = network.features(eyes).mean((1, 2))
        assert relative_error(tapped(eyes), expected) < 1e-4


@pytest.mark.parametrize(
    ("fine_tune", "trainable"), [("head", 513), ("last", 8_393_728 + 513), ("full", 11_176_512 + 513)]
)
def test_a_description_counts_parameters(fine_tune, trainable):
    found = classifier.describe(classifier.build("resnet18", fine_tune=fine_tune))
    assert found == {"parameters": 11_176_512 + 513, "trainable_parameters": trainable}


def test_bad_settings_say_what_is_allowed():
    with pytest.raises(ExperimentError, match="did you mean 'full'"):
        classifier.build("resnet18", fine_tune="ful")
    with pytest.raises(ExperimentError, match="from 0 to below 1"):
        classifier.build("resnet18", dropout=1.0)
    with pytest.raises(ExperimentError, match="did you mean 'vgg16'"):
        classifier.build("vgg")


@pytest.mark.parametrize("prevalence", [0.05, 0.5, 0.79])
def test_a_head_at_the_prior_answers_every_image_with_the_prevalence(prevalence, eyes):
    model = classifier.build("resnet18", seed=1)
    backbone = [variable.numpy() for variable in model.get_layer("layer4_1_conv2").weights]
    classifier.start_at(model, prevalence)
    with torch.no_grad():
        answers = torch.sigmoid(model(eyes, training=True)).numpy()
    np.testing.assert_allclose(answers, prevalence, rtol=1e-6)
    for now, before in zip(model.get_layer("layer4_1_conv2").weights, backbone, strict=True):
        np.testing.assert_array_equal(now.numpy(), before)
