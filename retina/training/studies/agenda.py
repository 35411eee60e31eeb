"""What a study has to do: its runs planned, and for each how far it is and how long the rest will take."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from retina.errors import RetinaError, RunError
from retina.experiments.parameters import Choice
from retina.experiments.place import Place
from retina.machine.duration import in_words
from retina.training import execution
from retina.training.plan import Plan, Planner
from retina.training.studies.pace import Estimate, Pace


@dataclass(frozen=True)
class Step:
    """One run of a study before it is trained.

    Args:
        plan: The run.
        finished: It has results and is reused.
        epochs_reached: Epochs of an interrupted run that are finished; training resumes after them.
        estimate: How long it will take.
    """

    plan: Plan
    finished: bool
    epochs_reached: int
    estimate: Estimate

    @property
    def epochs_left(self) -> int:
        """Epochs to train at most."""
        return 0 if self.finished else self.plan.experiment.epochs - self.epochs_reached

    @property
    def words(self) -> str:
        """What is to be done, for a table."""
        if self.finished:
            return "finished before"
        time = "time not known"
        if self.estimate.seconds is not None:
            time = in_words(self.estimate.seconds) + ("" if self.estimate.measured else ", scaled from another run")
        return f"{time}; goes on after epoch {self.epochs_reached}" if self.epochs_reached else time

    def to_dict(self) -> dict[str, Any]:
        """The step as plain JSON values."""
        return {
            "name": self.plan.name,
            "experiment": self.plan.experiment.to_dict(),
            "weights": self.plan.start.origin,
            "finished": self.finished,
            "epochs_reached": self.epochs_reached,
            "epochs_left": self.epochs_left,
            "seconds_at_most": self.estimate.seconds,
            "measured": bool(self.estimate.measured),
        }


def plans(choices: Sequence[Choice], place: Place) -> list[Plan]:
    """Plan every run of a study, so that what is wrong with any of them is reported before the first is trained.

    Raises:
        RetinaError: see `retina.training.plan.Planner.plan`; or two of them are the same run.
    """
    planner = Planner(place)
    by_digest: dict[str, Plan] = {}
    for choice in choices:
        plan = planner.plan(*choice)
        if plan.digest in by_digest:
            notices = {by_digest[plan.digest].start.notice, plan.start.notice} - {None}
            raise RunError(
                "two runs of the study are the same run, once their settings are resolved",
                found=", ".join([plan.name, *notices]),
                advice="name pretrained weights: --weights FILE" if notices else "remove one of the two from the study",
            )
        by_digest[plan.digest] = plan
    return list(by_digest.values())


def agenda(plans: Sequence[Plan], pace: Pace) -> list[Step]:
    """The steps of a study, in the order of its runs."""
    return [_step(plan, pace) for plan in plans]


def _step(plan: Plan, pace: Pace) -> Step:
    try:
        finished = execution.is_finished(plan.run)
    except RetinaError:  # damaged: the error is reported where the run is trained
        finished = False
    reached = 0 if finished else execution.epochs_reached(plan)
    left = 0 if finished else plan.experiment.epochs - reached
    return Step(plan, finished, reached, pace.estimate([(plan.experiment, plan.training_images, left)]))


def total(steps: Sequence[Step], pace: Pace) -> Estimate:
    """How long all that is left will take, one run after another."""
    unfinished = [item for item in steps if item.epochs_left]
    return pace.estimate([(item.plan.experiment, item.plan.training_images, item.epochs_left) for item in unfinished])
