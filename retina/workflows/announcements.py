"""What is announced before anything is trained, a line of text each: the data, and what a result has to beat."""

from retina.experiments.target import DEFAULT
from retina.reporting.terminal.remarks import of_material, of_settings
from retina.runs.record import Record


def of_run(record: Record, *, settings: bool = True) -> list[str]:
    """What is about to be trained.

    Args:
        record: The record of the planned run.
        settings: Say what does not do what one may expect; not where the settings are those of other runs than this.
    """
    precision, device = record.experiment.precision, record.environment.device_name
    return [
        f"{record.name}: {precision} on {device}, from {record.weights.origin} weights",
        *of_data(record),
        *of_material(record),
        *(of_settings(record.experiment, record.data.splits["train"].images) if settings else ()),
        *record.data.warnings,
    ]


def of_data(record: Record) -> list[str]:
    """The target, where it is not the default; the number of images; what calling all of them the same is worth."""
    target = [] if record.target == DEFAULT else [f"Target: column {record.target.column} of the label table."]
    splits = record.data.splits.items()
    counts = ", ".join(f"{name} {part.images} ({part.prevalence:.1%} positive)" for name, part in splits)
    majority = record.baselines.majority
    shares = f"{majority['validation'].accuracy:.1%} of validation and {majority['test'].accuracy:.1%} of test"
    return [
        *target,
        f"Images: {counts}.",
        f"Calling every image the majority class is right in {shares} images: a lower accuracy shows nothing.",
    ]
