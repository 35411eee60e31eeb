"""From a plan to a finished run folder: train, predict, record, whatever happens in between."""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch

from retina.errors import DivergedError, PrunedError, RetinaError, RunError
from retina.machine import device, files, memory
from retina.models import classifier
from retina.models.backbones.interface import digest
from retina.models.running import prediction
from retina.runs import epochs, lease, status
from retina.runs import folder as runs
from retina.training import weights
from retina.training.loop.fit import fit
from retina.training.material import evaluation_batches, material
from retina.training.plan import Plan, now
from retina.training.saving import checkpoint
from retina.training.saving.writer import Writer

STATUS_AFTER = {KeyboardInterrupt: "interrupted", PrunedError: "interrupted", DivergedError: "diverged"}


def execute(
    plan: Plan,
    *,
    results: Path,
    force: bool = False,
    quiet: bool = False,
    watchers: Sequence[keras.callbacks.Callback] = (),
) -> tuple[runs.Run, bool]:
    """Train what a plan says, or reuse the finished run that stands; an interrupted run goes on where it stopped.

    Args:
        plan: What to train.
        results: The results folder.
        force: Train again from the start, even where a finished or an interrupted run stands.
        quiet: Show nothing.
        watchers: What else hears of every epoch, once it stands in the run folder.

    Returns:
        The run, and whether it was finished before.

    Raises:
        DivergedError: the loss is not finite any more; the record says so.
        PrunedError: a watcher ended the run; the record says so, and its checkpoints are gone.
        RetinaError: the run folder cannot be written, or another process trains this run.
    """
    run = runs.create(results, plan.name)
    refuse_namesake(plan, run)
    if not force and is_finished(run) and {path.name for path in run.folder.iterdir()} <= runs.FILES:
        return run, True
    with lease.take(run.folder, after=last_attempt(run)) as held:
        run = dataclasses.replace(run, guard=held.check)
        remove_drafts(run)
        if not force and is_finished(run):  # in the meantime, or the process that finished it was killed thereafter
            checkpoint.remove(run)
            return run, True
        record = begun(plan, run, held.holder.attempt, force=force)
        memory.keep_freed()
        kernels = device.deterministic_kernels(wanted=plan.experiment.deterministic)
        with ClosingRecord(run, record), torch_in_words(), kernels:
            train(plan, run, record, quiet=quiet, watchers=watchers)
        checkpoint.remove(run)
    return run, False


def refuse_namesake(plan: Plan, run: runs.Run) -> None:
    """Refuse the folder of another experiment whose digest begins alike.

    Raises:
        RunError: it stands there.
    """
    try:
        other = run.record()["digest"]
    except RunError:  # there is none yet, or it is damaged, which is told elsewhere
        return
    if other != plan.digest:
        raise RunError(
            "the run folder belongs to another experiment", expected=plan.digest, found=other, where=run.folder
        )


def is_finished(run: runs.Run) -> bool:
    """Whether a run has its results."""
    return run.record_path.is_file() and run.record()["status"] in runs.FINISHED


def last_attempt(run: runs.Run) -> int:
    """The number of the attempt that wrote the record; 0 where there is none that can be read."""
    with suppress(RunError):
        return run.record()["attempt"]
    return 0


def begun(plan: Plan, run: runs.Run, attempt: int, *, force: bool) -> dict[str, Any]:
    """Write the record of a run that begins or goes on, and take away what belongs to no earlier epoch of it.

    The record comes first: from then on no reader takes what is in the folder for a result.
    """
    goes_on = not force and run.record_path.is_file() and checkpoint.epochs(run) > 0
    record = plan.record() | {"attempt": attempt, "sessions": sessions(run) if goes_on else []}
    run.write_record(record)
    if not goes_on:
        checkpoint.remove(run)
    for path in (run.predictions_path, run.model_path, *([] if goes_on else [run.history_path])):
        path.unlink(missing_ok=True)
    return record


def remove_drafts(run: runs.Run) -> None:
    """Remove what killed processes left half written; whoever holds the run is the only one who writes there."""
    for path in run.folder.glob(".*.tmp*"):
        path.unlink(missing_ok=True)


def sessions(run: runs.Run) -> list[dict[str, Any]]:
    """When, where and with what code the finished epochs of an interrupted run were trained, oldest first."""
    before = run.record()
    session = {
        "attempt": before["attempt"],
        "started": before["timings"]["started"],
        "epochs_run": checkpoint.epochs(run),
        "environment": before["environment"],
    }
    return [*before["sessions"], session]


def epochs_reached(plan: Plan, *, results: Path) -> int:
    """The last epoch that an interrupted run of this plan finished and will go on from.

    0 where there is none, or where another process trains it.
    """
    run = runs.Run(runs.runs_folder(results) / plan.name)
    return checkpoint.epochs(run) if lease.holder_of(run.folder) is None else 0


@contextmanager
def torch_in_words() -> Iterator[None]:
    """Turn what torch refuses, for a lack of memory or of a deterministic kernel, into one helpful line."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        found = str(error).partition("\n")[0]
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in found:
            problem, advice = "memory does not suffice for this run", "try a smaller --batch-size or --image-size"
        elif "does not have a deterministic implementation" in found:
            problem, advice = "a layer has no deterministic kernel on this device", "leave --deterministic out"
        else:
            raise
        raise RetinaError(problem, found=found, advice=advice) from error


class ClosingRecord(AbstractContextManager[None]):
    """Writes how a run ended, however the block ends.

    Where it ends with an error, and the record cannot be written either, the first error is the one that is told.

    Args:
        run: The run.
        record: Its record, extended in place.
    """

    def __init__(self, run: runs.Run, record: dict[str, Any]) -> None:
        self.run = run
        self.record = record

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Write the record; the error, where there is one, goes on its way."""
        del kind, trace
        if error is None:
            self._write()
            return
        self.record["status"] = STATUS_AFTER.get(type(error), "failed")
        self.record["error"] = str(error) or type(error).__name__
        self.record["diverged_step"] = error.step if isinstance(error, DivergedError) else None
        if isinstance(error, PrunedError):
            self.record["pruned_epoch"] = error.epoch
        with suppress(RetinaError):
            self.record["epochs_run"] = len(self.run.history())
        with suppress(RetinaError):
            self._write()
            if isinstance(error, DivergedError | PrunedError):
                checkpoint.remove(self.run)

    def _write(self) -> None:
        self.record["timings"]["finished"] = now()
        self.run.write_record(self.record)


def train(
    plan: Plan, run: runs.Run, record: dict[str, Any], *, quiet: bool, watchers: Sequence[keras.callbacks.Callback]
) -> None:
    """Build, fit, predict and save; extend the record with what was measured."""
    network = weights.build(plan.experiment, plan.start)
    record["model"] = classifier.describe(network)
    given = material(plan, network, quiet=quiet)
    with Writer(run) as writer:  # the last epochs are written while the images are predicted
        progress = fit(plan, given, writer, quiet=quiet, watchers=watchers)
        trained = time.perf_counter()
        checkpoint.assign(given.network.variables, progress.best_weights)
        run.write_predictions(predict(plan, network))
        run.guard()
        with files.atomic_file(run.model_path) as temporary:
            network.save(temporary)
    record["model"]["weights_sha256"] = digest(network.layers)
    record["files"] = status.digests(run)
    in_epochs = sum(row["seconds"] for row in progress.rows)
    record["timings"]["training_seconds"] = round(in_epochs + (given.feature_seconds or 0), 3)
    record["timings"]["prediction_seconds"] = round(time.perf_counter() - trained, 3)
    if given.feature_seconds is not None:
        record["timings"]["feature_seconds"] = round(given.feature_seconds, 3)
    record["timings"] |= progress.speed | {"peak_memory_mib": memory.peak_mebibytes()}
    record["best_epoch"] = epochs.best_epoch(progress.val_losses)
    record["early_stopping"]["stop_epoch"] = epochs.stop_epoch(progress.val_losses, plan.experiment.patience)
    record["epochs_run"] = len(progress.rows)
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
        logits = prediction.logits(network, evaluation_batches(plan, name))
        if not np.isfinite(logits).all():
            raise DivergedError("training diverged", expected="finite logits", found=f"others in the {name} split")
        rows += [(name, *row) for row in zip(part.ids, part.labels.tolist(), logits.tolist(), strict=True)]
    return rows
