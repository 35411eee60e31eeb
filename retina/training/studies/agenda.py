"""What a study has to do: for each of its runs, how far it is and how long the rest will take."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retina.errors import RetinaError
from retina.runs import folder as runs
from retina.training import execution
from retina.training.plan import Plan
from retina.training.studies.pace import Estimate, Pace, in_words


@dataclass(frozen=True)
class Step:
    """One run of a study before it is trained.

    Args:
        plan: The run.
        finished: It has results and is reused.
        reached: Epochs finished before, from which it goes on.
        estimate: How long it will take.
    """

    plan: Plan
    finished: bool
    reached: int
    estimate: Estimate

    @property
    def left(self) -> int:
        """Epochs to train at most."""
        return 0 if self.finished else self.plan.experiment.epochs - self.reached

    @property
    def words(self) -> str:
        """What is to be done, for a table."""
        if self.finished:
            return "finished before"
        time = "time not known"
        if self.estimate.seconds is not None:
            time = in_words(self.estimate.seconds) + ("" if self.estimate.measured else ", scaled from another run")
        return f"{time}; goes on after epoch {self.reached}" if self.reached else time

    def to_dict(self) -> dict[str, Any]:
        """The step as plain JSON values."""
        return {
            "name": self.plan.name,
            "experiment": self.plan.experiment.to_dict(),
            "weights": self.plan.start.origin,
            "finished": self.finished,
            "epochs_reached": self.reached,
            "epochs_left": self.left,
            "seconds_at_most": self.estimate.seconds,
            "measured": bool(self.estimate.measured),
        }


def agenda(plans: Sequence[Plan], results: Path, pace: Pace) -> list[Step]:
    """The steps of a study, in the order of its runs."""
    return [_step(item, results, pace) for item in plans]


def _step(item: Plan, results: Path, pace: Pace) -> Step:
    run = runs.Run(runs.runs_folder(results) / item.name)
    try:
        finished = execution.is_finished(run)
    except RetinaError:  # damaged: it is told where the run is trained
        finished = False
    reached = 0 if finished else execution.epochs_reached(item, results=results)
    left = 0 if finished else item.experiment.epochs - reached
    return Step(item, finished, reached, pace.estimate([(item.experiment, item.training_images, left)]))


def total(steps: Sequence[Step], pace: Pace) -> Estimate:
    """How long all that is left will take, one run after another."""
    left = [item for item in steps if item.left]
    return pace.estimate([(item.plan.experiment, item.plan.training_images, item.left) for item in left])


def table(steps: Sequence[Step]) -> str:
    """The plan as plain text, one line a run."""
    width = max(len(item.plan.name) for item in steps)
    lines = [f"{'run':<{width}}  epochs left  at most"]
    return "\n".join([*lines, *(f"{item.plan.name:<{width}}  {item.left:>11}  {item.words}" for item in steps)])
