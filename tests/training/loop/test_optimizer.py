"""Fused optimizers step as the papers' algorithms do, behind Keras' interface."""

import keras
import numpy as np
import pytest
import torch
from torch.optim import adam

from retina.models import classifier
from retina.training.loop import optimizer
from retina.training.loop.optimizer import FusedAdam, FusedSGD

RATE = 1e-2


def variables():
    """One kernel in channels_last memory, one vector."""
    rng = np.random.default_rng(0)
    kernel = keras.Variable(rng.normal(size=(4, 3, 3, 3)).astype("float32"))
    kernel.value.data = kernel.value.data.contiguous(memory_format=torch.channels_last)
    return [kernel, keras.Variable(rng.normal(size=(5,)).astype("float32"))]


def gradients(step):
    """In their variables' memory layouts, as torch's autograd leaves them."""
    rng = np.random.default_rng(step + 1)
    kernel, vector = (torch.from_numpy(rng.normal(size=shape).astype("float32")) for shape in ((4, 3, 3, 3), (5,)))
    return [kernel.contiguous(memory_format=torch.channels_last), vector]


def in_float64(steps, epsilon=1e-7):
    """Algorithm 1 of the paper, by numpy."""
    values = [np.array(variable.numpy(), np.float64) for variable in variables()]
    means = [[np.zeros_like(value), np.zeros_like(value)] for value in values]
    for step in range(1, steps + 1):
        for value, mean, gradient in zip(values, means, gradients(step), strict=True):
            g = gradient.double().numpy()
            mean[0] = 0.9 * mean[0] + 0.1 * g
            mean[1] = 0.999 * mean[1] + 0.001 * g**2
            corrected = [mean[0] / (1 - 0.9**step), mean[1] / (1 - 0.999**step)]
            value[...] -= RATE * corrected[0] / (np.sqrt(corrected[1]) + epsilon)
    return values


def after(made, steps):
    changed = variables()
    for step in range(1, steps + 1):
        made.apply(gradients(step), changed)
    return changed


@pytest.mark.parametrize("steps", [1, 2, 25])
def test_steps_are_those_of_the_papers_algorithm(steps):
    for ours, exact in zip(after(FusedAdam(RATE), steps), in_float64(steps), strict=True):
        np.testing.assert_allclose(ours.numpy(), exact, atol=1e-6)


def test_keras_own_adam_goes_the_same_way():
    for ours, theirs in zip(after(FusedAdam(RATE), 25), after(keras.optimizers.Adam(RATE), 25), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=2e-5)


def test_running_means_lie_in_memory_as_their_variables_do():
    """The kernel walks memory: another layout would mix up the weights without a word."""
    made = FusedAdam(RATE)
    changed = after(made, 1)
    for variable, *means in zip(changed, made._momentums, made._velocities, strict=True):
        assert all(mean.value.stride() == variable.value.stride() for mean in means)


def test_a_gradient_in_another_layout_is_put_right():
    made, changed = FusedAdam(RATE), variables()
    made.apply([gradient.contiguous() for gradient in gradients(1)], changed)
    for ours, exact in zip(changed, in_float64(1), strict=True):
        np.testing.assert_allclose(ours.numpy(), exact, atol=1e-6)


def test_the_learning_rate_and_the_step_are_read_at_every_step():
    made, changed = FusedAdam(RATE), variables()
    made.build(changed)
    made.learning_rate = 0.0
    before = [variable.numpy().copy() for variable in changed]
    made.apply(gradients(1), changed)
    assert all((variable.numpy() == old).all() for variable, old in zip(changed, before, strict=True))
    assert int(made.iterations) == 1


def test_a_state_given_back_goes_on_as_if_never_interrupted():
    straight = after(FusedAdam(RATE), 4)
    first = FusedAdam(RATE)
    changed = after(first, 2)
    second = FusedAdam.from_config(first.get_config())
    second.build(changed)
    for variable, saved in zip(second.variables, first.variables, strict=True):
        variable.assign(saved.numpy())
    for step in (3, 4):
        second.apply(gradients(step), changed)
    for ours, theirs in zip(changed, straight, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_what_they_do_not_offer_is_refused():
    with pytest.raises(ValueError, match="does not offer amsgrad"):
        FusedAdam(RATE, amsgrad=True)
    for argument in ({"momentum": 0.0}, {"nesterov": False}):
        with pytest.raises(ValueError, match="Nesterov's momentum between 0 and 1"):
            FusedSGD(RATE, **argument)


@pytest.mark.parametrize("decay", [None, 0.3])
def test_sgd_steps_as_keras_own_does(decay):
    ours = after(FusedSGD(RATE, weight_decay=decay), 25)
    theirs = after(keras.optimizers.SGD(RATE, momentum=0.9, nesterov=True, weight_decay=decay), 25)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), atol=1e-5)


def test_adam_with_a_weight_decay_steps_as_keras_own_adamw():
    ours = after(FusedAdam(RATE, weight_decay=0.3), 25)
    for mine, other in zip(ours, after(keras.optimizers.AdamW(RATE, weight_decay=0.3), 25), strict=True):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), atol=2e-5)


@pytest.mark.parametrize("kind", [FusedAdam, FusedSGD])
def test_what_is_excluded_is_not_decayed_and_the_rest_is_at_its_own_rate(kind):
    """Without a gradient the decay is all that moves."""
    changed = variables()
    made = kind(0.1, weight_decay=0.5, rate_multipliers={changed[0].path: 0.2})
    made.exclude_from_weight_decay([changed[1]])
    made.apply([torch.zeros_like(part) for part in gradients(1)], changed)
    kernel, vector = (variable.numpy() for variable in variables())
    np.testing.assert_allclose(changed[0].numpy(), kernel * (1 - 0.1 * 0.2 * 0.5), rtol=1e-6)
    np.testing.assert_array_equal(changed[1].numpy(), vector)


@pytest.mark.parametrize("kind", [FusedAdam, FusedSGD])
@pytest.mark.parametrize("multiplier", [0.0, 0.25])
def test_a_multiplied_rate_is_that_rate(kind, multiplier):
    scaled, alone = variables(), variables()
    for changed, rate, multipliers in ((scaled, RATE, {scaled[0].path: multiplier}), (alone, RATE * multiplier, {})):
        made = kind(rate, rate_multipliers=multipliers)
        for step in range(1, 6):
            made.apply(gradients(step), changed)
    np.testing.assert_allclose(scaled[0].numpy(), alone[0].numpy(), atol=1e-7)
    if multiplier == 0:
        np.testing.assert_array_equal(scaled[0].numpy(), variables()[0].numpy())


@pytest.mark.parametrize("kind", [FusedAdam, FusedSGD])
def test_the_running_average_of_the_weights_begins_at_the_weights(kind):
    made, changed = kind(RATE, use_ema=True, ema_momentum=0.75), variables()
    expected = [variable.numpy().astype(np.float64) for variable in changed]
    for step in range(1, 5):
        made.apply(gradients(step), changed)
        expected = [0.75 * old + 0.25 * variable.numpy() for old, variable in zip(expected, changed, strict=True)]
    for average, value in zip(made._model_variables_moving_average, expected, strict=True):
        np.testing.assert_allclose(average.numpy(), value, atol=1e-6)


@pytest.mark.parametrize("kind", [FusedAdam, FusedSGD])
def test_begun_anew_it_steps_as_a_new_one(kind):
    made, changed = kind(RATE, use_ema=True, ema_momentum=0.5), variables()
    for step in (1, 2):
        made.apply(gradients(step), changed)
    made.reset()
    fresh = variables()
    for variable, other in zip(fresh, changed, strict=True):
        variable.assign(other.numpy())
    new = kind(RATE, use_ema=True, ema_momentum=0.5)
    new.build(fresh)
    for step in (3, 4):
        made.apply(gradients(step), changed)
        new.apply(gradients(step), fresh)
    for ours, theirs in zip(made.variables, new.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_keras_fit_takes_one_fused_step_for_all_weights_and_learns_as_with_its_own_adam(monkeypatch):
    calls = []

    def counted(params, *arguments, **settings):
        calls.append(len(params))
        return adam.adam(params, *arguments, **settings)

    monkeypatch.setattr(optimizer, "adam", counted)
    losses = {}
    for kind in (FusedAdam, keras.optimizers.Adam):
        model = classifier.build("resnet18", dropout=0.0)
        model.compile(kind(1e-4), keras.losses.BinaryCrossentropy(from_logits=True))
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (8, 64, 64, 3)).astype("float32")
        labels = (np.arange(8) % 2).astype("float32")[:, None]
        losses[kind] = model.fit(images, labels, batch_size=4, epochs=2, shuffle=False, verbose=0).history["loss"]
    assert calls == [len(model.trainable_variables)] * 4
    np.testing.assert_allclose(losses[FusedAdam], losses[keras.optimizers.Adam], rtol=0.05)


@pytest.mark.parametrize("largest", [1e-3, 1.0, 1e6])
def test_gradients_whose_common_norm_is_too_large_are_scaled_down_together(largest):
    """Seen in the running means, since Adam's step hides the size of a gradient."""
    made, changed = FusedAdam(RATE, global_clipnorm=largest), variables()
    given = gradients(1)
    norm = float(torch.sqrt(sum((part.double() ** 2).sum() for part in given)))
    made.apply(given, changed)
    for mean, part in zip(made._momentums, given, strict=True):
        expected = 0.1 * min(1.0, largest / norm) * part
        torch.testing.assert_close(mean.value, expected, rtol=1e-5, atol=1e-9)


def test_gradients_of_zero_are_left_alone_by_clipping():
    made, changed = FusedAdam(RATE, global_clipnorm=1.0), variables()
    made.apply([torch.zeros_like(part) for part in gradients(1)], changed)
    for ours, before in zip(changed, variables(), strict=True):
        np.testing.assert_array_equal(ours.numpy(), before.numpy())
