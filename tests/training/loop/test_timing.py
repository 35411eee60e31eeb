"""The clock of training, and callbacks that are called for several steps at once."""

import types

import keras
import torch
from small_runs import planned_by_eights as prepare

from retina.training import setup
from retina.training.loop import timing


def test_the_order_of_epochs_is_told_to_the_data(tiny_set, tmp_path):
    batches = setup.training_batches(prepare(tiny_set, tmp_path))
    clock = timing.Clock(batches)
    clock.on_epoch_begin(4)
    assert batches.epoch == 5


def test_the_clock_counts_the_time_of_steps_and_leaves_validation_out(monkeypatch):
    times = iter([10.0, 12.5, 20.0, 21.0])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(times))
    clock = timing.Clock(types.SimpleNamespace(epoch=0))
    for epoch in (0, 1):
        clock.on_epoch_begin(epoch)
        clock.on_epoch_end(epoch)
    assert clock.stepping_seconds == 3.5
    assert (clock.began, clock.steps_ended, clock.batches.epoch) == (20.0, 21.0, 2)


class Noted(keras.callbacks.Callback):
    """Notes the steps and epochs for which it is called."""

    def __init__(self):
        super().__init__()
        self.told = []

    def on_train_batch_end(self, batch, logs=None):
        self.told.append((batch, logs["loss"]))

    def on_epoch_end(self, epoch, logs=None):
        self.told.append("epoch")


def test_steps_wait_for_the_interval_or_for_the_end_of_the_epoch(monkeypatch):
    now = iter([0.0, 0.0, 0.05, 0.2, 0.2, 0.21, 0.21])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(now))
    noted = Noted()
    callbacks = timing.BatchedCallbacks([noted], model=types.SimpleNamespace())
    callbacks.on_train_begin()
    callbacks.interval = 0.1
    counts = []
    for batch in range(4):
        callbacks.on_train_batch_end(batch, {"loss": torch.tensor(batch + 0.5)})
        counts.append(len(noted.told))
    assert counts == [1, 1, 3, 3]
    callbacks.on_epoch_end(0, {})
    assert noted.told == [(0, 0.5), (1, 1.5), (2, 2.5), (3, 3.5), "epoch"]
