"""How long runs take on this machine, as measured in finished runs."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from retina.errors import RetinaError
from retina.experiments.experiment import Experiment
from retina.machine import provenance
from retina.machine.duration import in_words
from retina.models.backbones import catalogue
from retina.runs.folder import list_runs
from retina.runs.record import Record

HARDWARE = ("device_name", "threads")
"""The fields of a run's environment that decide how fast it is."""


@dataclass(frozen=True)
class Estimate:
    """The time that runs will take where none stops early.

    Args:
        seconds: All of it; `None` where nothing was ever measured here.
        measured: For how many of the runs a run of the same kind was measured here.
        total: How many runs it is about.
    """

    seconds: float | None
    measured: int
    total: int

    @property
    def sentence(self) -> str:
        """The estimate in words."""
        if not self.total:
            return "Nothing is left to train."
        if self.seconds is None:
            return "How long it takes is not known yet: no run of its kind was trained on this machine."
        basis = f"measured on this machine for {self.measured} of {self.total} runs"
        if self.measured < self.total:
            basis += ", scaled by operations and pixels for the others"
        return f"Time left: {in_words(self.seconds)} at most, one run after another ({basis})."


class Pace:
    """Seconds for one training image in one epoch, validation included, of every kind of run measured here.

    Args:
        results: The results folder whose finished runs are read.
    """

    def __init__(self, results: Path) -> None:
        environment = provenance.describe()
        self.hardware = [environment[name] for name in HARDWARE]
        self.seconds: dict[tuple[object, ...], float] = {}
        for run in list_runs(results):
            # a record that is damaged, or of another version, is reported where it is compared
            with contextlib.suppress(RetinaError, ArithmeticError):
                self.learn(run.record())

    def learn(self, record: Record) -> None:
        """Take the speed of a finished run that was trained on a machine like this one."""
        if not record.finished or [getattr(record.environment, name) for name in HARDWARE] != self.hardware:
            return
        spent, images = record.timings.training_seconds, record.data.splits["train"].images
        if spent and record.epochs_run:
            self.note(record.experiment, spent / (record.epochs_run * images))

    def note(self, experiment: Experiment, seconds: float) -> None:
        """Take a measurement: seconds for one image and epoch."""
        self.seconds[kind(experiment)] = seconds

    def of(self, experiment: Experiment) -> tuple[float | None, bool]:
        """Seconds for one image and epoch, and whether that was measured.

        What was not measured is scaled, by the operations of the backbone and by the pixels, from the run measured here
        whose operations are nearest.
        """
        own = kind(experiment)
        if own in self.seconds:
            return self.seconds[own], True
        # The first two parts, backbone and side, are what is scaled by; the others must be the same.
        others = {other: operations(other) for other in self.seconds if other[2:] == own[2:] and operations(other)}
        needed = operations(own)
        if not others or not needed:
            return None, False
        nearest = min(others, key=lambda other: max(others[other] / needed, needed / others[other]))
        return self.seconds[nearest] * needed / others[nearest], False

    def estimate(self, work: Sequence[tuple[Experiment, int, int]]) -> Estimate:
        """The time that runs will take one after another: (experiment, training images, epochs left) of each."""
        parts = [(self.of(item), images * epochs) for item, images, epochs in work]
        complete = all(seconds is not None for (seconds, _), _ in parts)
        total = sum(seconds * amount for (seconds, _), amount in parts) if complete else None
        return Estimate(total, sum(measured for (_, measured), _ in parts), len(parts))


def kind(experiment: Experiment) -> tuple[object, ...]:
    """What decides how long an image takes: backbone, side in pixels, and how it is trained."""
    return experiment.backbone, experiment.image_size, experiment.fine_tune, experiment.precision


def operations(kind: tuple[object, ...]) -> float | None:
    """Multiply-adds of one image, forward; `None` where they are not known."""
    backbone, side, *_ = kind
    try:
        needed = catalogue.facts_of(backbone).multiply_adds
    except RetinaError:  # a backbone of another version of retina
        return None
    # The catalogue counts the operations of an image of 224 x 224 pixels; they grow with the pixels.
    return needed and needed * (side / 224) ** 2
