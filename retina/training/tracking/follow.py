"""A run as a live view shows it: the numbers of `history.csv`, epoch by epoch, in TensorBoard or MLflow.

The run folder decides. A tracker is given what it lacks when training begins, after every epoch and in the end, so that
a resumed run is there once, and a run that was finished before can be shown too.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import keras

from retina.errors import RunError
from retina.runs import folder as runs
from retina.training.plan import Plan
from retina.training.tracking import trackers
from retina.training.tracking.watcher import Watcher

LOG = logging.getLogger(__name__)


class Follow(Watcher):
    """Shows every epoch of a run in a tracker, as soon as it is in the run folder.

    Where a tracker fails, a warning says so and it is shown nothing more; training goes on.

    Args:
        tracker: Where epochs are shown.
        run: The run folder.
    """

    def __init__(self, tracker: trackers.Tracker, run: runs.Run) -> None:
        super().__init__(run)
        self.tracker = tracker
        self.shown: int | None = None

    def hear(self) -> None:
        """Show what is new."""
        self.follow()

    def follow(self, status: str | None = None) -> None:
        """Bring the tracker up to the run folder, and with a status, close it."""
        if self.tracker.broken:
            return
        try:
            with trackers.quietly():
                self.catch_up(status)
        except self.tracker.errors as error:
            self.tracker.broken = True
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            LOG.warning("the run is not shown in %s any more (%s) | Training goes on.", self.tracker.name, reason)

    def catch_up(self, status: str | None) -> None:
        """Show what is not shown yet."""
        rows = self.rows()
        if self.shown is None:
            self.shown = self.tracker.begin(rows)
        for row in rows[self.shown :]:
            self.tracker.show(row)
            self.shown += 1
        if status is not None:
            self.tracker.close(status)


@contextmanager
def tracked(kind: str | None, plan: Plan) -> Iterator[Sequence[keras.callbacks.Callback]]:
    """The callbacks that show a run in a tracker while the block trains it; afterwards its status is shown too.

    Args:
        kind: `tensorboard`, `mlflow`, or `None` for nothing.
        plan: What is trained.

    Raises:
        RetinaError: the tracker's package is not installed.
    """
    if kind is None:
        yield ()
        return
    with trackers.quietly():
        follow = Follow(trackers.TRACKERS[kind](plan), plan.run)
    try:
        yield [follow]
    finally:
        with suppress(RunError):  # no record yet: nothing was trained, and the error that says why is under way
            status = plan.run.record().status
            if status != "running":  # else another process trains it, and shows it
                follow.follow(status)
