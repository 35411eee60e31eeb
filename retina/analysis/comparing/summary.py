"""What one run came to: its numbers, and the sentences that a reader must not miss."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from retina.errors import RunError
from retina.numbers import metrics, statistics
from retina.runs import status
from retina.runs.folder import TABLES, Run, list_runs
from retina.runs.record import Record


@dataclass(frozen=True)
class Result:
    """Metrics of the best epoch's weights on one split: counts, shares and AUROC 0-1, mean log-loss in nats."""

    images: int
    positives: int
    prevalence: float
    auroc: float
    accuracy: float
    log_loss: float


@dataclass(frozen=True)
class Summary:
    """A run, and what follows from its predictions and history.

    Args:
        record: Its record.
        folder: Where it lies.
        results: Metrics on validation and test; `None` where the run is not finished.
        remarks: The sentences beside the numbers.
    """

    record: Record
    folder: Path
    results: dict[str, Result] | None
    remarks: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values, with `folder`, `results` and `remarks`."""
        results = None if self.results is None else {split: asdict(result) for split, result in self.results.items()}
        further = {"folder": str(self.folder), "results": results, "remarks": list(self.remarks)}
        return self.record.to_dict() | further


def summarize(run: Run) -> Summary:
    """Summarize a run.

    Raises:
        RunError: a file of the run is missing or damaged.
    """
    record = status.record(run)
    if not record.finished:
        return Summary(record, run.folder, None, tuple(notices(record)))
    status.check(run, record, TABLES)
    results = scores(run)
    return Summary(record, run.folder, results, tuple(remarks(run, record, results)))


def scores(run: Run) -> dict[str, Result]:
    """Metrics on validation and test, from the logits of the run."""
    results = {}
    for split, rows in run.predictions().groupby("split", sort=False):
        labels, logits = rows["label"].to_numpy(), rows["logit"].to_numpy()
        results[str(split)] = Result(
            images=len(labels),
            positives=int(labels.sum()),
            prevalence=float(labels.mean()),
            auroc=metrics.auroc(labels, logits),
            accuracy=metrics.accuracy(labels, logits),
            log_loss=metrics.log_loss(labels, logits),
        )
    return results


def remarks(run: Run, record: Record, results: dict[str, Result]) -> list[str]:
    """The sentences beside a finished run's numbers."""
    sentences = notices(record)
    stop = record.early_stopping
    if not stop.used and stop.stop_epoch is not None:
        sentences.append(
            f"Early stopping with patience {stop.patience} would have stopped after epoch {stop.stop_epoch}."
        )
    images = results["validation"].images
    best = float(run.history()["val_accuracy"].max())
    baseline = record.baselines.majority["validation"].accuracy
    low, high = statistics.wilson(round(best * images), images)
    if low <= baseline:
        verdict = "is worse than" if high < baseline else "cannot be told from"
        sentences.append(
            f"The best validation accuracy of any epoch, {best:.3f} (95 % interval {low:.3f}-{high:.3f}, optimistic "
            f"because it is the best of several), {verdict} calling every image the majority class ({baseline:.3f})."
        )
    return sentences


def notices(record: Record) -> list[str]:
    """What was settled before training and belongs beside every number of the run."""
    sentences = [record.weights.notice, record.data.notice]
    excluded = len(record.data.excluded)
    if excluded:
        sentences.append(f"{excluded} images were left out; the record of the run names them")
    return [sentence.rstrip(".") + "." for sentence in sentences if sentence]


def summarize_all(results: Path) -> tuple[list[Summary], list[str]]:
    """Summarize every run below a results folder.

    Returns:
        The summaries, and one line for each run that is damaged.
    """
    summaries, damaged = [], []
    for run in list_runs(results):
        try:
            summaries.append(summarize(run))
        except RunError as error:
            damaged.append(str(error))
    return summaries, damaged
