"""From a plan to a finished run folder: train, predict, record, whatever happens in between."""

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
from retina.data.batches import EvaluationBatches
from retina.errors import DivergedError, RetinaError, RunError
from retina.models import classifier
from retina.training import checkpoint, memory, weights
from retina.training.fit import fit
from retina.training.material import evaluation_batch, material
from retina.training.plan import Plan, now

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
    given = material(plan, network, quiet=quiet)
    progress = fit(plan, given, run, quiet=quiet)
    trained = time.perf_counter()
    checkpoint.assign(given.network.variables, progress.best_weights)
    run.write_predictions(predict(plan, network))
    with files.atomic_file(run.model_path) as temporary:
        network.save(temporary)
    record["model"]["sha256"] = files.sha256(run.model_path)
    in_epochs = sum(row["seconds"] for row in progress.rows)
    record["timings"]["training_seconds"] = round(in_epochs + (given.feature_seconds or 0), 3)
    record["timings"]["prediction_seconds"] = round(time.perf_counter() - trained, 3)
    if given.feature_seconds is not None:
        record["timings"]["feature_seconds"] = round(given.feature_seconds, 3)
    record["timings"] |= progress.speed | {"peak_memory_mib": memory.peak_mebibytes()}
    record["best_epoch"] = stopping.best_epoch(progress.val_losses)
    record["early_stopping"]["stop_epoch"] = stopping.stop_epoch(progress.val_losses, plan.experiment.patience)
    record["status"] = "completed" if len(progress.rows) == plan.experiment.epochs else "stopped_early"


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
        batches = EvaluationBatches(plan.data.images, part.rows, batch_size=evaluation_batch())
        logits = network.predict(batches, verbose=0)[:, 0]
        if not np.isfinite(logits).all():
            raise DivergedError("training diverged", expected="finite logits", found=f"others in the {name} split")
        rows += [(name, *row) for row in zip(part.ids, part.labels.tolist(), logits.tolist(), strict=True)]
    return rows
