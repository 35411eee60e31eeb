"""A study on stderr while it runs: its runs and the time left, read from the run folders."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retina.errors import RetinaError
from retina.machine import progress
from retina.machine.duration import in_words
from retina.runs import folder as runs
from retina.runs import status
from retina.runs.record import Record
from retina.training.plan import Plan
from retina.training.studies.agenda import Step
from retina.training.studies.outcome import Outcome
from retina.training.studies.pace import Pace

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

SHOWN = 8
"""Runs under way that are shown at most."""


@dataclass
class RunState:
    """How far a run is.

    Args:
        plan: The run.
        epochs: Epochs finished.
        ended: It is finished, or will not be tried again.
        latest: The last epoch's numbers in words, while it is trained.
        stamp: When the record that was read last was written, where no process trains the run.
    """

    plan: Plan
    epochs: int = 0
    ended: bool = False
    latest: str | None = None
    stamp: int | None = None

    @property
    def epochs_left(self) -> int:
        """Epochs to go at most."""
        return 0 if self.ended else self.plan.experiment.epochs - self.epochs

    @property
    def line(self) -> str:
        """The run in words, while it is trained."""
        return f"{self.plan.name}  epoch {self.epochs}/{self.plan.experiment.epochs}  {self.latest}"


class StudyView:
    """Shows a study on stderr, whichever engine trains its runs: drawn on a terminal, in plain lines elsewhere.

    Args:
        steps: The runs of the study as they were before.
        pace: How fast runs are; learns from those that are watched.
        quiet: Show nothing.
    """

    def __init__(self, steps: Sequence[Step], pace: Pace, *, quiet: bool) -> None:
        self.pace = pace
        self.parallel_runs = 1
        self.quiet = quiet
        self.members = {item.plan.name: RunState(item.plan, item.epochs_reached, item.finished) for item in steps}
        self.console: Console | None = None

    @contextlib.contextmanager
    def show(self, *, parallel_runs: int) -> Iterator[None]:
        """Show the study while the block lasts.

        Args:
            parallel_runs: How many runs are trained at a time.
        """
        self.parallel_runs = parallel_runs
        if self.quiet:
            yield
        elif progress.on_terminal():
            with self._drawn():
                yield
        else:
            with self._in_lines():
                yield

    @contextlib.contextmanager
    def _drawn(self) -> Iterator[None]:
        """Draw the study, anew every second."""
        from rich.console import Console
        from rich.live import Live

        self.console = Console(stderr=True, highlight=False)
        view = Live(get_renderable=self.render, console=self.console, refresh_per_second=1, transient=True)
        try:
            with view:
                yield
        finally:
            self.console = None

    @contextlib.contextmanager
    def _in_lines(self) -> Iterator[None]:
        """Write every `progress.INTERVAL` which runs have new epochs; of several epochs in that time only the last."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(progress.INTERVAL):
                for line in self.news():
                    progress.write_line(line)

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        try:
            yield
        finally:
            ended.set()
            watching.join()

    def news(self) -> list[str]:
        """A line for every run with epochs that are new since the last call, and where there is one, the time left."""
        before = {name: member.epochs for name, member in self.members.items()}
        self.look()
        lines = [item.line for name, item in self.members.items() if item.latest and item.epochs > before[name]]
        return [*lines, self.lines()[0]] if lines else []

    def report(self, outcome: Outcome) -> None:
        """Take note of the outcome of a run, and write it in a line that stays."""
        again = outcome.status == "failed" and outcome.attempts == 1
        self.end(outcome.name, ended=not again)
        words = "finished before, reused" if outcome.reused else f"{outcome.status} in {in_words(outcome.seconds)}"
        if outcome.error:
            words = f"{outcome.status}: {outcome.error}{' | It is tried once more after the others.' if again else ''}"
        self._write(f"{outcome.name}  {words}")

    def _write(self, line: str) -> None:
        if self.console is not None:
            self.console.print(line, markup=False)
        elif not self.quiet:
            progress.write_line(line)

    def end(self, name: str, *, ended: bool = True) -> None:
        """Take a run as ended, or as one that will be tried again."""
        self.members[name].ended = ended
        self.members[name].latest = None

    def look(self) -> None:
        """Read how far every run is that has not ended."""
        for member in self.members.values():
            run = member.plan.run
            # A run that nobody trains changes only with its record: until then its files need not be read every second.
            if member.ended or (stamp := _stamp(run)) is None or stamp == member.stamp:
                continue
            with contextlib.suppress(RetinaError, OSError, LookupError):  # half written, or damaged
                self.take(member, status.record(run), run)

    def take(self, member: RunState, record: Record, run: runs.Run) -> None:
        """Take what a run's record and history say."""
        member.stamp = None if record.status == "running" else _stamp(run)
        member.epochs = record.epochs_run
        if record.finished:
            self.pace.learn(record)
            self.end(member.plan.name)
            return
        words = "in its first epoch"
        if member.epochs:
            history = run.history()
            self.pace.note(record.experiment, float(history["seconds"].mean()) / member.plan.training_images)
            last = history.iloc[-1]
            words = f"val loss {last['val_loss']:.4f}, val AUROC {last['val_auroc']:.4f}"
        member.latest = words if record.status == "running" else None

    def seconds_left(self) -> float | None:
        """Seconds to go at most; `None` where nothing was measured yet."""
        going = [item for item in self.members.values() if item.epochs_left]
        estimate = self.pace.estimate(
            [(item.plan.experiment, item.plan.training_images, item.epochs_left) for item in going]
        )
        # The estimate is of one run after another; as many as are trained at a time share it.
        return estimate.seconds and estimate.seconds / max(1, min(self.parallel_runs, len(going)))

    def lines(self) -> list[str]:
        """The study in words: a line for all, and one for each run under way."""
        ended, seconds = sum(item.ended for item in self.members.values()), self.seconds_left()
        time_left = "time left not known yet" if seconds is None else f"{in_words(seconds)} left at most"
        under_way = [item for item in self.members.values() if item.latest]
        return [
            f"{ended} of {len(self.members)} runs ended, {time_left}",
            *(f"  {item.line}" for item in under_way[:SHOWN]),
            *([f"  and {len(under_way) - SHOWN} more"] if len(under_way) > SHOWN else []),
        ]

    def render(self) -> "RenderableType":
        """What the terminal shows."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        self.look()
        epochs = sum(item.plan.experiment.epochs for item in self.members.values())
        epochs_left = sum(item.epochs_left for item in self.members.values())
        lines = (Text(line, no_wrap=True, overflow="ellipsis") for line in self.lines())
        return Group(ProgressBar(total=epochs, completed=epochs - epochs_left, width=60), *lines)


def _stamp(run: runs.Run) -> int | None:
    """When the record of a run was written, in nanoseconds; `None` where there is none."""
    try:
        return run.record_path.stat().st_mtime_ns
    except OSError:
        return None
