"""Two sides in processes of their own take turns on one machine; what counts is the ratio of each pair of turns.

The absolute speed of a machine drifts while it is measured, so a figure of one side alone says little. The sides wait
for each other, and who goes first alternates. Each runs in a process of its own, so that neither inherits the other's
environment, allocator or threads: the plain side is what a user gets who never heard of retina.
"""

import importlib
import multiprocessing
import os
import resource
import signal
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

Turn = Callable[[], float]

PATIENCE = 10
"""Seconds that a side has to end, once it is told to by its closed connection, and once more after Ctrl-C's signal."""


class SideError(RuntimeError):
    """A side's process ended before its turn did; its own words stand above."""


@dataclass(frozen=True)
class Side:
    """One side of a duel.

    Args:
        maker: `module:function`; called once in the side's process, it returns the turn: a function without arguments
            that does the work once and returns what it measured, the less the better (seconds, or MiB).
        arguments: The maker's keyword arguments.
    """

    maker: str
    arguments: dict[str, Any]

    def given(self, **more: Any) -> "Side":  # noqa: ANN401 - whatever the maker takes
        """The same side with more arguments."""
        return Side(self.maker, self.arguments | more)


@dataclass(frozen=True)
class Result:
    """What a duel measured, turn by turn.

    Args:
        ours: Our side's figures.
        theirs: The other side's, of the same turns.
        memory: Peak resident memory of both sides' processes, MiB.
    """

    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    memory: tuple[int, int]

    @property
    def ratios(self) -> list[float]:
        """How many times as fast ours was, turn by turn."""
        return [theirs / ours for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """The median ratio."""
        return statistics.median(self.ratios)


def duel(ours: Side, theirs: Side, *, turns: int, warm_up: int = 1) -> Result:
    """Let two sides take turns.

    Args:
        ours: Our side.
        theirs: The other side.
        turns: Counted turns of each.
        warm_up: Turns of each that are not counted, first.
    """
    with _process(ours) as our_turn, _process(theirs) as their_turn:
        pairs = []
        for number in range(warm_up + turns):
            if number % 2:
                second, first = their_turn(), our_turn()
            else:
                first, second = our_turn(), their_turn()
            pairs.append((first, second))
    counted = pairs[warm_up:]
    memory = (max(peak for (_, peak), _ in pairs), max(peak for _, (_, peak) in pairs))
    return Result(tuple(own for (own, _), _ in counted), tuple(other for _, (other, _) in counted), memory)


@contextmanager
def _process(side: Side) -> Iterator[Callable[[], tuple[float, int]]]:
    """A side's process, and a function that lets it take one turn and gives the figure and the peak memory in MiB."""
    spawn = multiprocessing.get_context("spawn")
    near, far = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(side, far), daemon=False)
    process.start()
    far.close()

    def receive() -> Any:  # noqa: ANN401 - as multiprocessing's own
        try:
            return near.recv()
        except EOFError as error:
            raise SideError(f"the side {side.maker} ended early") from error

    def take_turn() -> tuple[float, int]:
        near.send("turn")
        return receive()

    try:
        receive()  # one side is made at a time, and neither while the other takes its turn
        yield take_turn
    finally:
        near.close()
        _end(process)


def _end(process: multiprocessing.process.BaseProcess) -> None:
    """Wait for a process whose connection was closed; in the midst of a turn, interrupt it, so that its own end too."""
    process.join(PATIENCE)
    if process.is_alive():
        os.kill(process.pid, signal.SIGINT)
        process.join(PATIENCE)
    if process.is_alive():
        process.kill()


def _serve(side: Side, connection: Any) -> None:  # noqa: ANN401 - multiprocessing's connection
    """Make the turn, then take it as often as asked; Ctrl-C ends it without a word."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with suppress(KeyboardInterrupt, EOFError):
        module, _, function = side.maker.partition(":")
        turn: Turn = getattr(importlib.import_module(module), function)(**side.arguments)
        connection.send("ready")
        while True:
            connection.recv()
            figure = turn()
            peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
            connection.send((figure, peak >> 10))
