"""Whether a record and a history hold what a comparison reads: every key, of its type, in its range."""

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retina.errors import RunError
from retina.runs import folder as runs

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", *runs.PREDICTED_SPLITS)
NEEDED = {
    "name": str,
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
    "experiment.precision": str,
    "experiment.fine_tune": str,
    "experiment.image_size": int,
    "data.source": str,
    "data.notice": (str, type(None)),
    "data.fingerprint": str,
    "data.excluded": list,
    "data.warnings": list,
    **{f"data.splits.{split}.{count}": int for split in SPLITS for count in ("images", "positives")},
    **{f"baselines.majority.{split}.accuracy": (int, float) for split in runs.PREDICTED_SPLITS},
    **{f"baselines.colour_histogram.{split}": dict for split in runs.PREDICTED_SPLITS},
    "environment.packages": dict,
    "environment.git": (dict, type(None)),
    "weights.origin": str,
    "weights.notice": (str, type(None)),
    "early_stopping.used": bool,
    "early_stopping.patience": int,
    "early_stopping.stop_epoch": (int, type(None)),
    "timings": dict,
    "model": (dict, type(None)),
    "best_epoch": (int, type(None)),
    "overrides": dict,
    "epochs_run": int,
    "files": dict,
}
"""What a comparison or a summary reads of a record, and of which type it must be."""
OPTIONAL = {
    "diverged_step": (int, type(None)),
    "selection": (dict, type(None)),
    "pruned_epoch": (int, type(None)),
    "timings.training_seconds": (int, float, type(None)),
    **{f"weights.{name}": (str, type(None)) for name in ("recipe", "source", "preprocessing")},
    **{
        f"timings.{name}": (int, float, type(None))
        for name in ("feature_seconds", "images_per_second", "waiting_share", "peak_memory_mib")
    },
    **{f"baselines.colour_histogram.{split}.auroc": (int, float, type(None)) for split in runs.PREDICTED_SPLITS},
}
"""What is read where it is there."""
RANGES = {
    "experiment.learning_rate": (1e-300, inf),
    "experiment.batch_size": (1, inf),
    "experiment.epochs": (1, inf),
    "experiment.patience": (1, inf),
    "epochs_run": (0, inf),
    **{f"data.splits.{split}.images": (1, inf) for split in SPLITS},
    **{f"data.splits.{split}.positives": (0, inf) for split in SPLITS},
    **{f"baselines.majority.{split}.accuracy": (0, 1) for split in runs.PREDICTED_SPLITS},
}


def check(record: Mapping[str, Any], path: Path) -> None:
    """See that a record holds what a comparison reads.

    Args:
        record: The record.
        path: Where it lies.

    Raises:
        RunError: the first key that is missing, of another type or out of its range.
    """
    for key, kind in NEEDED.items():
        look(record, key, kind, path)
    for key, kind in OPTIONAL.items():
        look(record, key, kind, path, needed=False)
    for key, (low, high) in RANGES.items():
        value = look(record, key, (int, float), path)
        if not low <= value <= high:
            raise damaged(key, f"{low:g} to {high:g}", value, path)
    for item in record["data"]["excluded"]:
        if not (isinstance(item, dict) and {"split", "id", "reason"} <= set(item) and item["split"] in SPLITS):
            raise damaged("data.excluded", "split, id and reason of each", repr(item)[:50], path)
    for item in record["data"]["warnings"]:
        if not isinstance(item, str):
            raise damaged("data.warnings", "texts", repr(item)[:50], path)


def look(record: Mapping[str, Any], key: str, kind: Any, path: Path, *, needed: bool = True) -> Any:  # noqa: ANN401
    """The value below a dotted key.

    Raises:
        RunError: it is needed and missing, or of another type.
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)
    words = " or ".join("null" if item is type(None) else item.__name__ for item in kinds)
    value: Any = record
    for name in key.split("."):
        if not isinstance(value, dict) or name not in value:
            if not needed:
                return None
            raise damaged(key, words, "nothing", path)
        value = value[name]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise damaged(key, words, type(value).__name__, path)
    return value


def damaged(key: str, expected: str, found: object, path: Path) -> RunError:
    """The error of a record that lacks something."""
    return RunError(
        "the record of a run is damaged",
        expected=f"{key}: {expected}",
        found=found,
        where=path,
        advice="delete the run folder and run the experiment again",
    )


def check_history(history: "pd.DataFrame", record: Mapping[str, Any], path: Path, *, finished: bool) -> None:
    """See that the curves are of epochs 1, 2, ... and their values in range; a loss may be infinite or NaN.

    Raises:
        RunError: an epoch is missing, the record counts others, or a value is out of range.
    """
    epochs, run = history["epoch"].tolist(), record["epochs_run"]
    problem = None
    if epochs != list(range(1, len(epochs) + 1)) or (finished and len(epochs) != run):
        problem = f"{len(epochs)} rows, epochs {str(epochs)[:60]}"
    elif finished and not 1 <= (record["best_epoch"] or 0) <= run:
        problem = f"best epoch {record['best_epoch']}"
    for name, high in (*((f"{part}_loss", inf) for part in ("train", "val")), *((name, 1) for name in SHARES)):
        if (history[name] < 0).any() or (history[name] > high).any():
            problem = f"{name} outside 0 to {high:g}"
    if problem:
        raise RunError("a table of a run is damaged", expected=f"epochs 1 to {run}", found=problem, where=path)


SHARES = ("train_accuracy", "val_accuracy", "val_auroc")
