"""The signals that ask a process to end.

Python raises a KeyboardInterrupt wherever the main thread happens to be. Where that is a finalizer or the callback of a
weak reference, the interrupt is printed and dropped, and the work continues. So `as_interrupt` remembers a request, and
long work calls `raise_if_requested` at every step. What must not be broken off, such as writing down how a run ended,
happens `undisturbed`.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

KINDS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@dataclass
class _Request:
    """Whether this process was asked to end, and whether it may be broken off; one, as its signal handlers are."""

    heard: bool = False
    made: bool = False
    undisturbed: int = 0


_REQUEST = _Request()


@contextlib.contextmanager
def as_interrupt(*, at_last: bool = False) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP end the block by a KeyboardInterrupt; one that is ignored stays so.

    Within another such block, or in another thread than the main one, to which Python hands signals, it does nothing.

    Args:
        at_last: The process ends after the block: its work is done, and they are ignored. Once torch was loaded, Python
            takes seconds to end.
    """
    if _REQUEST.heard or threading.current_thread() is not threading.main_thread():
        yield
        return
    # Any other handler was set on purpose: `nohup`, for instance, has SIGHUP ignored. One set by C code is `None`.
    defaults = (signal.SIG_DFL, signal.default_int_handler)
    before = {kind: handler for kind in KINDS if (handler := signal.getsignal(kind)) in defaults}
    hook = sys.unraisablehook
    _REQUEST.heard = True
    for kind in before:
        signal.signal(kind, _interrupt)
    # Python would print a traceback of the interrupt that it drops; `raise_if_requested` raises it again soon.
    sys.unraisablehook = lambda dropped: None if dropped.exc_type is KeyboardInterrupt else hook(dropped)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for kind, handler in before.items():
            signal.signal(kind, signal.SIG_IGN if at_last else handler)
        _REQUEST.heard = _REQUEST.made = False


def raise_if_requested() -> None:
    """Raise the interrupt that was dropped, or that came while it had to wait, if there was one.

    Raises:
        KeyboardInterrupt: this process was asked to end.
    """
    if _REQUEST.made:
        raise KeyboardInterrupt


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let a request within `as_interrupt` wait until the next `raise_if_requested` after the block.

    For what is short and must be whole; an impatient user may type Ctrl-C again and again.
    """
    _REQUEST.undisturbed += 1
    try:
        yield
    finally:
        _REQUEST.undisturbed -= 1


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Remember the request, and end what is running now, unless that must not be disturbed."""
    del number, frame  # Python hands both to every handler
    _REQUEST.made = True
    if not _REQUEST.undisturbed:
        raise KeyboardInterrupt
