"""The learning rate's course: where it begins, how it rises, and that it follows from the count of steps alone."""

import keras
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retina.training.loop.optimizer import FusedAdam
from retina.training.loop.schedule import LinearWarmup, rate


@given(st.floats(1e-6, 1.0), st.integers(1, 500), st.integers(0, 1000))
def test_step_k_of_n_has_its_share_and_all_later_ones_the_whole(whole, steps, finished):
    expected = whole * min(1.0, (finished + 1) / steps)
    assert float(LinearWarmup(whole, steps)(finished)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("epochs", "steps_per_epoch", "steps"), [(1.0, 10, 10), (0.25, 10, 2), (0.5, 3, 2), (2.5, 4, 10)]
)
def test_the_length_in_epochs_becomes_whole_steps(epochs, steps_per_epoch, steps):
    course = rate(1e-3, epochs, steps_per_epoch)
    assert (course.learning_rate, course.steps) == (1e-3, steps)


def test_without_a_step_of_warm_up_the_rate_is_a_number():
    assert rate(1e-3, 0.0, 10) == 1e-3
    assert rate(1e-3, 0.01, 10) == 1e-3


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match="steps must be at least 1"):
        LinearWarmup(1e-3, 0)


def test_the_optimizer_takes_the_rate_of_its_own_count_of_steps():
    """Adam's first steps are of about the size of the rate, whatever the gradient."""
    variable = keras.Variable(np.zeros(1, np.float32))
    made = FusedAdam(LinearWarmup(1e-2, 4))
    made.build([variable])
    moved = []
    for _ in range(6):
        before = float(variable.numpy()[0])
        made.apply([torch.ones(1)], [variable])
        moved.append(before - float(variable.numpy()[0]))
    assert moved == pytest.approx([2.5e-3, 5e-3, 7.5e-3, 1e-2, 1e-2, 1e-2], rel=1e-3)
    assert float(made.learning_rate) == pytest.approx(1e-2)


def test_a_schedule_is_made_again_from_its_description():
    again = LinearWarmup.from_config(LinearWarmup(1e-3, 7).get_config())
    assert (again.learning_rate, again.steps) == (1e-3, 7)
