"""How a run of a study ended: with results, reused, or with an error that ends no other run."""

import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from retina.errors import DivergedError, HeldError, RetinaError, RunError
from retina.runs.folder import Run
from retina.runs.record import FINISHED
from retina.training import execution
from retina.training.plan import Plan
from retina.training.tracking import follow

LOG = logging.getLogger(__name__)
FAULTS = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError),
    *(ImportError, MemoryError, OSError, RuntimeError),
)
"""What Python, Keras and torch raise where a program has a fault, or memory, disk or device fail."""
POLL = 1.0
"""Seconds between two looks at a run that another process holds."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Args:
        name: The name of the run.
        status: That of its record, `failed` where there is none.
        reused: It was finished before.
        error: What went wrong, on one line.
        seconds: From its beginning to its end, preparation included.
        attempts: How often it was tried.
    """

    name: str
    status: str
    reused: bool = False
    error: str | None = None
    seconds: float = 0.0
    attempts: int = 1

    @property
    def finished(self) -> bool:
        """Whether the run has results."""
        return self.status in FINISHED

    def after(self, before: "Outcome") -> "Outcome":
        """This outcome as that of a second try."""
        return dataclasses.replace(
            self, attempts=before.attempts + self.attempts, seconds=before.seconds + self.seconds
        )


def finished_before(plan: Plan) -> Outcome | None:
    """The outcome of a run that has its results already; `None` where it is to be trained."""
    try:
        if execution.is_finished(plan.run) and plan.run.record().digest == plan.digest:
            return Outcome(plan.name, plan.run.record().status, reused=True)
    except RunError:  # the error is reported where the run is trained
        pass
    return None


def attempt(name: str, train: Callable[[], tuple[Run, bool]]) -> Outcome:
    """Train a run and return its outcome: no error of one run ends the others.

    Args:
        name: The name of the run.
        train: Trains it, and returns its folder and whether it was finished before.

    Raises:
        KeyboardInterrupt: it was interrupted; the record says so.
    """
    began = time.monotonic()
    status, reused, error = "failed", False, None
    try:
        run, reused = train()
        status = run.record().status
    except DivergedError as problem:
        status, error = "diverged", str(problem)
    except RetinaError as problem:
        error = str(problem)
    except FAULTS as problem:
        LOG.exception("%s failed by a fault of the program", name)
        error = f"{type(problem).__name__}: {problem}"
    return Outcome(name, status, reused=reused, error=error, seconds=time.monotonic() - began)


def train(plan: Plan, *, track: str | None = None, patience: float = 0.0) -> tuple[Run, bool]:
    """Train a run and show no progress, once the process that holds it has released it or is known to be dead.

    Args:
        plan: The run.
        track: A tracker to show it in, see `retina.training.tracking.follow`.
        patience: Seconds to wait for another process that holds the run.

    Raises:
        HeldError: it is still held after that.
        RetinaError: see `retina.training.execution.execute`.
    """
    deadline = time.monotonic() + patience
    plan = dataclasses.replace(plan, place=plan.place.quietly())
    with follow.tracked(track, plan) as watchers:
        while True:
            try:
                return execution.execute(plan, watchers=watchers)
            except HeldError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(POLL)
