"""From a plan to a finished run folder: train, predict, record."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch

from retina import files, runs, stopping
from retina.data.batches import Augmentation, EvaluationBatches, TrainingBatches
from retina.errors import DivergedError, RetinaError, RunError
from retina.experiment import Experiment
from retina.models import classifier
from retina.training import callbacks, checkpoint, memory, weights
from retina.training.display import Display
from retina.training.losses import LOSSES
from retina.training.optimizer import FusedAdam
from retina.training.plan import Plan, now
from retina.training.precision import Autocast

EVALUATION_BATCH = 64
STATUS_AFTER = {KeyboardInterrupt: "interrupted", DivergedError: "diverged"}


def execute(plan: Plan, *, results: Path, force: bool = False, quiet: bool = False) -> tuple[runs.Run, bool]:
    """Train what a plan says, or reuse the finished run that stands; an interrupted run goes on where it stopped.

    Args:
        plan: What to train.
        results: The results folder.
        force: Train again from the start, even where a finished or an interrupted run stands.
        quiet: Show nothing.

    Returns:
        The run, and whether it was finished before.

    Raises:
        DivergedError: the loss is not finite any more; the record says so.
        RetinaError: the run folder cannot be written.
    """
    run = runs.create(results, plan.name)
    if run.record_path.is_file() and not force and run.record()["status"] in runs.FINISHED:
        return run, True
    if force:
        checkpoint.remove(run)
    for stale in (run.predictions_path, run.model_path):
        stale.unlink(missing_ok=True)
    record = plan.record()
    if checkpoint.path(run).is_file() and run.record_path.is_file():
        record["sessions"] = sessions(run)
    else:
        run.history_path.unlink(missing_ok=True)
    run.write_record(record)
    memory.keep_freed()
    with closing_record(run, record), memory_in_words():
        train(plan, run, record, quiet=quiet)
    return run, False


def sessions(run: runs.Run) -> list[dict[str, Any]]:
    """When, where and with what code the finished epochs of an interrupted run were trained, oldest first."""
    before = run.record()
    epochs = len(run.history()) if run.history_path.is_file() else 0
    session = {"started": before["timings"]["started"], "epochs_run": epochs, "environment": before["environment"]}
    return [*before["sessions"], session]


def epochs_reached(plan: Plan, *, results: Path) -> int:
    """The last epoch that an interrupted run of this plan finished and will go on from; 0 where there is none."""
    run = runs.Run(runs.runs_folder(results) / plan.name)
    return len(run.history()) if checkpoint.path(run).is_file() and run.history_path.is_file() else 0


@contextmanager
def memory_in_words() -> Iterator[None]:
    """Turn a lack of memory, on the device or beside it, into one helpful line."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        raise RetinaError(
            "memory does not suffice for this run",
            found=str(error).partition("\n")[0],
            advice="try a smaller --batch-size or --image-size",
        ) from error


@contextmanager
def closing_record(run: runs.Run, record: dict[str, Any]) -> Iterator[None]:
    """Write how the run ended, however it ends; the checkpoint stays only where it can be used again."""
    try:
        yield
    finally:
        error = sys.exception()
        if error is not None:
            record["status"] = STATUS_AFTER.get(type(error), "failed")
            record["error"] = str(error) or type(error).__name__
        with suppress(RunError):
            record["epochs_run"] = len(run.history())
        record["timings"]["finished"] = now()
        run.write_record(record)
        if record["status"] in ("completed", "stopped_early", "diverged"):
            checkpoint.remove(run)


def train(plan: Plan, run: runs.Run, record: dict[str, Any], *, quiet: bool) -> None:
    """Build, fit, predict and save; extend the record with what was measured."""
    network = weights.build(plan.experiment, plan.start)
    record["model"] = classifier.describe(network)
    progress = fit(plan, network, run, quiet=quiet)
    trained = time.perf_counter()
    checkpoint.assign(network.variables, progress.best_weights)
    run.write_predictions(predict(plan, network))
    with files.atomic_file(run.model_path) as temporary:
        network.save(temporary)
    record["model"]["sha256"] = files.sha256(run.model_path)
    record["timings"]["training_seconds"] = round(sum(row["seconds"] for row in progress.rows), 3)
    record["timings"]["prediction_seconds"] = round(time.perf_counter() - trained, 3)
    record["timings"] |= progress.speed | {"peak_memory_mib": memory.peak_mebibytes()}
    record["best_epoch"] = stopping.best_epoch(progress.val_losses)
    record["early_stopping"]["stop_epoch"] = stopping.stop_epoch(progress.val_losses, plan.experiment.patience)
    record["status"] = "completed" if len(progress.rows) == plan.experiment.epochs else "stopped_early"


def fit(plan: Plan, network: keras.Model, run: runs.Run, *, quiet: bool) -> callbacks.Progress:
    """Train the network with Keras' `compile` and `fit`, from the last checkpoint where there is one.

    Returns:
        The history and the best weights.
    """
    experiment = plan.experiment
    train, validation = plan.data.parts["train"], plan.data.parts["validation"]
    loss = LOSSES[experiment.loss](experiment)
    model = compiled(network, experiment.precision, experiment.learning_rate, loss)
    saved = checkpoint.restore(run, model)
    progress = callbacks.Progress(*saved) if saved else callbacks.Progress()
    patience = experiment.patience if experiment.early_stopping else None
    if progress.rows:
        run.write_history(progress.rows)
    if progress.stopped(patience):
        return progress
    batches = training_batches(plan)
    validation_batches = EvaluationBatches(plan.data.images, validation.rows, batch_size=EVALUATION_BATCH)
    display = Display(progress.rows, epochs=experiment.epochs, quiet=quiet)
    reached = len(progress.rows)
    keeper = callbacks.EpochRecord(run, progress, images=len(train.rows), patience=patience)
    try:
        model.fit(
            batches,
            epochs=experiment.epochs,
            initial_epoch=reached,
            verbose=0,
            shuffle=False,  # Keras would shuffle the batches once more, from Python's global generator
            callbacks=[
                callbacks.DataClock(batches),
                callbacks.FiniteLoss(),
                callbacks.Validation(validation_batches, validation.labels, loss),
                keeper,
                display,
            ],
        )
    finally:
        display.close()
    progress.speed = {
        "images_per_second": round(len(train.rows) * (len(progress.rows) - reached) / keeper.stepping_seconds, 2),
        "waiting_share": round(batches.seconds / keeper.stepping_seconds, 4),
    }
    return progress


def compiled(network: keras.Model, precision: str, learning_rate: float, loss: keras.losses.Loss) -> keras.Model:
    """A network ready for `fit`: its precision, its optimizer, its loss, and accuracy at probability 1/2."""
    model = Autocast(network, precision)
    accuracy = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
    model.compile(optimizer=FusedAdam(learning_rate), loss=loss, metrics=[accuracy])
    return model


def training_batches(plan: Plan) -> TrainingBatches:
    """The shuffled and augmented training batches of a plan."""
    train, experiment = plan.data.parts["train"], plan.experiment
    return TrainingBatches(
        plan.data.images,
        train.rows,
        train.labels,
        batch_size=experiment.batch_size,
        seed=experiment.seed,
        augmentation=augmentation(experiment),
    )


def augmentation(experiment: Experiment) -> Augmentation:
    """The augmentation that an experiment names."""
    return Augmentation(
        horizontal_flip=experiment.horizontal_flip,
        vertical_flip=experiment.vertical_flip,
        rotation=experiment.rotation,
        brightness=experiment.brightness,
        contrast=experiment.contrast,
    )


def predict(plan: Plan, network: keras.Model) -> list[tuple[str, str, int, float]]:
    """The float32 logits of validation and test images: what `model.keras` answers for them.

    Returns:
        (split, id, label, logit) of every image.

    Raises:
        DivergedError: a logit is not a finite number.
    """
    rows: list[tuple[str, str, int, float]] = []
    for name in ("validation", "test"):
        part = plan.data.parts[name]
        batches = EvaluationBatches(plan.data.images, part.rows, batch_size=EVALUATION_BATCH)
        logits = network.predict(batches, verbose=0)[:, 0]
        if not np.isfinite(logits).all():
            raise DivergedError("training diverged", expected="finite logits", found=f"others in the {name} split")
        rows += [(name, *row) for row in zip(part.ids, part.labels.tolist(), logits.tolist(), strict=True)]
    return rows
