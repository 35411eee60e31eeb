"""A search over learning rate, batch size and other settings as text for a terminal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def render(record: Mapping[str, Any], file: Path) -> str:
    """A search as plain text, the best trial first: at most 100 columns unless more than rate and batch is searched."""
    ranked = sorted(
        record["trials"],
        key=lambda trial: (trial["objective"] is None, -(trial["objective"] or 0), trial["number"]),
    )
    lines = [f"{'trial':>5}{'rate':>11}{'batch':>7}{'epochs':>8}{'val AUROC':>11}  {'state':<10}run"]
    for trial in ranked:
        area = "-" if trial["objective"] is None else f"{trial['objective']:.4f}"
        numbers = f"{trial['learning_rate']:>11.3g}{trial['batch_size']:>7}{trial['epochs']:>8}{area:>11}"
        varied = "".join(f"  {name} {value}" for name, value in trial["varied"].items())
        lines.append(f"{trial['number']:>5}{numbers}  {trial['state']:<10}{trial['run']}{varied}")
    counts = ", ".join(f"{record[key]} {key}" for key in ("tried", "finished", "pruned", "failed"))
    lines += ["", f"Trials: {counts}. Judged by {record['objective_is']}."]
    if record["winner"] is not None:
        best = ranked[0]
        rate, batch = best["learning_rate"], best["batch_size"]
        varied = "".join(f", {name} {value}" for name, value in best["varied"].items())
        lines.append(f"Best: learning rate {rate:g}, batch {batch}{varied}: {record['winner']}.")
        tried = record["tried"]
        lines.append(f"As the best of {tried} trials its validation AUROC is optimistic; test images played no part.")
    notice = record["data"]["notice"]
    if notice:
        lines.append(f"{notice.rstrip('.')}.")
    return "\n".join([*lines, f"Written: {file}"])
