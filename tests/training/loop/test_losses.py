"""Losses: contracts over the registry, and the mathematics of the focal loss."""

import dataclasses

import keras
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retina.experiments import parameters
from retina.experiments.experiment import SETTINGS
from retina.training.loop.losses import LOSSES, BinaryFocalLoss, ClassWeighted, training_loss

P1 = parameters.load("resnet18")[0]
logits = hnp.arrays(np.float32, st.integers(1, 20), elements=st.floats(-80, 80, width=32))
gammas = st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0])
alphas = st.sampled_from([None, 0.0, 0.25, 0.5, 0.79, 1.0])
smoothings = st.sampled_from([0.0, 0.05, 0.1, 0.5, 0.99])
prevalences = st.floats(0.01, 0.99)
both_classes = st.lists(st.sampled_from([0.0, 1.0]), min_size=2).filter(lambda labels: len(set(labels)) > 1)


def labels_for(scores, seed=0):
    return np.random.default_rng(seed).integers(0, 2, scores.shape).astype(np.float32)


def chosen(name="ce", **settings):
    """The experiment whose loss is asked for."""
    return dataclasses.replace(P1, loss=name, **settings)


def column(values):
    return np.asarray(values, np.float32)[:, None]


def reference(labels, scores, gamma, alpha):
    """Equation 5 of Lin et al. 2017, as printed, in float64 on probabilities; its mean."""
    return np.mean(each_reference(labels, scores, gamma, alpha))


def each_reference(labels, scores, gamma, alpha):
    """The same for every image."""
    z = scores.astype(np.float64)
    p = np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))), np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))))
    q = np.where(z >= 0, np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))), 1 / (1 + np.exp(-np.abs(z))))
    p_t, q_t = np.where(labels == 1, p, q), np.where(labels == 1, q, p)
    weight = 1.0 if alpha is None else np.where(labels == 1, alpha, 1 - alpha)
    return weight * q_t**gamma * -np.log(p_t)


def full_reference(labels, scores, gamma, alpha, *, smoothing, prevalence):
    """The balanced mean of a smoothed loss: y FL(+) + (1 - y) FL(-) with y of 1 - e/2 or e/2, weighed by the class."""
    positive = each_reference(np.ones_like(labels), scores, gamma, alpha)
    negative = each_reference(np.zeros_like(labels), scores, gamma, alpha)
    y = labels.astype(np.float64) * (1 - smoothing) + smoothing / 2
    weights = np.where(labels == 1, 1 / (2 * prevalence), 1 / (2 * (1 - prevalence)))
    return np.mean(weights * (y * positive + (1 - y) * negative))


def test_the_registry_names_what_an_experiment_may_ask_for():
    assert set(LOSSES) == set(SETTINGS["loss"].choices)


@pytest.mark.parametrize("name", LOSSES)
@given(scores=logits)
def test_every_loss_is_finite_never_negative_and_pulls_the_right_way(name, scores):
    loss = LOSSES[name](parameters.load("resnet18")[0])
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


@given(logits, gammas, alphas, smoothings, prevalences)
def test_a_balanced_smoothed_focal_loss_agrees_with_the_formula(scores, gamma, alpha, smoothing, prevalence):
    labels = labels_for(scores)
    given_one = chosen(
        "focal", focal_gamma=gamma, focal_alpha=alpha, class_weight="balanced", label_smoothing=smoothing
    )
    value = float(training_loss(given_one, prevalence)(column(labels), column(scores)))
    expected = full_reference(labels, scores, gamma, alpha, smoothing=smoothing, prevalence=prevalence)
    assert value == pytest.approx(expected, rel=1e-6, abs=1e-5 / min(prevalence, 1 - prevalence))


@given(logits, smoothings, prevalences)
def test_a_balanced_smoothed_cross_entropy_agrees_with_the_formula(scores, smoothing, prevalence):
    labels = labels_for(scores)
    loss = training_loss(chosen(class_weight="balanced", label_smoothing=smoothing), prevalence)
    expected = full_reference(labels, scores, 0.0, None, smoothing=smoothing, prevalence=prevalence)
    tolerance = 1e-5 / min(prevalence, 1 - prevalence)  # float32's at a logit of 80, times the weight
    assert float(loss(column(labels), column(scores))) == pytest.approx(expected, rel=1e-6, abs=tolerance)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("settings", [{}, {"class_weight": "balanced"}, {"label_smoothing": 0.1}])
def test_a_loss_is_the_same_on_an_apple_gpu_where_keras_drops_the_column(name, settings, monkeypatch):
    labels, scores = column([1, 1, 1, 0]), column([3, -1, 2, 1])
    loss = training_loss(chosen(name, **settings), 0.75)
    here = float(loss(labels, scores))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert float(loss(labels, scores)) == here


def test_class_weights_refuse_a_loss_that_is_not_of_every_image():
    loss = ClassWeighted(keras.losses.BinaryCrossentropy(from_logits=True), positive=1.0, negative=2.0)
    with pytest.raises(ValueError, match="each image needs its own loss"):
        loss(column([1, 0, 1]), column([3, -1, 2]))


@given(logits, smoothings)
def test_a_smoothed_focal_loss_of_gamma_zero_is_keras_smoothed_cross_entropy(scores, smoothing):
    labels = labels_for(scores)
    plain = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing)(column(labels), column(scores))
    value = BinaryFocalLoss(0.0, label_smoothing=smoothing)(column(labels), column(scores))
    assert float(value) == pytest.approx(float(plain), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", LOSSES)
@given(labels=both_classes)
def test_balanced_classes_weigh_the_same_and_a_training_image_weighs_one_on_average(name, labels):
    scores = column(np.zeros(len(labels)))
    settings = {"focal_alpha": None} if name == "focal" else {}
    plain, balanced = chosen(name, **settings), chosen(name, class_weight="balanced", **settings)
    weighted = keras.ops.convert_to_numpy(training_loss(balanced, np.mean(labels)).call(column(labels), scores))
    each = keras.ops.convert_to_numpy(training_loss(plain, np.mean(labels)).call(column(labels), scores))
    weights = weighted.reshape(-1) / each.reshape(-1)  # Keras' own cross-entropy has no column
    positive = np.asarray(labels) == 1
    assert weights.mean() == pytest.approx(1, rel=1e-5)
    assert weights[positive].sum() == pytest.approx(weights[~positive].sum(), rel=1e-5)
    assert np.ptp(weights[positive]) == np.ptp(weights[~positive]) == 0


@given(scores=logits)
def test_without_weights_and_smoothing_cross_entropy_is_keras_own_class_as_it_comes(scores):
    loss, keras_own = training_loss(chosen(), 0.8), keras.losses.BinaryCrossentropy(from_logits=True)
    assert type(loss) is type(keras_own)
    assert loss.get_config() == keras_own.get_config()
    assert_same_bits(loss, keras_own, scores)


@given(scores=logits, gamma=gammas, alpha=alphas)
def test_without_weights_and_smoothing_the_focal_loss_has_the_bits_that_it_had_before_there_were_any(
    scores, gamma, alpha
):
    def before(y_true, y_pred):
        sign = 2 * y_true - 1
        score = sign * y_pred
        log = torch.nn.functional.logsigmoid
        loss = -torch.exp(gamma * log(-score)) * log(score)
        return (loss if alpha is None else loss * (y_true * alpha + (1 - y_true) * (1 - alpha))).mean()

    loss = training_loss(chosen("focal", focal_gamma=gamma, focal_alpha=alpha), 0.8)
    assert_same_bits(loss, before, scores)


def assert_same_bits(one, other, scores):
    """Two losses give the same value and the same gradient, to the last bit."""
    labels, results = torch.tensor(column(labels_for(scores))), []
    for loss in (one, other):
        tensor = torch.tensor(column(scores), requires_grad=True)
        value = loss(labels, tensor)
        value.backward()
        results.append((value.detach(), tensor.grad))
    assert all(torch.equal(first, second) for first, second in zip(*results, strict=True))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("settings", [{"class_weight": "balanced"}, {"label_smoothing": 0.1}])
def test_each_setting_changes_every_loss(name, settings):
    labels, scores = column([1, 1, 1, 0]), column([3, -1, 2, 1])
    plain, other = (training_loss(chosen(name, **given), 0.75)(labels, scores) for given in ({}, settings))
    assert float(plain) != pytest.approx(float(other), rel=1e-3)


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
    loss = ClassWeighted(BinaryFocalLoss(1.5, 0.3, label_smoothing=0.1), positive=0.6, negative=3.0)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (again.positive, again.negative) == (0.6, 3.0)
    assert (again.loss.gamma, again.loss.alpha, again.loss.label_smoothing) == (1.5, 0.3, 0.1)


@pytest.mark.parametrize(
    ("gamma", "alpha", "smoothing"),
    [(-1.0, None, 0.0), (2.0, 1.5, 0.0), (2.0, -0.1, 0.0), (2.0, None, 1.0), (2.0, None, -0.1)],
)
def test_impossible_parameters_are_refused(gamma, alpha, smoothing):
    with pytest.raises(ValueError, match="Received"):
        BinaryFocalLoss(gamma, alpha, label_smoothing=smoothing)


@pytest.mark.parametrize(("positive", "negative"), [(0.0, 1.0), (1.0, -1.0), (float("nan"), 1.0)])
def test_a_class_without_weight_is_refused(positive, negative):
    with pytest.raises(ValueError, match="Received"):
        ClassWeighted(BinaryFocalLoss(), positive=positive, negative=negative)
