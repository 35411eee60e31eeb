"""Progress of long work on stderr: a bar with the time left on a terminal, else a plain line now and then.

Announcements are no progress: they go, as lines of text, to a `Say`, so that the caller of a job decides where they
appear.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from retina.machine import signals
from retina.machine.duration import in_words

INTERVAL = 30.0
"""Seconds between two plain lines about the same work; work that is done sooner says nothing."""

Say = Callable[[str], None]
"""Receives the announcements of a job, a line of text each."""


def silent(line: str) -> None:
    """Drop an announcement."""
    del line


def on_terminal() -> bool:
    """Whether stderr is a terminal, so that bars can be drawn on it."""
    return sys.stderr.isatty()


def write_line(line: str) -> None:
    """Write a plain line on stderr at once."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


@contextlib.contextmanager
def bar(description: str, total: int, *, quiet: bool = False, unit: str = "images") -> Iterator[Callable[[int], None]]:
    """Show on stderr how far work is while the block runs: a bar on a terminal, elsewhere a line every `INTERVAL`.

    Args:
        description: What is being done, in a few words.
        total: How many units there are.
        quiet: Show nothing.
        unit: What is counted.

    Yields:
        A function that takes how many units were just finished; it raises KeyboardInterrupt where an interrupt was
        dropped, see `retina.machine.signals`.
    """
    with _shown(description, total, quiet=quiet, unit=unit) as show:

        def advance(finished: int) -> None:
            signals.raise_if_requested()
            show(finished)

        yield advance


@contextlib.contextmanager
def _shown(description: str, total: int, *, quiet: bool, unit: str) -> Iterator[Callable[[int], None]]:
    """A bar, plain lines, or nothing."""
    if quiet:
        yield _nothing
    elif not on_terminal():
        yield _Lines(description, total, unit).advance
    else:
        with _drawn(description, total, unit) as advance:
            yield advance


@contextlib.contextmanager
def _drawn(description: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """A bar that is redrawn while the work lasts, and removed when it is done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task(description, total=total)
        yield lambda finished: display.advance(task, finished)


class _Lines:
    """Writes now and then, in plain lines, how far work is and how long the rest will take."""

    def __init__(self, description: str, total: int, unit: str) -> None:
        self.description, self.total, self.unit = description, total, unit
        self.finished = 0
        self.began = self.written = time.monotonic()

    def advance(self, finished: int) -> None:
        """Count finished units; write a line where the last one was written long enough ago."""
        self.finished += finished
        now = time.monotonic()
        if now - self.written >= INTERVAL and self.finished:
            self.written = now
            seconds_left = (now - self.began) * (self.total - self.finished) / self.finished
            count = f"{self.finished} of {self.total} {self.unit}"
            write_line(f"{self.description}: {count}, {in_words(max(0.0, seconds_left))} left")


def _nothing(finished: int) -> None:
    """Drop a count, where nothing is shown."""
    del finished
