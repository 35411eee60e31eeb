"""Progress of long work: a bar with the time left, on stderr, only when a person is watching."""

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def bar(description: str, total: int, *, quiet: bool = False, unit: str = "images") -> Iterator[Callable[[int], None]]:
    """Show a progress bar on stderr while the block runs.

    Args:
        description: What is being done, in a few words.
        total: How many units there are.
        quiet: Show nothing. Nothing is shown either where stderr is not a terminal.
        unit: What is counted.

    Yields:
        A function that takes how many units were just finished.
    """
    if quiet or not sys.stderr.isatty():
        yield _say_nothing
        return
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


def _say_nothing(finished: int) -> None:
    """Stand in for a bar that nobody watches."""
    del finished
