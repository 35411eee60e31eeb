"""Runs as text for a terminal: the summary of one, and the list of all."""

from typing import Any

from retina.analysis.comparing.summary import Summary
from retina.machine.duration import in_words
from retina.reporting.terminal.remarks import notices, remarks
from retina.runs.session import Timings


def render(summary: Summary) -> str:
    """A finished run's summary as plain text, in lines of at most 100 columns but for its remarks."""
    record = summary.record
    epochs = f"best epoch {record.best_epoch} of {record.epochs_run}"
    if record.status == "stopped_early":
        epochs += f", stopped early (at most {record.experiment.epochs})"
    seconds = record.timings.training_seconds
    lines = [f"{record.name}  {record.status}", f"{epochs}, trained in {in_words(seconds)}"]
    lines += [*speed(record.timings), ""]
    lines.append(f"{'':<26}{'images':>8}{'positive':>10}{'AUROC':>9}{'accuracy':>10}")
    for split, result in summary.results.items():
        lines.append(row(split, result.images, result.prevalence, result.auroc, result.accuracy))
        histogram = record.baselines.colour_histogram[split]
        lines.append(row("  majority guess", None, None, 0.5, record.baselines.majority[split].accuracy))
        lines.append(row("  colour histogram", None, None, histogram.auroc, histogram.accuracy))
    return "\n".join([*lines, "", *remarks(summary), f"Run folder: {summary.folder}"])


def speed(timings: Timings) -> list[str]:
    """A line on how fast a run trained, or none where the record, early or without an epoch, has no speed."""
    if timings.images_per_second is None or timings.waiting_share is None:
        return []
    preparation = timings.feature_seconds
    features = "" if preparation is None else f" on kept features ({in_words(preparation)} before the first epoch)"
    waiting = f"{timings.waiting_share:.1%} of the time waiting for data"
    line = f"{timings.images_per_second:.1f} images/s{features}, {waiting}"
    peak = timings.peak_memory_mib
    return [line if peak is None else f"{line}, peak memory {peak / 1024:.1f} GiB"]


def row(name: str, images: int | None, prevalence: float | None, auroc: float, accuracy: float) -> str:
    """One line of the table."""
    counts = f"{images:>8}{prevalence:>10.1%}" if images is not None else " " * 18
    return f"{name:<26}{counts}{auroc:>9.4f}{accuracy:>10.4f}"


def render_all(summaries: list[Summary]) -> str:
    """One line a run, as plain text."""
    width = max(len(summary.record.name) for summary in summaries)
    lines = [f"{'run':<{width}}  {'status':<14}{'weights':<10}{'epochs':>6}{'val AUROC':>11}{'test AUROC':>12}"]
    for summary in summaries:
        record, results = summary.record, summary.results
        line = f"{record.name:<{width}}  {record.status:<14}{record.weights.origin:<10}{record.epochs_run:>6}"
        if results:
            line += f"{results['validation'].auroc:>11.4f}{results['test'].auroc:>12.4f}"
        lines.append(line)
    sentences = dict.fromkeys(sentence for summary in summaries for sentence in notices(summary.record))
    return "\n".join([*lines, *sentences])


def to_dict(summary: Summary) -> dict[str, Any]:
    """A run's summary as plain JSON values, its remarks included."""
    return summary.to_dict() | {"remarks": remarks(summary)}
