"""From a plan to a finished run folder: train, predict, save, and record how it ended."""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import keras
import numpy as np
import torch

from retina.errors import DivergedError, RetinaError, RunError, first_line
from retina.experiments.splits import PREDICTED_SPLITS
from retina.machine import device, files, memory, signals
from retina.models import classifier
from retina.models.backbones.interface import digest
from retina.models.running import prediction
from retina.runs import lease, status
from retina.runs.folder import FILES, Prediction, Run, create
from retina.runs.record import Model, Record
from retina.runs.session import Session
from retina.training import setup
from retina.training.ending import ClosingRecord, Findings
from retina.training.loop.fit import fit
from retina.training.plan import Plan
from retina.training.saving import checkpoint
from retina.training.saving.writer import Writer

Build = Callable[[Plan], keras.Model]
"""Builds the network that a plan trains, with its starting weights: images (N, H, W, 3) to logits (N, 1)."""


def execute(
    plan: Plan,
    *,
    force: bool = False,
    watchers: Sequence[keras.callbacks.Callback] = (),
    build: Build | None = None,
    listeners: Sequence[keras.callbacks.Callback] = (),
) -> tuple[Run, bool]:
    """Train what a plan says, or reuse its finished run; resume an interrupted one where it stopped.

    Args:
        plan: What to train.
        force: Train again from the start, even where there is a finished or an interrupted run.
        watchers: Further callbacks, called for every epoch once it is in the run folder.
        build: Builds the network; `None` takes `retina.training.setup.build`.
        listeners: Callbacks, called for every step, and for every epoch before it is recorded; see
            `retina.training.loop.fit.fit`.

    Returns:
        The run, and whether it was finished before.

    Raises:
        DivergedError: the loss is not finite any more; the record says so.
        KeyboardInterrupt: the process was asked to end; the record says so.
        PrunedError: a watcher ended the run; the record says so, and its checkpoints are gone.
        RetinaError: the run folder cannot be written, or another process trains this run.
    """
    signals.raise_if_requested()  # of many runs, no further one begins
    run = create(plan.place.results, plan.name)
    refuse_namesake(plan, run)
    # Results and nothing else: no checkpoint is left to remove, so the run is reused without a lease.
    if not force and is_finished(run) and {path.name for path in run.folder.iterdir()} <= FILES:
        return run, True
    with lease.take(run.folder, after=last_attempt(run)) as own:
        run = dataclasses.replace(run, guard=own.check)
        remove_drafts(run)
        if not force and is_finished(run):  # meanwhile, or by a process killed before it could remove the checkpoints
            checkpoint.remove(run)
            return run, True
        record = clear(plan, run, own.holder.attempt, force=force)
        memory.keep_freed()
        kernels = device.deterministic_kernels(wanted=plan.experiment.deterministic)
        # The record comes first, so that it is closed last, by the one line and not by torch's own error.
        with ClosingRecord(run, record) as closing, torch_errors_in_one_line(), kernels:
            network = (build or setup.build)(plan)
            closing.model = Model(**classifier.describe(network))
            closing.findings = train(plan, run, network, watchers=watchers, listeners=listeners)
        checkpoint.remove(run)
    return run, False


def refuse_namesake(plan: Plan, run: Run) -> None:
    """Refuse the folder of another experiment whose digest begins with the same digits.

    Raises:
        RunError: it is there.
    """
    try:
        other = run.record().digest
    except RunError:  # there is none yet, or it is damaged: `is_finished` raises that
        return
    if other != plan.digest:
        raise RunError(
            "the run folder belongs to another experiment", expected=plan.digest, found=other, where=run.folder
        )


def is_finished(run: Run) -> bool:
    """Whether a run has its results."""
    return run.record_path.is_file() and run.record().finished


def last_attempt(run: Run) -> int:
    """The number of the attempt that wrote the record; 0 where there is none that can be read."""
    with suppress(RunError):
        return run.record().attempt
    return 0


def clear(plan: Plan, run: Run, attempt: int, *, force: bool) -> Record:
    """Record that a run begins or resumes, and delete old results, and old epochs unless it resumes after them.

    The record comes first: from then on no reader takes what is in the folder for a result.

    Returns:
        The record, of today's schema whichever that of the interrupted run was.
    """
    resumes = not force and run.record_path.is_file() and checkpoint.epochs(run) > 0
    record = dataclasses.replace(plan.record(), attempt=attempt, sessions=sessions(run) if resumes else ())
    run.write_record(record)
    if not resumes:
        checkpoint.remove(run)
    for path in (run.predictions_path, run.model_path, *([] if resumes else [run.history_path])):
        path.unlink(missing_ok=True)
    return record


def remove_drafts(run: Run) -> None:
    """Remove what killed processes left half written; only the process that holds the run writes there."""
    for path in run.folder.glob(".*.tmp*"):
        path.unlink(missing_ok=True)


def sessions(run: Run) -> tuple[Session, ...]:
    """When, where and with what code the finished epochs of an interrupted run were trained, oldest first."""
    record = run.record()
    latest = Session(
        attempt=record.attempt,
        started=record.timings.started,
        epochs_run=checkpoint.epochs(run),
        environment=record.environment,
    )
    return (*record.sessions, latest)


def epochs_reached(plan: Plan) -> int:
    """The last finished epoch of an interrupted run of this plan, after which it will resume.

    0 where there is none, or where another process trains it.
    """
    return checkpoint.epochs(plan.run) if lease.holder_of(plan.run.folder) is None else 0


@contextmanager
def torch_errors_in_one_line() -> Iterator[None]:
    """Turn what torch refuses, for a lack of memory or of a deterministic kernel, into one helpful line."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        message = first_line(error)
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in message:
            problem, advice = "there is not enough memory for this run", "try a smaller --batch-size or --image-size"
        elif "does not have a deterministic implementation" in message:
            problem, advice = "a layer has no deterministic kernel on this device", "leave out --deterministic"
        else:
            raise
        raise RetinaError(problem, found=message, advice=advice) from error


def train(
    plan: Plan,
    run: Run,
    network: keras.Model,
    *,
    watchers: Sequence[keras.callbacks.Callback] = (),
    listeners: Sequence[keras.callbacks.Callback] = (),
) -> Findings:
    """Fit, predict and save.

    Raises:
        DivergedError: a loss, a weight or a logit is not a finite number.
        RetinaError: the run folder cannot be written.
    """
    preparation = setup.setup(plan, network)
    with Writer(run) as writer:  # the last epochs are written while the images are predicted
        progress = fit(plan, preparation, writer, watchers=watchers, listeners=listeners)
        predicting_since = time.perf_counter()
        # A head shares its layers with `network`, so this gives the whole network its best weights.
        checkpoint.assign(preparation.network.variables, progress.best_weights)
        run.write_predictions(predict(plan, network))
        run.guard()  # Keras writes this file, not `run`, which would have checked
        with files.atomic_file(run.model_path) as temporary:
            network.save(temporary)
    sha256, digests = digest(network.layers), status.digests(run)
    feature_seconds, epoch_seconds = preparation.feature_seconds, sum(row["seconds"] for row in progress.rows)
    timings = {
        "training_seconds": round(epoch_seconds + (feature_seconds or 0), 3),
        "prediction_seconds": round(time.perf_counter() - predicting_since, 3),
        "feature_seconds": None if feature_seconds is None else round(feature_seconds, 3),
        "peak_memory_mib": memory.peak_mebibytes(),
    }
    return Findings(progress.rows, sha256, digests, timings | progress.speed)


def predict(plan: Plan, network: keras.Model) -> list[Prediction]:
    """The float32 logits of validation and test images, as `model.keras` gives them.

    Raises:
        DivergedError: a logit is not a finite number.
    """
    rows: list[Prediction] = []
    for name in PREDICTED_SPLITS:
        part = plan.data.splits[name]
        logits = prediction.logits(network, setup.evaluation_batches(plan, name))
        if not np.isfinite(logits).all():
            raise DivergedError("training diverged", expected="finite logits", found=f"others in the {name} split")
        persons = [""] * len(logits) if part.persons is None else part.persons
        members = zip(part.ids, part.labels.tolist(), logits.tolist(), persons, strict=True)
        rows += [Prediction(name, *member) for member in members]
    return rows
