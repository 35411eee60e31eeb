"""Scores that others published for single images: one CSV, a column of labels and one column a model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retina.errors import RunError
from retina.experiments.splits import PREDICTED_SPLITS
from retina.experiments.target import DISEASE_RISK

LABELS = ("label", DISEASE_RISK)
"""Names that the column of labels may have; the first that the file has is read."""
LARGEST_LOGIT = 40.0
"""The logit of a probability of exactly 1: beyond that of the next smaller float64, which is 36.7."""


@dataclass(frozen=True)
class Scores:
    """Published scores of some images.

    Args:
        path: The file.
        ids: (N,) str, sorted.
        labels: (N,) int64, 0 or 1.
        models: Name of a column -> logits (N,) float64.
        split: `validation` or `test` where the user named it.
    """

    path: Path
    ids: np.ndarray
    labels: np.ndarray
    models: dict[str, np.ndarray]
    split: str | None = None

    @property
    def source(self) -> str:
        """The file as the user names it, without its folder: `scores.csv` or `validation=scores.csv`."""
        return f"{self.split}={self.path.name}" if self.split else self.path.name


def read(source: str | Path) -> Scores:
    """Read published scores.

    A column whose values all lie between 0 and 1 holds probabilities; any other holds logits.

    Args:
        source: A CSV with the columns `id`, one of `LABELS`, and one per model. `validation=FILE` and
            `test=FILE` name the split of its images, which is needed where no run has these images.

    Raises:
        RunError: it cannot be read, lacks a column, or has a value that is not allowed.
    """
    import pandas as pd

    prefix, _, rest = str(source).partition("=")
    split, path = (prefix, Path(rest)) if rest and prefix in PREDICTED_SPLITS else (None, Path(source))
    try:
        frame = pd.read_csv(path, dtype={"id": str}, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RunError("published scores cannot be read", found=reason, where=path) from error
    target = next((name for name in LABELS if name in frame), None)
    models = [name for name in frame.columns if name not in ("id", *LABELS)]
    if target is None or "id" not in frame or not models:
        raise RunError(
            "published scores lack a column",
            expected=f"id, {' (or '.join(LABELS)}) and one column a model",
            found=", ".join(map(str, frame.columns[:20])),
            where=path,
        )
    problem = fault(frame, target, models)
    if problem:
        raise RunError("published scores cannot be used", found=problem, where=path)
    frame = frame.sort_values("id", kind="stable")
    columns = {str(name): logits(frame[name].to_numpy("float64")) for name in models}
    return Scores(path, frame["id"].to_numpy(), frame[target].to_numpy("int64"), columns, split)


def fault(frame: "pd.DataFrame", target: str, models: list[str]) -> str | None:  # noqa: F821 - for type checking
    """Why a table of scores cannot be used, or `None`."""
    import pandas as pd

    if frame.empty:
        return "no row"
    if frame["id"].isna().any() or frame["id"].duplicated().any():
        return "an id that is missing or occurs twice"
    if not frame[target].isin([0, 1]).all():
        return f"a {target} that is neither 0 nor 1"
    for name in models:
        if not str(name).strip() or str(name).startswith("Unnamed: "):
            return "a column without a name, such as the index that pandas writes"
        if not pd.api.types.is_numeric_dtype(frame[name]) or not np.isfinite(frame[name]).all():
            return f"a value of {name} that is not a finite number"
    return None


def logits(values: np.ndarray) -> np.ndarray:
    """Probabilities as logits, (N,) float64, 0 and 1 as -40 and 40; values outside 0-1 are logits already."""
    if values.min() < 0 or values.max() > 1:
        return values
    with np.errstate(divide="ignore"):
        # log1p, since 1 - p would round away the digits of a small p. A p of 0 or 1 gives an infinite logit, which is
        # clipped.
        return np.clip(np.log(values) - np.log1p(-values), -LARGEST_LOGIT, LARGEST_LOGIT)
