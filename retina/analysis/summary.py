"""What one run came to: its numbers, and the sentences that a reader must not miss."""

from pathlib import Path
from typing import Any

from retina import standing
from retina.analysis import metrics, records, statistics
from retina.errors import RunError
from retina.runs import FINISHED, TABLES, Run, list_runs


def summarize(run: Run) -> dict[str, Any]:
    """The record of a run together with what follows from its predictions and history.

    Returns:
        The record, with `folder`, `results` (validation and test: images, positives, prevalence, auroc, accuracy and
        log_loss; `None` where the run is not finished) and `remarks` (sentences).

    Raises:
        RunError: a file of the run is missing or damaged.
    """
    record = standing.record(run)
    records.check(record, run.record_path)
    finished = record["status"] in FINISHED
    if finished:
        standing.check(run, record, TABLES)
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


def render(summary: dict[str, Any]) -> str:
    """A finished run's summary as plain text of at most 100 columns, apart from its remarks."""
    record = summary
    epochs = f"best epoch {record['best_epoch']} of {record['epochs_run']}"
    if record["status"] == "stopped_early":
        epochs += f", stopped early (at most {record['experiment']['epochs']})"
    seconds = record["timings"]["training_seconds"]
    lines = [f"{record['name']}  {record['status']}", f"{epochs}, trained in {duration(seconds)}"]
    lines += [*speed(record["timings"]), ""]
    lines.append(f"{'':<26}{'images':>8}{'positive':>10}{'AUROC':>9}{'accuracy':>10}")
    for split, result in record["results"].items():
        lines.append(row(split, result["images"], result["prevalence"], result["auroc"], result["accuracy"]))
        majority = record["baselines"]["majority"][split]
        histogram = record["baselines"]["colour_histogram"][split]
        lines.append(row("  majority guess", None, None, 0.5, majority["accuracy"]))
        lines.append(row("  colour histogram", None, None, histogram["auroc"], histogram["accuracy"]))
    return "\n".join([*lines, "", *record["remarks"], f"Run folder: {record['folder']}"])


def speed(timings: dict[str, Any]) -> list[str]:
    """A line on how fast a run trained, or none where it was not recorded: by an earlier version, or not reached."""
    if timings.get("images_per_second") is None:
        return []
    before = timings.get("feature_seconds")
    kept = "" if before is None else f" on kept features ({duration(before)} before the first epoch)"
    waiting = f"{timings['waiting_share']:.1%} of the time waiting for data"
    line = f"{timings['images_per_second']:.1f} images/s{kept}, {waiting}"
    peak = timings.get("peak_memory_mib")
    return [line if peak is None else f"{line}, peak memory {peak / 1024:.1f} GiB"]


def row(name: str, images: int | None, prevalence: float | None, auroc: float, accuracy: float) -> str:
    """One line of the table."""
    counts = f"{images:>8}{prevalence:>10.1%}" if images is not None else " " * 18
    return f"{name:<26}{counts}{auroc:>9.4f}{accuracy:>10.4f}"


def duration(seconds: float) -> str:
    """Seconds in words a person reads."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


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


def render_all(summaries: list[dict[str, Any]]) -> str:
    """One line a run, as plain text."""
    width = max(len(summary["name"]) for summary in summaries)
    lines = [f"{'run':<{width}}  {'status':<14}{'weights':<10}{'epochs':>6}{'val AUROC':>11}{'test AUROC':>12}"]
    for summary in summaries:
        line = f"{summary['name']:<{width}}  {summary['status']:<14}{summary['weights']['origin']:<10}"
        line += f"{summary['epochs_run']:>6}"
        if summary["results"]:
            line += f"{summary['results']['validation']['auroc']:>11.4f}{summary['results']['test']['auroc']:>12.4f}"
        lines.append(line)
    said = dict.fromkeys(sentence for summary in summaries for sentence in notices(summary))
    return "\n".join([*lines, *said])
