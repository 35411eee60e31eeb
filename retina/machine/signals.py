"""The signals that ask a process to end.

Python raises a KeyboardInterrupt wherever the main thread happens to be. Where that is a finalizer or the callback of a
weak reference, the interrupt is printed and dropped, and the work continues. So `as_interrupt`
remembers a request, and long work calls `raise_if_requested` at every step.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType


@dataclass
class _Request:
    """Whether this process was asked to end; one for the process, as its signal handlers are."""

    made: bool = False


_REQUEST = _Request()


@contextlib.contextmanager
def as_interrupt() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP end the block by a KeyboardInterrupt; one that is ignored stays so."""
    kinds = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    if threading.current_thread() is not threading.main_thread():  # Python hands signals to the main thread alone
        kinds = []
    before = {kind: signal.getsignal(kind) for kind in kinds}
    hook = sys.unraisablehook
    for kind, handler in before.items():
        # Any other handler was set on purpose: `nohup`, for instance, has SIGHUP ignored.
        if handler in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(kind, _interrupt)
    # Python would print a traceback of the interrupt that it drops; `raise_if_requested` raises it again soon.
    sys.unraisablehook = lambda dropped: None if dropped.exc_type is KeyboardInterrupt else hook(dropped)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for kind, handler in before.items():
            signal.signal(kind, handler)
        _REQUEST.made = False


def raise_if_requested() -> None:
    """Raise the interrupt that was dropped, if one was.

    Raises:
        KeyboardInterrupt: this process was asked to end.
    """
    if _REQUEST.made:
        raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Remember the request, and end what is running now."""
    del number, frame  # Python hands both to every handler
    _REQUEST.made = True
    raise KeyboardInterrupt
