"""A learning-rate range test as files: record, curve, figure; whole or not at all."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from retina.errors import DataError
from retina.machine import files, kept, sealed
from retina.reporting.figures.rates import Line, range_test
from retina.reporting.figures.saving import save
from retina.runs import tables

RECORD, CURVE, FIGURE = "record.json", "curve.csv", "curve"
COLUMNS = ("seed", "step", "learning_rate", "train_loss", "smoothed")
LOSSES = {"ce": "cross-entropy, nats", "focal": "focal loss, nats"}

Record = Mapping[str, Any]


def read(folder: Path) -> dict[str, Any]:
    """The record of a range test that was made before.

    Raises:
        DataError: it is damaged.
    """
    try:
        return sealed.read_sealed(folder / RECORD)
    except ValueError as error:
        raise DataError("a range test is damaged", found=error, where=folder) from error


def write(folder: Path, record: Record, lines: Sequence[Line]) -> None:
    """Write a range test; one that stands in its place gives way when the new one is whole.

    Raises:
        RetinaError: the folder cannot be written.
    """
    with files.atomic_folder(folder) as temporary:
        rows = (
            (line.seed, step, *values)
            for line in lines
            for step, values in enumerate(
                zip(line.rates.tolist(), line.losses.tolist(), line.smoothed.tolist(), strict=True), 1
            )
        )
        tables.write(temporary / CURVE, COLUMNS, rows)
        experiment = record["experiment"]
        title = f"Learning-rate range test: {experiment['backbone']}, {experiment['params']}, {experiment['loss']}"
        save(range_test(lines, title, notes(record), LOSSES[experiment["loss"]]), temporary, FIGURE)
        (temporary / RECORD).write_text(sealed.seal(dict(record)), encoding="ascii")
        if folder.exists():
            kept.discard(folder)


def notes(record: Record) -> tuple[str, ...]:
    """The lines below the figure's title."""
    experiment, data = record["experiment"], record["data"]
    setting = (
        f"batch {experiment['batch_size']}, {experiment['image_size']} px, fine-tuning {experiment['fine_tune']}, "
        f"{record['weights']['origin']} weights, data {data['fingerprint'][:8]}"
    )
    return (
        setting,
        "Dots: single batches. Lines: smoothed. Verticals: a tenth of the rate of the lowest loss.",
    )


def render(record: Record, folder: Path, *, reused: bool) -> str:
    """A range test as plain text of at most 100 columns."""
    lines = [f"{record['name']}  learning-rate range test" + (" (made before)" if reused else ""), ""]
    lines.append(f"{'seed':>6}{'steps':>8}{'suggested rate':>18}")
    for seed in record["seeds"]:
        said = "none" if seed["suggestion"] is None else f"{seed['suggestion']:.2e}"
        ended = "  diverged" if seed["diverged"] else ""
        bound = "  at least: the loss was still falling at the end of the range" if seed["lower_bound"] else ""
        lines.append(f"{seed['seed']:>6}{seed['steps']:>8}{said:>18}{ended}{bound}")
    lines.append("")
    if record["suggestion"] is None:
        lines.append("No seed suggests a rate: the training loss did not clearly fall. Try more --steps.")
    else:
        rule = "a tenth of the rate at which the smoothed training loss is lowest"
        lines += [f"Suggested: {record['suggestion']:.2e}, the geometric mean over the seeds;", f"{rule}."]
        known = sum(seed["suggestion"] is not None for seed in record["seeds"])
        if known > 1:
            lines.append(f"Between the {known} seeds that suggest one it varies by a factor of {record['spread']:.2f}.")
    lines.append("A range test sees a few steps of training and no validation image: take it as a place to begin.")
    notice = record["data"]["notice"]
    if notice:
        lines.append(f"{notice.rstrip('.')}.")
    return "\n".join([*lines, f"Folder: {folder}"])
