"""How long runs take on this machine, as far as finished runs tell."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from retina.errors import RetinaError
from retina.experiments.experiment import Experiment
from retina.machine import provenance
from retina.models.backbones import registry
from retina.runs.folder import list_runs
from retina.runs.record import Record

PLACE = ("device_name", "threads")
"""What of a run's environment decides how fast it is."""


@dataclass(frozen=True)
class Estimate:
    """The time that runs will take at most, should none stop early.

    Args:
        seconds: All of it; `None` where nothing was ever measured here.
        measured: How many of the runs have a like of theirs that was measured here.
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
            return "How long it takes is not known yet: nothing like it was trained on this machine."
        like = f"the like of {self.measured} of {self.total} runs was trained on this machine before"
        if self.measured < self.total:
            like += ", the others are scaled by operations and pixels"
        return f"Time left: {in_words(self.seconds)} at most, one run after another ({like})."


class Pace:
    """Seconds for one training image in one epoch, validation included, of every kind of run measured here.

    Args:
        results: The results folder whose finished runs are read.
    """

    def __init__(self, results: Path) -> None:
        described = provenance.describe()
        self.place = [described[name] for name in PLACE]
        self.seconds: dict[tuple[object, ...], float] = {}
        for run in list_runs(results):
            # a record that is damaged, or of another make, is told of where it is compared
            with contextlib.suppress(RetinaError, ArithmeticError):
                self.learn(run.record())

    def learn(self, record: Record) -> None:
        """Take what a finished run's record says, where it was trained on a machine like this one."""
        if not record.finished or [getattr(record.environment, name) for name in PLACE] != self.place:
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
        that needs most nearly as many.
        """
        wanted = kind(experiment)
        if wanted in self.seconds:
            return self.seconds[wanted], True
        likes = {other: operations(other) for other in self.seconds if other[2:] == wanted[2:] and operations(other)}
        needed = operations(wanted)
        if not likes or not needed:
            return None, False
        nearest = min(likes, key=lambda other: max(likes[other] / needed, needed / likes[other]))
        return self.seconds[nearest] * needed / likes[nearest], False

    def estimate(self, work: Sequence[tuple[Experiment, int, int]]) -> Estimate:
        """The time that runs will take one after another: (experiment, training images, epochs left) of each."""
        found = [(self.of(item), images * epochs) for item, images, epochs in work]
        known = all(seconds is not None for (seconds, _), _ in found)
        total = sum(seconds * amount for (seconds, _), amount in found) if known else None
        return Estimate(total, sum(measured for (_, measured), _ in found), len(found))


def kind(experiment: Experiment) -> tuple[object, ...]:
    """What decides how long an image takes: backbone, side in pixels, and how it is trained."""
    return experiment.backbone, experiment.image_size, experiment.fine_tune, experiment.precision


def operations(kind: tuple[object, ...]) -> float | None:
    """Multiply-adds of one image, forward; `None` where they are not known."""
    backbone, side, *_ = kind
    try:
        needed = registry.get(backbone).multiply_adds
    except RetinaError:  # another version of retina knew it
        return None
    return needed and needed * (side / 224) ** 2


def in_words(seconds: float) -> str:
    """A duration as people say it."""
    minutes = round(seconds / 60)
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.0f} s"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{minutes} min"
