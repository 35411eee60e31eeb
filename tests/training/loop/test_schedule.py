"""The learning rate's course: where it begins, how it rises and falls, and that it needs no state."""

import dataclasses

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina.experiments import parameters
from retina.reporting.terminal.remarks import of_settings
from retina.runs.epochs import stop_epoch
from retina.training.loop.optimizer import FusedAdam
from retina.training.loop.schedule import Schedule, ScheduledRate, reductions

PLAIN = parameters.load("resnet18", weights="random", epochs=8, learning_rate=1e-2)[0]


def rates(steps_per_epoch=4, val_losses=(), **settings):
    """The rates of all steps of a run."""
    chosen = dataclasses.replace(PLAIN, **settings)
    schedule = Schedule.of(chosen, steps_per_epoch)
    steps = range(chosen.epochs * steps_per_epoch)
    return [schedule.rate(step, val_losses[: step // steps_per_epoch]) for step in steps]


def test_by_default_it_is_the_rate_in_every_step():
    assert rates() == [1e-2] * 32


@given(st.floats(0.0, 8.0), st.integers(1, 50), st.sampled_from(["constant", "cosine", "plateau"]))
def test_step_k_of_n_has_its_share_and_the_next_one_the_whole(epochs, steps_per_epoch, shape):
    n = max(1, round(epochs * steps_per_epoch)) if epochs else 0
    course = rates(steps_per_epoch, warmup_epochs=epochs, schedule=shape, val_losses=np.linspace(1, 0.5, 8))
    assert course[:n] == pytest.approx([1e-2 * k / n for k in range(1, n + 1)])
    if n < len(course):
        assert course[n] == pytest.approx(1e-2)


def test_a_cosine_falls_to_zero_over_the_epochs_and_is_half_in_their_middle():
    course = rates(schedule="cosine")
    assert course == sorted(course, reverse=True)
    assert course[16] == pytest.approx(5e-3)
    assert 0 < course[-1] < 1e-4
    own = keras.optimizers.schedules.CosineDecay(1e-2, decay_steps=32)
    assert course == pytest.approx([float(own(step)) for step in range(32)], rel=1e-4, abs=1e-8)


def test_the_head_alone_has_the_whole_rate_and_the_course_begins_after_it():
    course = rates(schedule="cosine", freeze_epochs=2, warmup_epochs=1.0)
    alone, rest = course[:8], course[8:]
    assert alone == [1e-2] * 8
    assert rest == rates(schedule="cosine", epochs=6, warmup_epochs=1.0)


def test_a_plateau_reduces_the_rate_from_the_next_epoch_on():
    losses = [0.6, 0.5, 0.55, 0.45, 0.45, 0.46, 0.4, 0.3]
    course = rates(1, losses, schedule="plateau", plateau_factor=0.1)
    assert course == pytest.approx([1e-2, 1e-2, 1e-2, 1e-3, 1e-3, 1e-4, 1e-5, 1e-5])


def test_losses_of_the_warm_up_and_of_the_head_alone_are_no_plateau():
    settings = {"schedule": "plateau", "plateau_factor": 0.1}
    assert rates(1, [0.5] * 8, freeze_epochs=2, warmup_epochs=3.0, **settings)[:7] == pytest.approx(
        [1e-2, 1e-2, 1e-2 / 3, 2e-2 / 3, 1e-2, 1e-2, 1e-2]
    )


def test_a_plateau_begins_where_early_stopping_does_though_a_warm_up_is_rounded_to_fewer_epochs():
    losses = [0.9, 0.5, 0.6, 0.61, 0.62, 0.63, 0.64, 0.65]
    settings = {"schedule": "plateau", "plateau_patience": 3, "plateau_factor": 0.1, "early_stopping": False}
    course = rates(30, losses, warmup_epochs=1.01, **settings)
    assert course[6 * 30 - 1] == 1e-2
    assert course[6 * 30] == pytest.approx(1e-3)


def test_an_epoch_in_which_the_warm_up_ends_is_not_the_mark_of_a_plateau():
    settings = {"schedule": "plateau", "plateau_factor": 0.1, "warmup_epochs": 0.5}
    course = rates(2, [0.5, 0.7, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6], **settings)
    assert course[2:8] == pytest.approx([1e-2] * 6)
    assert course[8:10] == pytest.approx([1e-3] * 2)


@given(st.lists(st.floats(0.1, 2.0), max_size=30), st.integers(1, 5))
def test_reductions_are_those_of_keras_own_callback(losses, patience):
    own = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=patience, min_delta=0.0, min_lr=0.0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1.0))
    own.set_model(model)
    own.on_train_begin()
    for epoch, loss in enumerate(losses):
        own.on_epoch_end(epoch, {"val_loss": loss})
    assert 0.5 ** reductions(losses, patience) == pytest.approx(float(model.optimizer.learning_rate))


@given(st.lists(st.floats(0.1, 2.0), min_size=1, max_size=30), st.integers(1, 5), st.integers(0, 3))
def test_a_plateau_that_waits_as_long_as_early_stopping_is_never_met(losses, patience, longer):
    """So an experiment of both is refused."""
    last = stop_epoch(losses, patience) or len(losses)
    assert reductions(losses[: last - 1], patience + longer) == 0


def test_the_optimizer_has_the_rate_of_each_step_before_it():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(FusedAdam(1.0))
    callback = ScheduledRate(Schedule.of(dataclasses.replace(PLAIN, warmup_epochs=1.5), 4), list)
    callback.set_model(model)
    seen = []
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        for batch in range(4):
            callback.on_train_batch_begin(batch)
            seen.append(float(model.optimizer.learning_rate))
    assert seen == pytest.approx([1e-2 * k / 6 for k in range(1, 7)] + [1e-2] * 2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schedule": "cosine", "warmup_epochs": 3.0, "epochs": 4}, None),
        ({"schedule": "cosine", "warmup_epochs": 4.0, "epochs": 4}, "The cosine schedule has no effect"),
        ({"schedule": "cosine", "warmup_epochs": 1.0, "freeze_epochs": 3, "epochs": 4}, "The cosine schedule has no"),
        ({"schedule": "plateau", "epochs": 3}, None),
        ({"schedule": "plateau", "epochs": 2}, "The plateau schedule has no effect: epoch 3 is the first"),
        ({"schedule": "plateau", "warmup_epochs": 3.5, "epochs": 6}, "no effect: epoch 7 is the first"),
        ({"schedule": "constant", "warmup_epochs": 4.0, "epochs": 4}, None),
    ],
)
def test_a_schedule_that_can_lower_no_rate_is_told_and_lowers_none(changes, words):
    experiment = dataclasses.replace(PLAIN, **changes)
    said = " ".join(of_settings(experiment, images=100))
    assert words in said if words else "schedule" not in said
    course = rates(val_losses=[1.0] * 8, **changes)  # losses that never fall: the most that a plateau can be given
    lowered = min(course[max(0, 4 * experiment.opening_epochs - 1) :]) < max(course)
    assert lowered == (words is None and changes["schedule"] != "constant")
