"""Training by Keras' own `compile` and `fit`."""

from collections.abc import Sequence

import keras

from retina.data.feeding.batches import ShuffledBatches
from retina.experiments.experiment import Experiment
from retina.models.backbones.interface import Backbone
from retina.models.running.precision import MixedPrecision
from retina.runs.folder import Run
from retina.training.loop import callbacks, layer_rates, timing
from retina.training.loop.display import Display
from retina.training.loop.freezing import HeadFirst
from retina.training.loop.losses import training_loss
from retina.training.loop.optimizer import FusedAdam, FusedSGD
from retina.training.loop.schedule import Schedule, ScheduledRate
from retina.training.plan import Plan
from retina.training.saving import checkpoint
from retina.training.saving.writer import Writer
from retina.training.setup import Setup


def fit(
    plan: Plan,
    setup: Setup,
    writer: Writer,
    *,
    watchers: Sequence[keras.callbacks.Callback] = (),
    listeners: Sequence[keras.callbacks.Callback] = (),
) -> callbacks.TrainingState:
    """Train a network with Keras' `compile` and `fit`, from the last checkpoint where there is one.

    Args:
        plan: The plan.
        setup: What is trained, and on what.
        writer: Writes each epoch to its run folder; the last ones may still be with it on return.
        watchers: Further callbacks; they come last, when an epoch is in the run folder.
        listeners: Further callbacks; they come when an epoch is scored and not yet recorded, and may change its
            numbers.

    Returns:
        The history and the best weights.
    """
    experiment = plan.experiment
    loss = training_loss(experiment, plan.data.splits["train"].prevalence)
    optimizer = optimizer_of(experiment, setup.network, plan.backbone)
    model = compiled(setup.network, experiment.precision, optimizer, loss)
    progress = _resumed(writer.run, model)
    epochs_before = len(progress.rows)
    if progress.stopped(experiment) or epochs_before == experiment.epochs:
        return progress
    clock = timing.Clock(setup.training)
    display = Display(progress.rows, epochs=experiment.epochs, quiet=plan.place.quiet)
    # The order counts. The clock sets the epoch; `Finite` looks before validation costs a pass; listeners see the
    # scores and may change them; then they are recorded, and what shows an epoch reads what was recorded.
    chain = [
        clock,
        *_phases(plan, setup, progress),
        callbacks.Finite(),
        callbacks.Validation(setup.validation, plan.data.splits["validation"].labels, loss),
        *listeners,
        callbacks.EpochRecord(writer, progress, clock, experiment=experiment, at_once=bool(watchers)),
        display,
        *watchers,
    ]
    try:
        _train(model, setup.training, chain, epochs_before, experiment.epochs)
    finally:
        display.close()
        model.forget_recordings()
    progress.speed = _speed(clock, len(progress.rows) - epochs_before)
    return progress


def _resumed(run: Run, model: keras.Model) -> callbacks.TrainingState:
    """Bring the model to the last checkpoint of a run, and its history too; where there is none, to the start."""
    saved = checkpoint.restore(run, model)
    progress = callbacks.TrainingState(*saved) if saved else callbacks.TrainingState()
    # A checkpoint is written before the history, so a process killed between the two leaves an epoch that is in the
    # first alone.
    if progress.rows:
        run.write_history(progress.rows)
    return progress


def _train(
    model: keras.Model,
    batches: ShuffledBatches,
    chain: list[keras.callbacks.Callback],
    epochs_before: int,
    epochs: int,
) -> None:
    """Train by Keras' `fit` from the first epoch that is not finished to the last, with callbacks of our own order."""
    model.fit(
        batches,
        epochs=epochs,
        initial_epoch=epochs_before,
        verbose=0,
        shuffle=False,  # Keras would shuffle the batches once more, from Python's global generator
        # Keras sets these in a list of callbacks that it makes itself, and leaves one that it is given as it is.
        callbacks=timing.BatchedCallbacks(chain, model=model, epochs=epochs, steps=batches.num_batches, verbose=0),
    )


def _phases(plan: Plan, setup: Setup, progress: callbacks.TrainingState) -> list[keras.callbacks.Callback]:
    """What changes the rate, and the layers that are trained, in the course of a run."""
    experiment = plan.experiment
    course = Schedule.of(experiment, setup.training.num_batches)
    rate = ScheduledRate(course, lambda: progress.val_losses)
    frozen = experiment.frozen_epochs
    return [*([HeadFirst(setup.network, plan.backbone, experiment.fine_tune, frozen)] if frozen else []), rate]


def _speed(clock: timing.Clock, epochs: int) -> dict[str, float]:
    """How fast this session's epochs were stepped through, and the share of that time spent waiting for images."""
    batches = clock.batches
    return {
        "images_per_second": round(len(batches.labels) * epochs / clock.stepping_seconds, 2),
        "waiting_share": round(batches.seconds / clock.stepping_seconds, 4),
    }


def optimizer_of(experiment: Experiment, network: keras.Model, backbone: Backbone) -> keras.optimizers.Optimizer:
    """The optimizer of an experiment.

    Where `clip_norm` is not 0, the gradients of a step whose common norm is larger are scaled down to it (Pascanu et
    al. 2013, https://arxiv.org/abs/1211.5063, section 3.2).

    Biases and the weights of normalizations, vectors all, are not decayed: they are few, and do not overfit.

    Args:
        experiment: Its settings.
        network: What is trained, a whole network or a head alone.
        backbone: Its backbone, whose stages `layer_decay` counts.
    """
    # A head alone has no stages below it, and a library's backbone is not there to be asked for them.
    decay = 1.0 if experiment.fine_tune == "head" else experiment.layer_decay
    kind = FusedSGD if experiment.optimizer == "sgd" else FusedAdam
    optimizer = kind(
        experiment.learning_rate,
        global_clipnorm=experiment.clip_norm or None,
        weight_decay=None if experiment.optimizer == "adam" else experiment.weight_decay or None,
        use_ema=experiment.ema > 0,
        ema_momentum=experiment.ema,
        rate_multipliers=layer_rates.multipliers(network, backbone, decay),
    )
    optimizer.exclude_from_weight_decay([item for item in network.trainable_variables if len(item.shape) <= 1])
    return optimizer


def compiled(
    network: keras.Model,
    precision: str,
    optimizer: keras.optimizers.Optimizer,
    loss: keras.losses.Loss,
) -> keras.Model:
    """A network ready for `fit`: its precision, its optimizer, its loss, and accuracy at probability 1/2.

    Args:
        network: The network.
        precision: `float32` or `bfloat16`.
        optimizer: The optimizer.
        loss: The loss.
    """
    model = MixedPrecision(network, precision)
    accuracy = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
    model.compile(optimizer=optimizer, loss=loss, metrics=[accuracy])
    return model
