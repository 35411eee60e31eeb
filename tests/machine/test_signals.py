"""A process that is asked to end ends as by Ctrl-C."""

import os
import signal

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
