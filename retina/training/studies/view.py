"""A study as a person watches it: its runs and the time left, on stderr, read from the run folders themselves."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retina.errors import RetinaError
from retina.runs import folder as runs
from retina.runs import status
from retina.runs.record import Record
from retina.training.plan import Plan
from retina.training.studies.agenda import Step
from retina.training.studies.pace import Pace, in_words

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

SHOWN = 8
"""Runs under way that are shown at most."""


@dataclass
class Progress:
    """How far a run is.

    Args:
        plan: The run.
        epochs: Epochs finished.
        ended: It is finished, or was given up.
        latest: The last epoch's numbers in words, while it is trained.
        stamp: When the record was written that was read last, of a run that nobody trains.
    """

    plan: Plan
    epochs: int = 0
    ended: bool = False
    latest: str | None = None
    stamp: int | None = None

    @property
    def left(self) -> int:
        """Epochs to go at most."""
        return 0 if self.ended else self.plan.experiment.epochs - self.epochs


class Watch:
    """Looks at run folders, whoever trains in them.

    Args:
        steps: The runs of the study as they stood before.
        results: The results folder.
        pace: How fast runs are; learns from those that are watched.
        quiet: Show nothing.
    """

    def __init__(self, steps: Sequence[Step], results: Path, pace: Pace, *, quiet: bool) -> None:
        self.results = results
        self.pace = pace
        self.abreast = 1
        self.quiet = quiet
        self.members = {item.plan.name: Progress(item.plan, item.reached, item.finished) for item in steps}
        self.console: Console | None = None

    @contextlib.contextmanager
    def shown(self, *, abreast: int) -> Iterator[None]:
        """Show the study while the block lasts, where stderr is a terminal.

        Args:
            abreast: How many runs are trained at a time.
        """
        self.abreast = abreast
        if self.quiet or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.live import Live

        self.console = Console(stderr=True, highlight=False)
        view = Live(get_renderable=self.render, console=self.console, refresh_per_second=1, transient=True)
        try:
            with view:
                yield
        finally:
            self.console = None

    def say(self, line: str) -> None:
        """Print a line that stays."""
        if self.console is not None:
            self.console.print(line, markup=False)
        elif not self.quiet:
            print(line, file=sys.stderr, flush=True)  # noqa: T201

    def end(self, name: str, *, ended: bool = True) -> None:
        """Take a run as ended, or as one that will be tried again."""
        self.members[name].ended = ended
        self.members[name].latest = None

    def look(self) -> None:
        """Read how far every run is that has not ended."""
        for name, member in self.members.items():
            run = runs.Run(runs.runs_folder(self.results) / name)
            if member.ended or (stamp := _stamp(run)) is None or stamp == member.stamp:
                continue
            with contextlib.suppress(RetinaError, OSError, LookupError):  # half written, or damaged
                self.take(member, status.record(run), run)

    def take(self, member: Progress, record: Record, run: runs.Run) -> None:
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

    def left(self) -> float | None:
        """Seconds to go at most; `None` where nothing was measured yet."""
        going = [item for item in self.members.values() if item.left]
        estimate = self.pace.estimate([(item.plan.experiment, item.plan.training_images, item.left) for item in going])
        return estimate.seconds and estimate.seconds / max(1, min(self.abreast, len(going)))

    def lines(self) -> list[str]:
        """The study in words: a line for all, and one for each run under way."""
        ended, left = sum(item.ended for item in self.members.values()), self.left()
        time_left = "time left not known yet" if left is None else f"{in_words(left)} left at most"
        under_way = [item for item in self.members.values() if item.latest]
        return [
            f"{ended} of {len(self.members)} runs ended, {time_left}",
            *(
                f"  {item.plan.name}  epoch {item.epochs}/{item.plan.experiment.epochs}  {item.latest}"
                for item in under_way[:SHOWN]
            ),
            *([f"  and {len(under_way) - SHOWN} more"] if len(under_way) > SHOWN else []),
        ]

    def render(self) -> "RenderableType":
        """What the terminal shows."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        self.look()
        whole = sum(item.plan.experiment.epochs for item in self.members.values())
        left = sum(item.left for item in self.members.values())
        lines = (Text(line, no_wrap=True, overflow="ellipsis") for line in self.lines())
        return Group(ProgressBar(total=whole, completed=whole - left, width=60), *lines)


def _stamp(run: runs.Run) -> int | None:
    """When the record of a run was written, in nanoseconds; `None` where there is none."""
    try:
        return run.record_path.stat().st_mtime_ns
    except OSError:
        return None
