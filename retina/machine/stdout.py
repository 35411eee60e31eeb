"""Keep what libraries print off stdout, which is for data."""

import contextlib
import io
import sys
from collections.abc import Iterator


class _Nowhere(io.TextIOBase):
    """A text stream that keeps nothing. It is never closed, so that a logger may go on using it."""

    def write(self, text: str) -> int:
        """Drop the text."""
        return len(text)


@contextlib.contextmanager
def off_stdout(*, quiet: bool) -> Iterator[None]:
    """Send what a library prints while the block lasts to stderr; with `quiet`, that and its bars on stderr nowhere.

    A library whose logger takes hold of stdout on import must be imported inside.
    """
    with contextlib.ExitStack() as stack:
        if quiet:
            stack.enter_context(contextlib.redirect_stderr(_Nowhere()))
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield
