"""Running averages take the place of the weights for a block, and no longer."""

import keras
import numpy as np
import pytest
import torch

from retina.training.loop.averaging import averaged
from retina.training.loop.optimizer import FusedAdam


def stepped(**settings):
    """A variable that took three steps, and its optimizer."""
    variable, optimizer = keras.Variable(np.zeros(2, np.float32)), FusedAdam(0.1, **settings)
    optimizer.build([variable])
    for _ in range(3):
        optimizer.apply([torch.ones(2)], [variable])
    return variable, optimizer


def test_the_averages_are_there_in_the_block_and_the_weights_after_it():
    variable, optimizer = stepped(use_ema=True, ema_momentum=0.5)
    average = optimizer._model_variables_moving_average[0]
    weights, means, memory = variable.numpy().copy(), average.numpy().copy(), variable.value.data_ptr()
    assert (weights != means).all()
    with averaged(optimizer) as swapped:
        assert swapped
        np.testing.assert_array_equal(variable.numpy(), means)
        assert variable.value.data_ptr() == memory, "a recorded prediction reads where it was recorded"
    np.testing.assert_array_equal(variable.numpy(), weights)
    np.testing.assert_array_equal(average.numpy(), means)


def test_the_weights_come_back_after_an_error_too():
    variable, optimizer = stepped(use_ema=True, ema_momentum=0.5)
    weights = variable.numpy().copy()
    with pytest.raises(KeyError), averaged(optimizer):
        raise KeyError
    np.testing.assert_array_equal(variable.numpy(), weights)


def test_without_averages_nothing_is_exchanged():
    variable, optimizer = stepped()
    weights = variable.numpy().copy()
    with averaged(optimizer) as swapped:
        assert not swapped
        np.testing.assert_array_equal(variable.numpy(), weights)
