"""The run folder: the only door between training, which writes it, and analysis, which reads it.

    results/runs/<backbone>-<params>-<loss>-seed<k>-<digest8>/
        record.json       what was run, on what, and how it ended
        history.csv       one row an epoch, from 1
        predictions.csv   split,id,label,logit from the best epoch's weights
        model.keras       the model for users; retina itself never loads it whole

Every write is atomic: a reader sees the file before it or the file after it, never half of one.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retina import files
from retina.errors import RunError

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
STATUSES = ("running", "completed", "stopped_early", "diverged", "interrupted", "failed")
FINISHED = ("completed", "stopped_early")
RECORD_KEYS = (
    *("schema", "name", "digest", "status", "error", "experiment", "overrides", "data", "baselines", "environment"),
    *("weights", "model", "timings", "sessions", "early_stopping", "best_epoch", "epochs_run"),
)
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
PREDICTION_COLUMNS = ("split", "id", "label", "logit")
PREDICTED_SPLITS = ("validation", "test")


@dataclass(frozen=True)
class Run:
    """A run folder, and the files in it."""

    folder: Path

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

    def record(self) -> dict[str, Any]:
        """Read the record.

        Raises:
            RunError: there is none, it is not JSON, of another schema, or lacks one of `RECORD_KEYS`.
        """
        try:
            record = json.loads(self.record_path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(
                "the record of a run cannot be read",
                found=error.strerror if isinstance(error, OSError) else error,
                where=self.record_path,
                advice="delete the run folder and run the experiment again",
            ) from error
        if not isinstance(record, dict) or record.get("schema") != SCHEMA:
            found = record.get("schema") if isinstance(record, dict) else type(record).__name__
            raise RunError(
                "the record of a run has another schema", expected=SCHEMA, found=found, where=self.record_path
            )
        missing = [key for key in RECORD_KEYS if key not in record]
        if missing or record["status"] not in STATUSES:
            raise RunError(
                "the record of a run is damaged",
                expected=f"every key of a record, and a status of {', '.join(STATUSES)}",
                found=f"no {missing[0]}" if missing else record["status"],
                where=self.record_path,
            )
        return record

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Write the record whole or not at all.

        Raises:
            RetinaError: the folder cannot be written.
        """
        files.write_text(self.record_path, json.dumps(record, indent=2, allow_nan=False) + "\n")

    def write_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Write the epochs finished so far: one mapping of `HISTORY_COLUMNS` an epoch."""
        self._write_table(self.history_path, HISTORY_COLUMNS, ([row[name] for name in HISTORY_COLUMNS] for row in rows))

    def write_predictions(self, rows: Iterable[tuple[str, str, int, float]]) -> None:
        """Write (split, id, label 0 or 1, logit) of every validation and test image."""
        self._write_table(self.predictions_path, PREDICTION_COLUMNS, rows)

    def history(self) -> "pd.DataFrame":
        """Read the history: `HISTORY_COLUMNS`, one row an epoch, epochs from 1.

        Raises:
            RunError: the file is missing or damaged.
        """
        return self._read_table(self.history_path, HISTORY_COLUMNS)

    def predictions(self) -> "pd.DataFrame":
        """Read the predictions: `PREDICTION_COLUMNS`; ids are texts, logits float64.

        Raises:
            RunError: the file is missing or damaged.
        """
        frame = self._read_table(self.predictions_path, PREDICTION_COLUMNS)
        finite = frame["logit"].abs() < float("inf")
        if set(frame["split"]) != set(PREDICTED_SPLITS) or not frame["label"].isin([0, 1]).all() or not finite.all():
            raise RunError(
                "a table of a run is damaged",
                expected="images of " + " and ".join(PREDICTED_SPLITS) + ", labels 0 or 1, finite logits",
                where=self.predictions_path,
            )
        return frame

    @staticmethod
    def _write_table(path: Path, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
        import csv
        import io

        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
        files.write_text(path, text.getvalue())

    @staticmethod
    def _read_table(path: Path, columns: Sequence[str]) -> "pd.DataFrame":
        import pandas as pd

        kinds = {"split": str, "id": str}
        numbers = [name for name in columns if name not in kinds]
        try:
            frame = pd.read_csv(
                path,
                dtype={name: kinds.get(name, "float64") for name in columns},
                keep_default_na=False,
                na_values={name: ["", "nan"] for name in numbers},
            )
        except (OSError, ValueError) as error:
            raise RunError("a table of a run cannot be read", found=error, where=path) from error
        if tuple(frame.columns) != tuple(columns):
            raise RunError("a table of a run is damaged", expected=list(columns), found=list(frame.columns), where=path)
        whole = [name for name in ("epoch", "label") if name in columns]
        if frame[[*whole, *(name for name in kinds if name in columns)]].isna().any(axis=None):
            raise RunError("a table of a run is damaged", expected="no empty field", where=path)
        if (frame[whole] % 1 != 0).any(axis=None):
            raise RunError("a table of a run is damaged", expected=f"whole numbers: {', '.join(whole)}", where=path)
        return frame.astype(dict.fromkeys(whole, "int64"))


def runs_folder(results: Path) -> Path:
    """Where the runs below a results folder lie."""
    return results / "runs"


def require_writable(results: Path) -> None:
    """Refuse a results folder that could not be written, before anything is computed.

    Raises:
        RunError: it, or the nearest folder above it that exists, is no folder or is read-only.
    """
    wanted = runs_folder(results).absolute()
    nearest = next(folder for folder in (wanted, *wanted.parents) if folder.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        raise RunError(
            "the results folder cannot be written",
            found="a file in its place" if nearest.is_file() else "no permission to write",
            where=nearest,
            advice="mend its permissions, or name another with --results DIR",
        )


def create(results: Path, name: str) -> Run:
    """Make the folder of a run, or take the one that stands.

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
            advice="mend its permissions, or name another with --results DIR",
        ) from error
    if not writable:
        raise RunError("the run folder cannot be written", where=folder, advice="mend its permissions")
    return Run(folder)


def find(results: Path, name: str) -> Run:
    """The run of that name, or the run whose folder `name` is.

    Raises:
        RunError: there is none.
    """
    for folder in (runs_folder(results) / name, Path(name)):
        if (folder / "record.json").is_file():
            return Run(folder)
    raise RunError(f"no run {name!r}", where=runs_folder(results), advice="`python cli.py runs` lists them")


def list_runs(results: Path) -> list[Run]:
    """All runs below a results folder, by name; folders without a record are not runs."""
    folder = runs_folder(results)
    if not folder.is_dir():
        return []
    return [Run(entry) for entry in sorted(folder.iterdir()) if (entry / "record.json").is_file()]
