"""What happens after an epoch: exact validation, early stopping, and a stop at divergence."""

import dataclasses
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
from small_runs import history, run_of, small_network
from small_runs import planned_by_eights as prepare

from retina.errors import DivergedError
from retina.experiments import parameters
from retina.training import execution
from retina.training.loop import callbacks


class RisingLoss(keras.callbacks.Callback):
    """Validation loss falls once and then rises, whatever the network does."""

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = [0.5, 0.4, 0.6, 0.7, 0.8][epoch]


def test_early_stopping_ends_a_run_and_its_absence_only_notes_where(tiny_set, tmp_path):
    """The same seed: the run without early stopping goes on where the other stops, over the same epochs."""
    options = {"epochs": 5, "patience": 2, "build": small_network, "listeners": [RisingLoss()]}
    stopped = run_of(tiny_set, tmp_path, **options)
    record = stopped.record()
    assert record.status == "stopped_early"
    assert record.early_stopping.stop_epoch == record.epochs_run == 4
    assert record.best_epoch == 2
    whole = run_of(tiny_set, tmp_path, early_stopping=False, **options)
    assert whole.record().status == "completed"
    assert whole.record().epochs_run == 5
    assert whole.record().best_epoch == 2
    assert whole.record().early_stopping.stop_epoch == record.epochs_run
    pd.testing.assert_frame_equal(history(whole)[: record.epochs_run], history(stopped))


@pytest.mark.parametrize("ema", [0.0, 0.8])
def test_validation_is_exact(tiny_set, tmp_path, ema):
    """One pass gives the mean loss over images, not over batches, and the AUROC of the ranks, of the weights kept."""
    prepared = prepare(tiny_set, tmp_path, precision="float32", epochs=1, ema=ema)
    run, _ = execution.execute(prepared)
    rows = run.predictions().query("split == 'validation'")
    positive, negative = (rows.query(f"label == {label}")["logit"].to_numpy() for label in (1, 0))
    pairs = positive[:, None] - negative[None, :]
    found = run.history().iloc[0]
    score = np.where(rows["label"] == 1, 1, -1) * rows["logit"]
    assert found["val_loss"] == pytest.approx(np.mean(np.logaddexp(0, -score)), rel=1e-5)
    assert found["val_auroc"] == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
    assert found["val_accuracy"] == pytest.approx(np.mean((rows["logit"] > 0) == (rows["label"] == 1)))


def test_what_training_has_reached_says_whether_early_stopping_has_ended_it():
    state = callbacks.TrainingState([{"val_loss": loss} for loss in (0.5, 0.6, 0.7)])
    assert state.val_losses == [0.5, 0.6, 0.7]
    settings = parameters.load("resnet18", weights="random", patience=2)[0]
    assert state.stopped(settings)
    assert not state.stopped(dataclasses.replace(settings, patience=3))
    assert not state.stopped(dataclasses.replace(settings, early_stopping=False))
    for opening in ({"freeze_epochs": 1}, {"warmup_epochs": 0.5}, {"warmup_epochs": 1.0}):
        assert not state.stopped(dataclasses.replace(settings, **opening)), "one epoch alone was waited for"


@pytest.fixture
def model():
    """A compiled network of two weights."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="logit")])
    network.compile(keras.optimizers.Adam(1e-4))
    return network


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_step_whose_loss_is_not_finite_is_named_counted_from_one(loss):
    watched = callbacks.Finite()
    watched.on_train_batch_end(6, {"loss": 1e30})
    with pytest.raises(DivergedError, match=f"Found: loss {loss} at step 8 of the epoch") as caught:
        watched.on_train_batch_end(7, {"loss": loss})
    assert caught.value.step == 8


def test_a_weight_that_is_not_finite_after_an_epoch_is_named(model):
    watched = callbacks.Finite()
    watched.set_model(model)
    watched.on_epoch_end(0)
    model.get_layer("logit").bias.assign([np.nan])
    with pytest.raises(DivergedError, match=r"others in sequential.*/logit/bias after epoch 2"):
        watched.on_epoch_end(1)


def test_validation_that_is_not_finite_stops_training_and_finite_logits_are_scored(model, monkeypatch):
    logits = np.array([2.0, -1.0, 0.5], np.float32)
    monkeypatch.setattr(callbacks.prediction, "logits", lambda model, batches: logits)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    scored, logs = callbacks.Validation(None, np.array([1, 0, 0]), loss), {}
    scored.set_model(model)
    scored.on_epoch_end(0, logs)
    expected = np.log1p(np.exp([-2.0, -1.0, 0.5])).mean()
    assert logs == {"val_loss": pytest.approx(expected), "val_accuracy": pytest.approx(2 / 3), "val_auroc": 1.0}
    logits[1] = -np.inf
    with pytest.raises(DivergedError, match="after epoch 3"):
        scored.on_epoch_end(2, {})


def test_an_epoch_is_handed_over_with_its_row_and_the_best_weights_are_kept(model):
    written = []
    writer = SimpleNamespace(
        write=lambda state, rows, best: written.append((len(rows), best)), finish=lambda: written.append("finished")
    )
    clock = SimpleNamespace(began=0.0, steps_ended=2.0, batches=SimpleNamespace(labels=range(24)))
    state = callbacks.TrainingState()
    settings = parameters.load("resnet18", patience=2)[0]
    recorded = callbacks.EpochRecord(writer, state, clock, experiment=settings, at_once=True)
    recorded.set_model(model)
    logs = {"loss": 0.7, "accuracy": 0.6, "val_accuracy": 0.5, "val_auroc": 0.8}
    kernels = []
    for epoch, val_loss in enumerate((0.5, 0.4, 0.6, 0.7)):
        model.get_layer("logit").kernel.assign([[float(epoch)]])
        recorded.on_epoch_end(epoch, logs | {"val_loss": val_loss})
        kernels.append(float(state.best_weights[0]))
        assert model.stop_training is (epoch == 3)
    assert kernels == [0.0, 1.0, 1.0, 1.0]
    assert [epochs for epochs, _ in written[::2]] == [1, 2, 3, 4]
    assert written[1::2] == ["finished"] * 4
    row = {name: value for name, value in state.rows[1].items() if name != "seconds"}
    assert row == {
        "epoch": 2,
        "train_loss": 0.7,
        "train_accuracy": 0.6,
        "val_loss": 0.4,
        "val_accuracy": 0.5,
        "val_auroc": 0.8,
        "learning_rate": 0.0001,
        "images_per_second": 12.0,
    }
