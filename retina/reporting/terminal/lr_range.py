"""A learning-rate range test as text for a terminal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def render(record: Mapping[str, Any], folder: Path, *, reused: bool) -> str:
    """A range test as plain text of at most 100 columns."""
    lines = [f"{record['name']}  learning-rate range test" + (" (made before)" if reused else ""), ""]
    lines.append(f"{'seed':>6}{'steps':>8}{'suggested rate':>18}")
    for seed in record["seeds"]:
        rate = "none" if seed["suggestion"] is None else f"{seed['suggestion']:.2e}"
        diverged = "  diverged" if seed["diverged"] else ""
        bound = "  at least: the loss was still falling at the end of the range" if seed["lower_bound"] else ""
        lines.append(f"{seed['seed']:>6}{seed['steps']:>8}{rate:>18}{diverged}{bound}")
    lines.append("")
    if record["suggestion"] is None:
        lines.append("No seed suggests a rate: the training loss did not clearly fall. Try more --steps.")
    else:
        rule = "a tenth of the rate at which the smoothed training loss is lowest"
        lines += [f"Suggested: {record['suggestion']:.2e}, the geometric mean over the seeds;", f"{rule}."]
        seeds = sum(seed["suggestion"] is not None for seed in record["seeds"])
        if seeds > 1:
            lines.append(f"Between the {seeds} seeds that suggest one it varies by a factor of {record['spread']:.2f}.")
    lines.append("A range test sees a few steps of training and no validation image: take it as a place to begin.")
    notice = record["data"]["notice"]
    if notice:
        lines.append(f"{notice.rstrip('.')}.")
    return "\n".join([*lines, f"Folder: {folder}"])
