"""How a run ends: the findings of training, or the error that ended it, become the final record."""

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from retina.errors import DivergedError, PrunedError, RetinaError
from retina.machine import signals
from retina.runs import epochs
from retina.runs.folder import Run
from retina.runs.record import Model, Record
from retina.training.plan import now
from retina.training.saving import checkpoint

STATUS_AFTER = {KeyboardInterrupt: "interrupted", PrunedError: "interrupted", DivergedError: "diverged"}


@dataclass(frozen=True)
class Findings:
    """What training gives the final record.

    Args:
        rows: The history, one mapping of `retina.runs.folder.HISTORY_COLUMNS` an epoch.
        weights_sha256: The SHA-256 of the best epoch's weights, 64 hexadecimal digits.
        files: Name of each result -> its SHA-256.
        timings: Those fields of the record's timings that training measured.
    """

    rows: Sequence[Mapping[str, float]]
    weights_sha256: str
    files: Mapping[str, str | None]
    timings: Mapping[str, float | None]


class ClosingRecord:
    """Writes how a run ended, however the block ends.

    Where the block ends with an error, and the record cannot be written either, the first error is raised.

    Args:
        run: The run.
        record: Its record at the beginning.

    Attributes:
        model: The network; `None` until the block has built it.
        findings: What training gave; `None` until the block has trained.
    """

    def __init__(self, run: Run, record: Record) -> None:
        self.run = run
        self.record = record
        self.model: Model | None = None
        self.findings: Findings | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Write the record; an error of the block is still raised."""
        del kind, trace
        with signals.undisturbed():
            self._write(error)

    def _write(self, error: BaseException | None) -> None:
        """Write the record of a run that has its results, or of one that an error ended."""
        record = dataclasses.replace(self.record, model=self.model)
        if error is None:
            self.run.write_record(completed(record, self.findings))
            return
        with suppress(RetinaError):
            record = dataclasses.replace(record, epochs_run=len(self.run.history()))
        # A ValueError is a number that JSON does not know, such as NaN. Neither may hide the error that ended the run.
        with suppress(RetinaError, ValueError):
            self.run.write_record(ended_by(record, error))
            # Neither is resumed: a diverged run would diverge again, and a pruned one is trained from the start.
            if isinstance(error, DivergedError | PrunedError):
                checkpoint.remove(self.run)


def completed(record: Record, findings: Findings) -> Record:
    """The final record of a run that has its results."""
    losses = [row["val_loss"] for row in findings.rows]
    stop = epochs.stop_epoch(losses, record.experiment.patience, after=record.experiment.opening_epochs)
    return dataclasses.replace(
        record,
        status="completed" if len(losses) == record.experiment.epochs else "stopped_early",
        model=dataclasses.replace(record.model, weights_sha256=findings.weights_sha256),
        timings=dataclasses.replace(record.timings, finished=now(), **findings.timings),
        early_stopping=dataclasses.replace(record.early_stopping, stop_epoch=stop),
        best_epoch=epochs.best_epoch(losses),
        epochs_run=len(losses),
        files=dict(findings.files),
    )


def ended_by(record: Record, error: BaseException) -> Record:
    """The final record of a run that an error ended."""
    return dataclasses.replace(
        record,
        status=STATUS_AFTER.get(type(error), "failed"),
        error=str(error) or type(error).__name__,
        timings=dataclasses.replace(record.timings, finished=now()),
        diverged_step=error.step if isinstance(error, DivergedError) else None,
        pruned_epoch=error.epoch if isinstance(error, PrunedError) else None,
    )
