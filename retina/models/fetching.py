"""Weights that a library fetches for itself: its chatter off stdout, and what goes wrong in one line."""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, redirect_stdout
from pathlib import Path

from retina.errors import RetinaError, WeightsError


class FetchErrors(AbstractContextManager[None]):
    """Turns what the libraries raise where weights cannot be had into one helpful line; a fault of a program stays one.

    Web clients raise OSError; Keras and KerasHub ValueError for a file of another digest and a preset that is not
    there, and Keras' `get_file` an Exception of no other type; kagglehub has types of its own, most of them under
    Exception.

    Args:
        source: Where the weights are published.

    Raises:
        WeightsError: when the block ends with such an error.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Raise the line, or let the error go on its way."""
        del trace
        if kind is None or issubclass(kind, RetinaError):
            return
        if kind is Exception or issubclass(kind, OSError | ValueError) or kind.__module__.startswith("kagglehub."):
            raise WeightsError(
                "weights cannot be fetched",
                found=str(error).strip().partition("\n")[0][:200] or kind.__name__,
                where=self.source,
                advice="use --weights random, or the name of an earlier run",
            ) from error


@contextmanager
def off_stdout(*, quiet: bool) -> Iterator[None]:
    """Send what downloads print to stderr, or nowhere."""
    with ExitStack() as stack:
        target = stack.enter_context(Path(os.devnull).open("w")) if quiet else sys.stderr
        stack.enter_context(redirect_stdout(target))
        yield
