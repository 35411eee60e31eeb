"""Keep what libraries print off stdout, which is for data."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path


@contextmanager
def off_stdout(*, quiet: bool) -> Iterator[None]:
    """Send what downloads print to stderr, or nowhere."""
    with ExitStack() as stack:
        target = stack.enter_context(Path(os.devnull).open("w")) if quiet else sys.stderr
        stack.enter_context(redirect_stdout(target))
        yield
