"""Runs as they lie on disk -> runs that can be compared, under short labels; what is damaged is named and left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retina import runs
from retina.analysis import naming
from retina.errors import RunError
from retina.runs import FINISHED, Run

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

NEEDED = {
    "digest": str,
    "experiment": dict,
    "experiment.backbone": str,
    "experiment.params": str,
    "experiment.loss": str,
    "experiment.seed": int,
    "experiment.batch_size": int,
    "experiment.learning_rate": (int, float),
    "experiment.epochs": int,
    "experiment.early_stopping": bool,
    "experiment.patience": int,
    "data.source": str,
    "data.fingerprint": str,
    "data.excluded": list,
    "data.warnings": list,
    **{
        f"data.splits.{split}.{count}": int
        for split in ("train", "validation", "test")
        for count in ("images", "positives")
    },
    **{f"baselines.majority.{split}.accuracy": (int, float) for split in runs.PREDICTED_SPLITS},
    **{f"baselines.colour_histogram.{split}": dict for split in runs.PREDICTED_SPLITS},
    "environment.packages": dict,
    "environment.git": (dict, type(None)),
    "weights.origin": str,
    "early_stopping.patience": int,
    "timings": dict,
    "epochs_run": int,
}
"""What a comparison reads of a record, and of which type it must be."""


@dataclass(frozen=True)
class Entry:
    """One run as a comparison sees it.

    Args:
        name: The name of its folder.
        label: A short name, unique in the comparison.
        record: Its record.
        history: Its curves, `retina.runs.HISTORY_COLUMNS`; no row where no epoch was finished.
        predictions: `retina.runs.PREDICTION_COLUMNS`, or `None` where the run is not finished.
    """

    name: str
    label: str
    record: dict[str, Any]
    history: "pd.DataFrame"
    predictions: "pd.DataFrame | None"

    @property
    def finished(self) -> bool:
        """Whether it may be ranked: completed, or stopped early."""
        return self.predictions is not None

    @property
    def experiment(self) -> dict[str, Any]:
        """The settings of the run."""
        return self.record["experiment"]

    @property
    def fingerprint(self) -> str:
        """The identity of its data: labels and bytes of every image."""
        return self.record["data"]["fingerprint"]

    def part(self, split: str) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
        """Ids (N,) str, labels (N,) int64 and logits (N,) float64 of `validation` or `test`, sorted by id."""
        rows = self.predictions[self.predictions["split"] == split].sort_values("id", kind="stable")
        return rows["id"].to_numpy(), rows["label"].to_numpy(), rows["logit"].to_numpy()


def collect(found: Sequence[Run]) -> tuple[list[Entry], list[str]]:
    """Read runs.

    Returns:
        Those that can be read, by name, and one line for each that cannot, naming the file.
    """
    entries, damaged = [], []
    for run in found:
        try:
            entries.append(read(run))
        except RunError as error:
            damaged.append(str(error))
    ordered = sorted(entries, key=lambda entry: entry.name)
    labels = naming.labels([entry.record for entry in ordered])
    return [replace(entry, label=label) for entry, label in zip(ordered, labels, strict=True)], damaged


def read(run: Run) -> Entry:
    """Read one run, and check that its files agree with each other.

    Raises:
        RunError: a file is missing, damaged or of another schema, or two of them contradict each other.
    """
    record = run.record()
    check_record(record, run.record_path)
    finished = record["status"] in FINISHED
    entry = Entry(
        name=run.folder.name,
        label=run.folder.name,
        record=record,
        history=history_of(run, record, finished=finished),
        predictions=run.predictions() if finished else None,
    )
    if finished:
        check_predictions(entry, run.predictions_path)
    return entry


def check_record(record: Mapping[str, Any], path: Path) -> None:
    """See that a record holds what a comparison reads, each of its type.

    Raises:
        RunError: the first key that is missing or of another type.
    """
    for key, kind in NEEDED.items():
        value: Any = record
        for name in key.split("."):
            if not isinstance(value, dict) or name not in value:
                raise damaged_record(key, kind, "nothing", path)
            value = value[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise damaged_record(key, kind, type(value).__name__, path)
    for item in record["data"]["excluded"]:
        if not (isinstance(item, dict) and {"split", "id", "reason"} <= set(item)):
            raise damaged_record("data.excluded with split, id and reason", list, repr(item)[:50], path)


def damaged_record(key: str, kind: "type | tuple[type, ...]", found: str, path: Path) -> RunError:
    """The error of a record that lacks something."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return RunError(
        "the record of a run is damaged",
        expected=f"{key} ({' or '.join(item.__name__ for item in kinds)})",
        found=found,
        where=path,
        advice="delete the run folder and run the experiment again",
    )


def history_of(run: Run, record: Mapping[str, Any], *, finished: bool) -> "pd.DataFrame":
    """The curves of a run; an unfinished one may have none yet.

    Raises:
        RunError: the table is damaged, or its epochs are not 1, 2, ... as many as the record says.
    """
    if not finished and not run.history_path.is_file():
        import pandas as pd

        return pd.DataFrame(columns=list(runs.HISTORY_COLUMNS), dtype="float64").astype({"epoch": "int64"})
    history = run.history()
    epochs = history["epoch"].tolist()
    whole = not finished or len(epochs) == record["epochs_run"]
    if epochs != list(range(1, len(epochs) + 1)) or not whole:
        raise RunError(
            "a table of a run is damaged",
            expected=f"epochs 1 to {record['epochs_run']}",
            found=f"{len(epochs)} rows",
            where=run.history_path,
        )
    return history


def check_predictions(entry: Entry, path: Path) -> None:
    """See that the predictions are those of the images that the record counts.

    Raises:
        RunError: an image stands twice, a logit is not finite, or the counts differ from the record's.
    """
    rows = entry.predictions
    counts = {}
    for split in runs.PREDICTED_SPLITS:
        labels = rows.loc[rows["split"] == split, "label"]
        counts[split] = (len(labels), int(labels.sum()))
    expected = {
        split: (part["images"], part["positives"])
        for split, part in entry.record["data"]["splits"].items()
        if split in counts
    }
    problem = None
    if rows.duplicated(["split", "id"]).any():
        problem = "an image that stands twice"
    elif counts != expected:
        problem = f"(images, positives) {counts}"
    if problem:
        raise RunError(
            "a table of a run is damaged",
            expected=f"one logit for every image of the record, (images, positives) {expected}",
            found=problem,
            where=path,
        )
