"""Run folders -> runs that can be compared, each with a short label; damaged ones are named and left out."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from retina.analysis.gathering import naming
from retina.errors import RunError
from retina.experiments.experiment import Experiment
from retina.experiments.splits import PREDICTED_SPLITS
from retina.experiments.target import Target
from retina.runs import status
from retina.runs.folder import HISTORY_COLUMNS, TABLES, Run
from retina.runs.record import Record

if TYPE_CHECKING:
    import pandas as pd


HIGHEST = {"train_loss": inf, "val_loss": inf, "train_accuracy": 1, "val_accuracy": 1, "val_auroc": 1}
"""The largest value that a column of the history may have; the smallest is 0."""


class Part(NamedTuple):
    """A model's logits of one split: ids (N,) str in sorted order, labels (N,) 0 or 1, logits (N,) float64."""

    ids: np.ndarray
    labels: np.ndarray
    logits: np.ndarray

    def same_images(self, other: "Part") -> bool:
        """Whether both are about the same ids with the same labels."""
        return np.array_equal(self.ids, other.ids) and np.array_equal(self.labels, other.labels)


@dataclass(frozen=True)
class Entry:
    """One run as a comparison sees it.

    Args:
        name: The name of its folder.
        label: A short name, unique in the comparison.
        record: Its record.
        history: Its curves, `retina.runs.folder.HISTORY_COLUMNS`; no row where no epoch was finished.
        parts: `validation` and `test` -> their logits; none where the run is not finished.
    """

    name: str
    label: str
    record: Record
    history: "pd.DataFrame"
    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether it is completed or stopped early, so that it may be ranked."""
        return bool(self.parts)

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
    history = history_of(run, record)
    parts = parts_of(run, record) if record.finished else {}
    if record.finished:
        status.check(run, record, TABLES)
    return Entry(run.folder.name, run.folder.name, record, history, parts)


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
        values = history[name].to_numpy()
        if (values < 0).any() or (values > high).any():
            problem = f"{name} outside 0 to {high:g}"
    if problem:
        raise RunError("a table of a run is damaged", expected=f"epochs 1 to {trained}", found=problem, where=path)


def parts_of(run: Run, record: Record) -> dict[str, Part]:
    """The predictions of a finished run by split, of the images that the record counts.

    Raises:
        RunError: an image occurs twice, a logit is not finite, or the counts differ from the record's.
    """
    rows = run.predictions()
    parts = {split: part_of(rows, split) for split in PREDICTED_SPLITS}
    counts = {split: (len(part.labels), int(part.labels.sum())) for split, part in parts.items()}
    expected = {split: (part.images, part.positives) for split, part in record.data.splits.items() if split in counts}
    problem = None
    if any((part.ids[1:] == part.ids[:-1]).any() for part in parts.values()):
        problem = "an image that occurs twice"
    elif counts != expected:
        problem = f"(images, positives) {counts}"
    if problem:
        raise RunError(
            "a table of a run is damaged",
            expected=f"one logit for every image of the record, (images, positives) {expected}",
            found=problem,
            where=run.predictions_path,
        )
    return parts


def part_of(rows: "pd.DataFrame", split: str) -> Part:
    """The predictions of one split in the order of the ids."""
    chosen = np.flatnonzero(rows["split"].to_numpy(object) == split)
    # Runs on the same data share the texts of their ids: a thousand runs would hold a thousand copies of each.
    ids = np.array([sys.intern(name) for name in rows["id"].to_numpy(object)[chosen]], dtype=object)
    order = np.argsort(ids, kind="stable")
    return Part(ids[order], *(rows[name].to_numpy()[chosen[order]] for name in ("label", "logit")))
