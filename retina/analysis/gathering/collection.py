"""Run folders -> runs that can be compared, each with a short label; damaged ones are named and left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from retina.analysis.gathering import naming
from retina.errors import RunError
from retina.experiments.experiment import Experiment
from retina.experiments.splits import IMAGE_KEY, PREDICTED_SPLITS
from retina.experiments.target import Target
from retina.runs import status
from retina.runs.folder import HISTORY_COLUMNS, TABLES, Run
from retina.runs.record import Record

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


HIGHEST = {"train_loss": inf, "val_loss": inf, "train_accuracy": 1, "val_accuracy": 1, "val_auroc": 1}
"""The largest value that a column of the history may have; the smallest is 0."""


@dataclass(frozen=True)
class Entry:
    """One run as a comparison sees it.

    Args:
        name: The name of its folder.
        label: A short name, unique in the comparison.
        record: Its record.
        history: Its curves, `retina.runs.folder.HISTORY_COLUMNS`; no row where no epoch was finished.
        predictions: `retina.runs.folder.PREDICTION_COLUMNS`, or `None` where the run is not finished.
    """

    name: str
    label: str
    record: Record
    history: "pd.DataFrame"
    predictions: "pd.DataFrame | None"

    @property
    def finished(self) -> bool:
        """Whether it is completed or stopped early, so that it may be ranked."""
        return self.predictions is not None

    @property
    def experiment(self) -> Experiment:
        """The settings of the run."""
        return self.record.experiment

    @property
    def fingerprint(self) -> str:
        """The identity of its data: labels and bytes of every image."""
        return self.record.data.fingerprint

    @property
    def target(self) -> Target:
        """The target that it predicts."""
        return self.record.target

    @property
    def question(self) -> tuple[str, Target]:
        """Its data and its target: runs that share both can be paired."""
        return self.fingerprint, self.target

    def part(self, split: str) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
        """Ids (N,) str, labels (N,) int64 and logits (N,) float64 of `validation` or `test`, sorted by id."""
        rows = self.predictions[self.predictions["split"] == split].sort_values("id", kind="stable")
        return rows["id"].to_numpy(), rows["label"].to_numpy(), rows["logit"].to_numpy()


def collect(folders: Sequence[Run]) -> tuple[list[Entry], list[str]]:
    """Read runs.

    Returns:
        The runs that can be read, by name, and one line for each that cannot, with the name of the file.
    """
    entries: list[Entry] = []
    damaged: list[str] = []
    for run in sorted(folders, key=lambda run: run.folder.name):
        try:
            entry = read(run)
            refuse_copy(entry, entries, run.folder)
            entries.append(entry)
        except RunError as error:
            damaged.append(str(error))
    labels = naming.labels([entry.record for entry in entries])
    return [replace(entry, label=label) for entry, label in zip(entries, labels, strict=True)], damaged


def refuse_copy(entry: Entry, earlier: Sequence[Entry], folder: Path) -> None:
    """Refuse a copy of a run that was read before: a repetition is a run with another seed.

    Raises:
        RunError: it has the digest of an earlier one.
    """
    for other in earlier:
        if other.record.digest == entry.record.digest:
            raise RunError(
                "a run is a copy of another run",
                found=f"the digest of {other.name}",
                where=folder,
                advice="delete one of the two",
            )


def read(run: Run) -> Entry:
    """Read one run, and check that its files agree with each other.

    Raises:
        RunError: a file is missing, damaged or of another schema, or two of them contradict each other.
    """
    record = status.record(run)
    try:
        return read_as(run, record)
    except RunError:
        # The run may be trained again while it is read: it is damaged only if its record is still the same.
        if (now := status.record(run)) == record:
            raise
        return read_as(run, now)


def read_as(run: Run, record: Record) -> Entry:
    """Read the tables that a run has according to its record.

    Raises:
        RunError: see `read`.
    """
    entry = Entry(
        name=run.folder.name,
        label=run.folder.name,
        record=record,
        history=history_of(run, record),
        predictions=run.predictions() if record.finished else None,
    )
    if record.finished:
        check_predictions(entry, run.predictions_path)
        status.check(run, record, TABLES)
    return entry


def history_of(run: Run, record: Record) -> "pd.DataFrame":
    """The curves of a run; no row where an unfinished run has none yet.

    Raises:
        RunError: the table is damaged, or its epochs are not 1, 2, ... up to the number in the record.
    """
    if not record.finished and not run.history_path.is_file():
        import pandas as pd

        return pd.DataFrame(columns=list(HISTORY_COLUMNS), dtype="float64").astype({"epoch": "int64"})
    history = run.history()
    check_history(history, record, run.history_path)
    return history


def check_history(history: "pd.DataFrame", record: Record, path: Path) -> None:
    """Check that the curves have epochs 1, 2, ... and values in range; a loss may be infinite or NaN.

    Raises:
        RunError: an epoch is missing, the record has another number of epochs, or a value is out of range.
    """
    epochs, trained = history["epoch"].tolist(), record.epochs_run
    problem = None
    if epochs != list(range(1, len(epochs) + 1)) or (record.finished and len(epochs) != trained):
        problem = f"{len(epochs)} rows, epochs {str(epochs)[:60]}"
    elif record.finished and not 1 <= (record.best_epoch or 0) <= trained:
        problem = f"best epoch {record.best_epoch}"
    for name, high in HIGHEST.items():
        if (history[name] < 0).any() or (history[name] > high).any():
            problem = f"{name} outside 0 to {high:g}"
    if problem:
        raise RunError("a table of a run is damaged", expected=f"epochs 1 to {trained}", found=problem, where=path)


def check_predictions(entry: Entry, path: Path) -> None:
    """Check that the predictions are of the images that the record counts.

    Raises:
        RunError: an image occurs twice, a logit is not finite, or the counts differ from the record's.
    """
    rows = entry.predictions
    counts = {}
    for split in PREDICTED_SPLITS:
        labels = rows.loc[rows["split"] == split, "label"]
        counts[split] = (len(labels), int(labels.sum()))
    expected = {
        split: (part.images, part.positives) for split, part in entry.record.data.splits.items() if split in counts
    }
    problem = None
    if rows.duplicated([*IMAGE_KEY]).any():
        problem = "an image that occurs twice"
    elif counts != expected:
        problem = f"(images, positives) {counts}"
    if problem:
        raise RunError(
            "a table of a run is damaged",
            expected=f"one logit for every image of the record, (images, positives) {expected}",
            found=problem,
            where=path,
        )
