"""A process that is asked to end ends as by Ctrl-C."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from retina.machine import signals


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_is_a_keyboard_interrupt_within_the_block_alone(sign):
    before = signal.getsignal(sign)
    with pytest.raises(KeyboardInterrupt), signals.as_interrupt():
        signal.raise_signal(sign)
    assert signal.getsignal(sign) == before


def test_a_signal_that_is_ignored_stays_ignored():
    """As `nohup` wants it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.as_interrupt():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


class RaisesWhenFreed:
    """Asks the process to end while it is being freed, where Python drops every error."""

    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


def test_an_interrupt_that_a_finalizer_drops_is_raised_at_the_next_step_and_prints_nothing(monkeypatch):
    printed = []
    monkeypatch.setattr("sys.unraisablehook", printed.append)
    with signals.as_interrupt():
        signals.raise_if_requested()
        RaisesWhenFreed()
        with pytest.raises(KeyboardInterrupt):
            signals.raise_if_requested()
    assert printed == []
    signals.raise_if_requested()  # the request ends with the block


def test_another_error_that_a_finalizer_drops_is_told_as_before(monkeypatch):
    printed = []
    monkeypatch.setattr("sys.unraisablehook", printed.append)

    class Faulty:
        def __del__(self):
            raise ValueError("a fault")

    with signals.as_interrupt():
        Faulty()
    assert [dropped.exc_type for dropped in printed] == [ValueError]


def test_a_block_within_a_block_leaves_the_request_to_the_outer_one():
    with signals.as_interrupt():
        with signals.as_interrupt():
            RaisesWhenFreed()
        with pytest.raises(KeyboardInterrupt):
            signals.raise_if_requested()


def test_another_thread_changes_nothing():
    with signals.as_interrupt():
        RaisesWhenFreed()
        hook, handlers = sys.unraisablehook, [signal.getsignal(kind) for kind in signals.KINDS]
        with ThreadPoolExecutor(1) as pool:
            pool.submit(signals.as_interrupt().__enter__).result()
        assert sys.unraisablehook is hook
        assert [signal.getsignal(kind) for kind in signals.KINDS] == handlers
        with pytest.raises(KeyboardInterrupt):
            signals.raise_if_requested()


def test_a_handler_that_another_language_set_stays(monkeypatch):
    """Python calls it `None`, and cannot set it again."""
    monkeypatch.setattr(signal, "getsignal", lambda kind: None)
    with signals.as_interrupt():
        pass


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_must_be_whole_is_not_broken_off_however_often_one_asks(sign):
    done = []
    with signals.as_interrupt():
        with signals.undisturbed():
            for _ in range(3):
                signal.raise_signal(sign)
            done.append("whole")
        with pytest.raises(KeyboardInterrupt):
            signals.raise_if_requested()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(sign)
    assert done == ["whole"]
