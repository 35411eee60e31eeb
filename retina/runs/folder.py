"""The run folder: all that training, which writes it, and analysis, which reads it, share.

    results/runs/<backbone>-<params>-<loss>-seed<k>-<digest8>/
        record.json       what was run, on what, and how it ended
        history.csv       one row an epoch, from 1
        predictions.csv   split,id,label,logit from the best epoch's weights; person, where it is known
        model.keras       the model for users; retina itself never loads it whole

Every write is atomic: a reader sees the file before it or the file after it, never half of one. The record of a
finished run is written last and holds the SHA-256 of the other files, so that it alone makes the run finished. While a
run is trained, the folder also holds its checkpoints (`retina.training.saving.checkpoint`) and who trains it
(`retina.runs.lease`).
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from retina.errors import RunError
from retina.experiments.splits import IMAGE_KEY, PREDICTED_SPLITS
from retina.machine import installation
from retina.runs import tables
from retina.runs.record import Record

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("history.csv", "predictions.csv")
"""What tables, figures and reports are made from."""
RESULTS = (*TABLES, "model.keras")
"""What a finished run holds beside its record, which has the SHA-256 of each."""
FILES = {"record.json", *RESULTS}
"""What the folder of a finished run holds."""
HISTORY_COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "val_auroc",
    "learning_rate",
    "seconds",
    "images_per_second",
)
PREDICTION_COLUMNS = (*IMAGE_KEY, "label", "logit")
PERSON = "person"
"""The further column of predictions where it is known whose eye an image shows; empty where it is not."""


class Prediction(NamedTuple):
    """The prediction of an image: split, id, label 0 or 1, logit, and the person, "" where it is not known."""

    split: str
    id: str
    label: int
    logit: float
    person: str = ""


@dataclass(frozen=True)
class Run:
    """A run folder, and the files in it.

    Args:
        folder: The folder.
        guard: Called before every write; raises RunError where this process may not write there.
    """

    folder: Path
    guard: Callable[[], None] = field(default=lambda: None, compare=False, repr=False)

    @property
    def record_path(self) -> Path:
        """`record.json`."""
        return self.folder / "record.json"

    @property
    def history_path(self) -> Path:
        """`history.csv`."""
        return self.folder / "history.csv"

    @property
    def predictions_path(self) -> Path:
        """`predictions.csv`."""
        return self.folder / "predictions.csv"

    @property
    def model_path(self) -> Path:
        """`model.keras`."""
        return self.folder / "model.keras"

    def record(self) -> Record:
        """Read and check the record.

        Raises:
            RunError: see `Record.read`.
        """
        return Record.read(self.record_path)

    def write_record(self, record: Record) -> None:
        """Write the record whole or not at all, under its own SHA-256.

        Raises:
            RunError: this process does not hold the run any more.
            RetinaError: the folder cannot be written.
        """
        self.guard()
        record.write(self.record_path)

    def write_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Write the epochs finished so far: one mapping of `HISTORY_COLUMNS` an epoch."""
        self.guard()
        tables.write(self.history_path, HISTORY_COLUMNS, ([row[name] for name in HISTORY_COLUMNS] for row in rows))

    def write_predictions(self, rows: Iterable[Prediction]) -> None:
        """Write the predictions of every validation and test image; persons, where one of them is known."""
        self.guard()
        rows = list(rows)
        with_persons = any(row.person for row in rows)
        columns = (*PREDICTION_COLUMNS, PERSON) if with_persons else PREDICTION_COLUMNS
        tables.write(self.predictions_path, columns, (row[: len(columns)] for row in rows))

    def history(self) -> "pd.DataFrame":
        """Read the history: `HISTORY_COLUMNS`, one row an epoch, epochs from 1.

        Raises:
            RunError: the file is missing or damaged.
        """
        return tables.read(self.history_path, HISTORY_COLUMNS)

    def predictions(self) -> "pd.DataFrame":
        """Read the predictions: `PREDICTION_COLUMNS`, and `PERSON` where it is there; ids are texts, logits float64.

        Raises:
            RunError: the file is missing or damaged.
        """
        frame = tables.read(self.predictions_path, PREDICTION_COLUMNS, perhaps=(PERSON,))
        splits, labels = set(frame["split"]), set(frame["label"])
        if splits != set(PREDICTED_SPLITS) or labels - {0, 1} or not np.isfinite(frame["logit"].to_numpy()).all():
            raise RunError(
                "a table of a run is damaged",
                expected="images of " + " and ".join(PREDICTED_SPLITS) + ", labels 0 or 1, finite logits",
                where=self.predictions_path,
            )
        return frame


def runs_folder(results: Path) -> Path:
    """The folder of the runs in a results folder."""
    return results / "runs"


def require_writable(results: Path) -> None:
    """Refuse a results folder that could not be written, before anything is computed.

    Raises:
        RunError: it, or the nearest folder above it that exists, is a file or read-only.
    """
    own = runs_folder(results).absolute()
    nearest = next(folder for folder in (own, *own.parents) if folder.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        raise RunError(
            "the results folder cannot be written",
            found="a file in its place" if nearest.is_file() else "no permission to write",
            where=nearest,
            advice="fix its permissions, or name another with --results DIR",
        )


def create(results: Path, name: str) -> Run:
    """Make the folder of a run where there is none.

    Raises:
        RunError: the results folder cannot be written.
    """
    folder = runs_folder(results) / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK | os.X_OK)
    except OSError as error:
        raise RunError(
            "the results folder cannot be written",
            found=error.strerror,
            where=folder,
            advice="fix its permissions, or name another with --results DIR",
        ) from error
    if not writable:
        raise RunError("the run folder cannot be written", where=folder, advice="fix its permissions")
    return Run(folder)


def find(results: Path, name: str) -> Run:
    """The run of that name, or the run whose folder `name` is.

    Raises:
        RunError: there is none.
    """
    for folder in (runs_folder(results) / name, Path(name)):
        if (folder / "record.json").is_file():
            return Run(folder)
    raise RunError(f"no run {name!r}", where=runs_folder(results), advice=f"`{installation.program()} runs` lists them")


def list_runs(results: Path) -> list[Run]:
    """All runs below a results folder, by name; folders without a record are not runs."""
    folder = runs_folder(results)
    if not folder.is_dir():
        return []
    return [Run(entry) for entry in sorted(folder.iterdir()) if (entry / "record.json").is_file()]
