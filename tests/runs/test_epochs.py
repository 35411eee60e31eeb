"""Best epoch and early stopping follow Keras' rules."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina.runs import epochs

PUBLISHED = [1.346, 1.322, 1.292, 1.216, 1.167, 1.089, 1.056, 1.033, 1.017]
PUBLISHED += [1.009, 0.991, 0.962, 1.096, 1.112, 1.141, 1.233, 1.226]
"""Validation loss of a published ResNet50 on RFMiD."""


class Stub:
    """As much of a model as the callback touches."""

    stop_training = False

    def get_weights(self):
        return []

    def set_weights(self, weights):
        pass


def keras_stop(losses, patience, after=0):
    rule = {"monitor": "val_loss", "mode": "min", "restore_best_weights": True}
    callback = keras.callbacks.EarlyStopping(**rule, patience=patience, start_from_epoch=after)
    callback.set_model(Stub())
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if callback.model.stop_training:
            return epoch + 1, callback.best_epoch + 1
    return None, callback.best_epoch + 1


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]), min_size=1, max_size=20), st.integers(1, 5))
def test_training_stops_where_keras_stops_and_the_best_epoch_is_the_same(losses, patience):
    expected_stop, expected_best = keras_stop(losses, patience)
    stop = epochs.stop_epoch(losses, patience)
    assert stop == expected_stop
    assert epochs.best_epoch(losses[:stop]) == expected_best


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]), max_size=20), st.integers(1, 5), st.integers(0, 6))
def test_epochs_that_are_not_judged_move_the_stop_as_in_keras(losses, patience, after):
    assert epochs.stop_epoch(losses, patience, after=after) == keras_stop(losses, patience, after)[0]


def test_the_lowest_loss_of_a_warm_up_is_no_mark_for_early_stopping_and_may_be_the_best():
    losses = [0.5, 0.9, 0.8, 0.7, 0.75, 0.72]
    assert epochs.stop_epoch(losses, patience=2) == 3
    assert epochs.stop_epoch(losses, patience=2, after=1) == 6
    assert epochs.best_epoch(losses) == 1


def test_the_published_curve_stops_after_epoch_15_with_epoch_12_the_best():
    assert epochs.best_epoch(PUBLISHED) == 12
    assert epochs.stop_epoch(PUBLISHED, patience=3) == 15


@given(st.lists(st.floats(0, 10), min_size=1, max_size=30), st.integers(1, 6))
def test_what_comes_after_the_stop_does_not_move_it(losses, patience):
    stop = epochs.stop_epoch(losses, patience)
    if stop is not None:
        assert epochs.stop_epoch(losses[:stop], patience) == stop
        assert epochs.stop_epoch(losses[: stop - 1], patience) is None


@pytest.mark.parametrize("losses", [[], [np.inf], [np.nan, np.inf]])
def test_there_is_no_best_epoch_without_a_finite_loss(losses):
    assert epochs.best_epoch(losses) is None
