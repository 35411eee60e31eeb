"""A process that is told to end ends as by Ctrl-C."""

import os
import signal

import pytest

from retina.machine import signals


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_is_a_keyboard_interrupt_within_the_block_alone(sign):
    before = signal.getsignal(sign)
    with pytest.raises(KeyboardInterrupt), signals.termination_as_interrupt():
        signal.raise_signal(sign)
    assert signal.getsignal(sign) == before


def test_a_signal_that_is_ignored_stays_ignored():
    """As `nohup` wants it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.termination_as_interrupt():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
