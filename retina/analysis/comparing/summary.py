"""The result of one run: its metrics, and whether its accuracy beats the majority guess. Numbers only."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from retina.errors import RunError
from retina.numbers import metrics, ranking, statistics
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
class BestAccuracy:
    """The best validation accuracy of any epoch, beside that of the majority guess.

    Args:
        value: The accuracy, 0-1.
        low: Lower end of its Wilson 95 % interval, which is optimistic: the value is the best of several.
        high: Upper end.
        majority: Accuracy of calling every validation image the majority class, 0-1.
    """

    value: float
    low: float
    high: float
    majority: float

    @property
    def verdict(self) -> Literal["better", "alike", "worse"]:
        """How it compares with the majority guess: `alike` where the interval covers that."""
        if self.low > self.majority:
            return "better"
        return "worse" if self.high < self.majority else "alike"


@dataclass(frozen=True)
class Summary:
    """A run, and what follows from its predictions and history.

    Args:
        record: Its record.
        folder: Its folder.
        results: Split -> metrics on validation and test; `None` where the run is not finished.
        best_accuracy: The best validation accuracy of any epoch; `None` where the run is not finished.
    """

    record: Record
    folder: Path
    results: dict[str, Result] | None
    best_accuracy: BestAccuracy | None

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values, with `folder` and `results`."""
        results = None if self.results is None else {split: asdict(result) for split, result in self.results.items()}
        return self.record.to_dict() | {"folder": str(self.folder), "results": results}


def summarize(run: Run) -> Summary:
    """Summarize a run.

    Raises:
        RunError: a file of the run is missing or damaged.
    """
    record = status.record(run)
    if not record.finished:
        return Summary(record, run.folder, None, None)
    status.check(run, record, TABLES)
    results = scores(run)
    return Summary(record, run.folder, results, best_accuracy(run, record, results["validation"].images))


def scores(run: Run) -> dict[str, Result]:
    """Metrics on validation and test, from the logits of the run."""
    results = {}
    for split, rows in run.predictions().groupby("split", sort=False):
        labels, logits = rows["label"].to_numpy(), rows["logit"].to_numpy()
        results[str(split)] = Result(
            images=len(labels),
            positives=int(labels.sum()),
            prevalence=float(labels.mean()),
            auroc=ranking.auroc(labels, logits),
            accuracy=metrics.accuracy(labels, logits),
            log_loss=metrics.log_loss(labels, logits),
        )
    return results


def best_accuracy(run: Run, record: Record, images: int) -> BestAccuracy:
    """The best validation accuracy of any epoch, on that many images."""
    value = float(run.history()["val_accuracy"].max())
    low, high = statistics.wilson(round(value * images), images)
    return BestAccuracy(value, low, high, record.baselines.majority["validation"].accuracy)


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
