"""One model on one split, or at one operating point -> a row of numbers; all models -> tidy tables."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from retina.analysis.gathering import design
from retina.analysis.gathering.candidates import Candidate, Group
from retina.analysis.gathering.collection import Entry, Part
from retina.analysis.gathering.design import repetitions
from retina.analysis.gathering.naming import data_name
from retina.experiments.splits import PREDICTED_SPLITS
from retina.numbers import calibration, metrics, operating_points, ranking, resampling, statistics

if TYPE_CHECKING:
    import pandas as pd

SCREENING_PREVALENCE = 0.10
"""A share of positives as a screening programme meets it, for predictive values: RFMiD's 79 % is far above it."""

RUN = (
    *("run", "status", "backbone", "params", "loss", "seed", "weights", "recipe", "preprocessing"),
    *("best_epoch", "epochs_run"),
)
SEEDS = ("seeds", "auroc_seed_mean", "auroc_seed_sd")


def tables(
    groups: Sequence[Group], finished: Callable[[int], None] = lambda _: None
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """The scores of every model on every split that it has logits of, and its decisions at every operating point.

    Args:
        groups: The models.
        finished: Is called with 1 for every run, and with 0 for every published model, that is done.

    Returns:
        One row a model and split (`model, data, split`, `RUN`, what `score` gives, `SEEDS`), and one row a model, split
        and operating point (`model, data, split` and what `at_points` gives).
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    decisions: list[dict[str, Any]] = []
    for group in groups:
        seeds = seed_columns(group)
        for candidate in group.candidates:
            for split in [name for name in PREDICTED_SPLITS if name in candidate.parts]:
                key = {"model": candidate.label, "data": group.name, "split": split}
                run = of_run(candidate.entry) if candidate.entry else dict.fromkeys(RUN)
                repeated = seeds.get((candidate.label, split), dict.fromkeys(SEEDS))
                rows.append(key | run | score(candidate, split, group.draws[split][candidate.label]) | repeated)
                decisions += [key | row for row in at_points(candidate, split)]
            finished(int(candidate.entry is not None))
    return pd.DataFrame(rows), pd.DataFrame(decisions)


def with_unfinished(scored: "pd.DataFrame", entries: Sequence[Entry]) -> "pd.DataFrame":
    """The table of scores, and one row without scores for each run that is not finished."""
    import pandas as pd

    rows = [{"model": entry.label, "data": data_name(entry.record)} | of_run(entry) for entry in entries]
    # Without a score there are no columns, and an empty list of them would drop those of the unfinished runs.
    return pd.DataFrame([*scored.to_dict("records"), *rows], columns=list(scored.columns) or None)


def of_run(entry: Entry) -> dict[str, Any]:
    """The columns `RUN`: the run's name and settings, and how it ended."""
    experiment, record = entry.experiment, entry.record
    return {
        "run": entry.name,
        "status": record.status,
        "backbone": experiment.backbone,
        "params": experiment.params,
        "loss": experiment.loss,
        "seed": experiment.seed,
        "weights": record.weights.origin,
        "recipe": design.recipe_of(record),
        "preprocessing": record.weights.preprocessing,
        "best_epoch": record.best_epoch,
        "epochs_run": record.epochs_run,
    }


def score(candidate: Candidate, split: str, draws: np.ndarray) -> dict[str, float]:
    """A model's numbers on one split; what cannot be estimated is NaN.

    With what they must beat: prevalence, the accuracy of the majority class, and the Brier score and log-loss of
    answering the split's own prevalence for every image.

    Args:
        candidate: The model.
        split: `validation` or `test`.
        draws: (D,) float64, its AUROC in every bootstrap resample of that split.
    """
    part = candidate.parts[split]
    labels, logits = part.labels, part.logits
    area = statistics.delong(labels, logits)
    low, high = resampling.percentile_interval(draws)
    return {
        "images": len(labels),
        "positives": int(labels.sum()),
        "prevalence": float(labels.mean()),
        "auroc": area.auroc,
        "auroc_standard_error": area.standard_error,
        "auroc_low": area.low,
        "auroc_high": area.high,
        "auroc_bootstrap_low": low,
        "auroc_bootstrap_high": high,
        "average_precision": ranking.average_precision(labels, logits),
        "majority_accuracy": metrics.majority_accuracy(labels),
        "brier_of_prevalence": metrics.prevalence_brier(labels),
        "log_loss_of_prevalence": metrics.prevalence_log_loss(labels),
        **decision_columns(metrics.confusion(labels, logits, 0.0)),
        **probability_columns(labels, logits),
        **recalibration_columns(candidate, part),
    }


def probability_columns(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Brier score, log-loss, calibration error, and the band of that error under perfect calibration."""
    low, high = calibration.calibrated_band(expit(logits))
    columns = {"ece_bins": calibration.BINS, "ece_if_calibrated_low": low, "ece_if_calibrated_high": high}
    return probability_scores(labels, logits) | columns


def probability_scores(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Brier score, log-loss and calibration error; NaN where the logits are."""
    if not np.isfinite(logits).all():
        return dict.fromkeys(("brier", "log_loss", "ece"), np.nan)
    return {
        "brier": metrics.brier(labels, logits),
        "log_loss": metrics.log_loss(labels, logits),
        "ece": calibration.expected_calibration_error(labels, expit(logits)),
    }


RECALIBRATION = (
    *("temperature", "platt_slope", "platt_intercept"),
    *(f"{score}_after_{scaling}" for scaling in ("temperature", "platt") for score in ("brier", "log_loss", "ece")),
)


def recalibration_columns(candidate: Candidate, part: Part) -> dict[str, float]:
    """Temperature and Platt scaling, fitted on validation, and the scores that they give this split."""
    if "validation" not in candidate.parts:
        return dict.fromkeys(RECALIBRATION)
    temperature, (slope, intercept) = candidate.temperature, candidate.platt
    columns = {"temperature": temperature, "platt_slope": slope, "platt_intercept": intercept}
    # (slope, intercept) of the recalibrated logit
    scalings = {"temperature": (1 / temperature, 0.0), "platt": (slope, intercept)}
    for name, scaling in scalings.items():
        after = probability_scores(part.labels, calibration.recalibrate(part.logits, *scaling))
        columns |= {f"{key}_after_{name}": value for key, value in after.items()}
    return columns


def at_points(candidate: Candidate, split: str) -> list[dict[str, Any]]:
    """A model at each operating point, all chosen on validation; none where it has no validation scores."""
    part, rows = candidate.parts[split], []
    for point in candidate.points:
        row = {"point": point.name, "rule": point.rule, "chosen_on": point.chosen_on, "threshold": point.threshold}
        row["threshold_probability"] = float(expit(point.threshold))
        counts = operating_points.apply(point, part.labels, part.logits)
        rows.append(row | (dict.fromkeys(DECISION, np.nan) if counts is None else decision_columns(counts)))
    return rows


def decision_columns(counts: metrics.Confusion) -> dict[str, float]:
    """The columns `DECISION` of a confusion matrix: counts, shares with Wilson intervals, and scores."""
    row = {name: float(value) for name, value in counts._asdict().items()}
    for name, (low, high) in operating_points.intervals(counts)._asdict().items():
        row |= {name: getattr(counts, name), f"{name}_low": low, f"{name}_high": high}
    row |= {name: getattr(counts, name) for name in ("balanced_accuracy", "mcc", "f1")}
    ppv = metrics.ppv_at(counts.sensitivity, counts.specificity, SCREENING_PREVALENCE)
    return row | {"ppv_at_10_percent_prevalence": ppv}


# The names alone; counts of 1 leave no share undefined.
DECISION = tuple(decision_columns(metrics.Confusion(1, 1, 1, 1)))


def seed_columns(group: Group) -> dict[tuple[str, str], dict[str, float]]:
    """Mean and standard deviation over seeds for every run that was repeated, by (label, split).

    The standard deviation (n - 1) is that of training. It does not cover the uncertainty over images and is never
    mixed with it.
    """
    columns_of: dict[tuple[str, str], dict[str, float]] = {}
    by_name = {candidate.name: candidate for candidate in group.candidates}
    for members in repetitions(group.entries):
        for split in PREDICTED_SPLITS:
            parts = [by_name[entry.name].parts[split] for entry in members]
            values = [ranking.auroc(part.labels, part.logits) for part in parts]
            columns = {
                "seeds": len(values),
                "auroc_seed_mean": float(np.mean(values)),
                "auroc_seed_sd": float(np.std(values, ddof=1)),
            }
            columns_of |= {(entry.label, split): columns for entry in members}
    return columns_of
