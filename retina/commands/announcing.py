"""What is said on stderr before anything is trained: on what, and what a result has to beat."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from retina.runs.record import Record


def run(record: "Record") -> None:
    """Say what is about to be trained.

    Args:
        record: The record of the planned run.
    """
    from retina.analysis.comparing import summary

    precision, place = record.experiment.precision, record.environment.device_name
    click.echo(f"{record.name}: {precision} on {place}, from {record.weights.origin} weights", err=True)
    data(record)
    for line in [*summary.notices(record), *record.data.warnings]:
        click.echo(line, err=True)


def data(record: "Record") -> None:
    """Say how many images there are, and what calling all of them the same is worth."""
    splits = record.data.splits.items()
    counts = ", ".join(f"{name} {part.images} ({part.prevalence:.1%} positive)" for name, part in splits)
    majority = record.baselines.majority
    shares = f"{majority['validation'].accuracy:.1%} of validation and {majority['test'].accuracy:.1%} of test"
    click.echo(f"Images: {counts}.", err=True)
    click.echo(f"Calling every image the majority class is right in {shares} images: less says nothing.", err=True)
