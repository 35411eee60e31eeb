"""What one run came to: its numbers, and the sentences that a reader must not miss."""

from pathlib import Path
from typing import Any

from retina.errors import RunError
from retina.numbers import metrics, statistics
from retina.runs import record as records
from retina.runs import status
from retina.runs.folder import FINISHED, TABLES, Run, list_runs


def summarize(run: Run) -> dict[str, Any]:
    """The record of a run together with what follows from its predictions and history.

    Returns:
        The record, with `folder`, `results` (validation and test: images, positives, prevalence, auroc, accuracy and
        log_loss; `None` where the run is not finished) and `remarks` (sentences).

    Raises:
        RunError: a file of the run is missing or damaged.
    """
    record = status.record(run)
    records.check(record, run.record_path)
    finished = record["status"] in FINISHED
    if finished:
        status.check(run, record, TABLES)
    summary = record | {"folder": str(run.folder), "results": scores(run) if finished else None}
    return summary | {"remarks": remarks(run, summary) if finished else notices(record)}


def scores(run: Run) -> dict[str, dict[str, float]]:
    """Metrics of the best epoch's weights on validation and test, from the logits of the run."""
    results = {}
    for split, rows in run.predictions().groupby("split", sort=False):
        labels, logits = rows["label"].to_numpy(), rows["logit"].to_numpy()
        results[str(split)] = {
            "images": len(labels),
            "positives": int(labels.sum()),
            "prevalence": float(labels.mean()),
            "auroc": metrics.auroc(labels, logits),
            "accuracy": metrics.accuracy(labels, logits),
            "log_loss": metrics.log_loss(labels, logits),
        }
    return results


def remarks(run: Run, summary: dict[str, Any]) -> list[str]:
    """The sentences beside a finished run's numbers."""
    sentences = notices(summary)
    stop = summary["early_stopping"]
    if not stop["used"] and stop["stop_epoch"] is not None:
        sentences.append(
            f"Early stopping with patience {stop['patience']} would have stopped after epoch {stop['stop_epoch']}."
        )
    images = summary["results"]["validation"]["images"]
    best = float(run.history()["val_accuracy"].max())
    baseline = summary["baselines"]["majority"]["validation"]["accuracy"]
    low, high = statistics.wilson(round(best * images), images)
    if low <= baseline:
        verdict = "is worse than" if high < baseline else "cannot be told from"
        sentences.append(
            f"The best validation accuracy of any epoch, {best:.3f} (95 % interval {low:.3f}-{high:.3f}, optimistic "
            f"because it is the best of several), {verdict} calling every image the majority class ({baseline:.3f})."
        )
    return sentences


def notices(record: dict[str, Any]) -> list[str]:
    """What was settled before training and belongs beside every number of the run."""
    found = [record["weights"]["notice"], record["data"]["notice"]]
    excluded = len(record["data"]["excluded"])
    if excluded:
        found.append(f"{excluded} images were left out; the record of the run names them")
    return [sentence.rstrip(".") + "." for sentence in found if sentence]


def summarize_all(results: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Summarize every run below a results folder.

    Returns:
        The summaries, and one line for each run that is damaged.
    """
    found, damaged = [], []
    for run in list_runs(results):
        try:
            found.append(summarize(run))
        except RunError as error:
            damaged.append(str(error))
    return found, damaged
