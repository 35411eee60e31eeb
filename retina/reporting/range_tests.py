"""A learning-rate range test as files: record, curve, figure; all of them or none."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from retina.errors import RunError
from retina.machine import files, kept, sealed
from retina.reporting.figures.rates import Line, range_test
from retina.reporting.figures.saving import save
from retina.runs import tables

RECORD, CURVE, FIGURE = "record.json", "curve.csv", "curve"
COLUMNS = ("seed", "step", "learning_rate", "train_loss", "smoothed")
LOSSES = {"ce": "cross-entropy, nats", "focal": "focal loss, nats"}

Record = Mapping[str, Any]


def read(folder: Path) -> dict[str, Any]:
    """The record of an earlier range test.

    Raises:
        RunError: it is damaged.
    """
    try:
        return sealed.read_sealed(folder / RECORD)
    except ValueError as error:
        raise RunError(
            "an earlier range test is damaged",
            expected="the record as it was written",
            found=error,
            where=folder,
            advice="restore it, or repeat the test with --force, which replaces it",
        ) from error


def write(folder: Path, record: Record, lines: Sequence[Line]) -> None:
    """Write a range test; when it is complete, it replaces an earlier one and the check of that.

    Raises:
        RetinaError: the folder cannot be written.
    """
    kept.sweep(folder.parent)
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
        save(range_test(lines, title, notes(record), loss_name(experiment)), temporary, FIGURE)
        (temporary / RECORD).write_text(sealed.seal(dict(record)), encoding="ascii")
        if folder.exists():
            kept.discard(folder)


def loss_name(experiment: Mapping[str, Any]) -> str:
    """The loss with its unit and the settings that make it another quantity, which earlier records do not have."""
    weighted = "class-weighted " if experiment.get("class_weight") == "balanced" else ""
    smoothing = experiment.get("label_smoothing")
    return weighted + LOSSES[experiment["loss"]] + (f", label smoothing {smoothing:g}" if smoothing else "")


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
