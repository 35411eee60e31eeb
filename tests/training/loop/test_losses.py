"""Losses: contracts over the registry, and the mathematics of the focal loss."""

import keras
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retina.experiments import experiment
from retina.experiments.experiment import SETTINGS
from retina.training.loop.losses import LOSSES, BinaryFocalLoss

logits = hnp.arrays(np.float32, st.integers(1, 20), elements=st.floats(-80, 80, width=32))
gammas = st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0])
alphas = st.sampled_from([None, 0.0, 0.25, 0.5, 0.79, 1.0])


def labels_for(scores, seed=0):
    return np.random.default_rng(seed).integers(0, 2, scores.shape).astype(np.float32)


def reference(labels, scores, gamma, alpha):
    """Equation 5 of Lin et al. 2017, as printed, in float64 on probabilities."""
    z = scores.astype(np.float64)
    p = np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))), np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))))
    q = np.where(z >= 0, np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))), 1 / (1 + np.exp(-np.abs(z))))
    p_t, q_t = np.where(labels == 1, p, q), np.where(labels == 1, q, p)
    weight = 1.0 if alpha is None else np.where(labels == 1, alpha, 1 - alpha)
    return np.mean(weight * q_t**gamma * -np.log(p_t))


def test_the_registry_names_what_an_experiment_may_ask_for():
    assert set(LOSSES) == set(SETTINGS["loss"].choices)


@pytest.mark.parametrize("name", LOSSES)
@given(scores=logits)
def test_every_loss_is_finite_never_negative_and_pulls_the_right_way(name, scores):
    loss = LOSSES[name](experiment.load("resnet18")[0])
    tensor = torch.tensor(scores[:, None], requires_grad=True)
    labels = labels_for(scores)
    value = loss(labels[:, None], tensor)
    value.backward()
    assert torch.isfinite(value)
    assert value >= 0
    towards = tensor.grad.numpy()[:, 0] * (2 * labels - 1)
    assert (towards <= 0).all()


@given(logits, gammas, alphas)
def test_focal_loss_agrees_with_the_printed_formula(scores, gamma, alpha):
    labels = labels_for(scores)
    found = float(BinaryFocalLoss(gamma, alpha)(labels[:, None], scores[:, None]))
    assert found == pytest.approx(reference(labels, scores, gamma, alpha), rel=1e-6, abs=1e-6)


@given(logits)
def test_gamma_zero_is_cross_entropy(scores):
    labels = labels_for(scores)
    plain = float(keras.losses.BinaryCrossentropy(from_logits=True)(labels[:, None], scores[:, None]))
    assert float(BinaryFocalLoss(0.0)(labels[:, None], scores[:, None])) == pytest.approx(plain, rel=1e-6, abs=1e-7)


@given(logits, st.floats(0, 1))
def test_gamma_zero_with_alpha_is_weighted_cross_entropy(scores, alpha):
    labels = labels_for(scores)
    weights = np.where(labels == 1, alpha, 1 - alpha)
    each = keras.losses.BinaryCrossentropy(from_logits=True, reduction=None)(labels[:, None], scores[:, None])
    expected = np.mean(weights * keras.ops.convert_to_numpy(each))
    found = float(BinaryFocalLoss(0.0, alpha)(labels[:, None], scores[:, None]))
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)


@given(logits, gammas)
def test_a_larger_gamma_never_makes_an_image_dearer(scores, gamma):
    labels = labels_for(scores)
    less = float(BinaryFocalLoss(gamma)(labels[:, None], scores[:, None]))
    more = float(BinaryFocalLoss(gamma + 1)(labels[:, None], scores[:, None]))
    assert more <= less * (1 + 1e-6)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_the_gradient_is_alive_on_a_confident_mistake(label):
    """At a logit of 60 on the wrong side the gradient is that of cross-entropy: 1."""
    wrong = torch.tensor([[60.0 if label == 0 else -60.0]], requires_grad=True)
    BinaryFocalLoss(2.0)(np.array([[label]], np.float32), wrong).backward()
    assert abs(float(wrong.grad)) == pytest.approx(1.0, abs=1e-6)
    clipped = torch.tensor([[60.0 if label == 0 else -60.0]], requires_grad=True)
    keras.losses.BinaryFocalCrossentropy(from_logits=True)(np.array([[label]], np.float32), clipped).backward()
    assert abs(float(clipped.grad)) < 1e-20, "Keras' own loss is alive here now: the reason for ours is gone"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_logits_are_scored_in_float32(dtype):
    scores = torch.tensor([[-30.0], [2.0], [45.0]], dtype=dtype)
    labels = np.array([[1.0], [1.0], [0.0]], np.float32)
    value = BinaryFocalLoss(2.0, 0.25)(labels, scores)
    assert value.dtype == torch.float32
    assert float(value) == pytest.approx(reference(labels, scores.float().numpy(), 2.0, 0.25), rel=1e-6)


def test_a_loss_survives_its_configuration():
    loss = BinaryFocalLoss(1.5, 0.3)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (again.gamma, again.alpha) == (1.5, 0.3)


@pytest.mark.parametrize(("gamma", "alpha"), [(-1.0, None), (2.0, 1.5), (2.0, -0.1)])
def test_impossible_parameters_are_refused(gamma, alpha):
    with pytest.raises(ValueError, match="Received"):
        BinaryFocalLoss(gamma, alpha)
