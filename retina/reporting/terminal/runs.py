"""Runs as text for a terminal: the summary of one, and the list of all."""

from typing import Any

from retina.analysis.comparing.summary import notices


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
