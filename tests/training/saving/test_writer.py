"""Epochs are written while the next one trains, and nothing is lost or hidden by that."""

import os
import signal
import threading
import time
import types

import pytest

from retina.errors import RunError
from retina.machine import signals
from retina.training.saving import checkpoint
from retina.training.saving.writer import Writer

WAIT = 10


class Folder(types.SimpleNamespace):
    """Stands for a run folder: notes what is written, and can be held up."""

    def __init__(self, monkeypatch):
        super().__init__(saved=[], histories=[], started=threading.Event(), go_on=threading.Event(), broken=False)
        self.error = RunError("the disk is full")
        self.go_on.set()
        monkeypatch.setattr(checkpoint, "save", self.save)

    def save(self, run, state, rows, best):
        assert run is self
        self.started.set()
        assert self.go_on.wait(WAIT)
        if self.broken:
            raise self.error
        self.saved.append((state, len(rows), best))

    def write_history(self, rows):
        assert self.saved[-1][1] == len(rows)  # the checkpoint comes first
        self.histories.append(len(rows))


@pytest.fixture
def folder(monkeypatch):
    return Folder(monkeypatch)


def rows(count):
    return [{"epoch": number} for number in range(1, count + 1)]


def test_training_goes_on_while_an_epoch_is_written(folder):
    folder.go_on.clear()
    with Writer(folder, waits=True) as writer:
        writer.write("state 1", rows(1), "best 1")
        assert folder.started.wait(WAIT)
        assert folder.histories == []
        folder.go_on.set()
        writer.finish()
        assert folder.histories == [1]


def test_each_epoch_has_its_own_checkpoint_where_writing_is_waited_for(folder):
    with Writer(folder, waits=True) as writer:
        for number in range(1, 6):
            writer.write(f"state {number}", rows(number), "best")
    assert folder.saved == [(f"state {number}", number, "best") for number in range(1, 6)]
    assert folder.histories == [1, 2, 3, 4, 5]


def test_epochs_that_end_meanwhile_are_written_together_where_it_is_not(folder):
    folder.go_on.clear()
    with Writer(folder, waits=False) as writer:
        writer.write("state 1", rows(1), "best 1")
        assert folder.started.wait(WAIT)
        for number in (2, 3, 4):
            writer.write(f"state {number}", rows(number), "best 3")
        folder.go_on.set()
    assert folder.saved == [("state 1", 1, "best 1"), ("state 4", 4, "best 3")]
    assert folder.histories == [1, 4]


def test_many_epochs_end_with_the_last_one(folder):
    with Writer(folder, waits=False) as writer:
        for number in range(1, 500):
            writer.write(f"state {number}", rows(number), "best")
    assert folder.histories[-1] == 499
    assert folder.histories == sorted(set(folder.histories))


def train(folder, epochs, *, waits=True, error=None):
    """Hand some epochs over to be written; then, where one is given, raise an error."""
    with Writer(folder, waits=waits) as writer:
        for number in range(1, epochs + 1):
            writer.write("state", rows(number), "best")
        if error is not None:
            raise error


@pytest.mark.parametrize("waits", [True, False])
def test_an_epoch_that_cannot_be_written_stops_training(folder, waits):
    folder.broken = True
    with pytest.raises(RunError, match="the disk is full"):
        train(folder, 1, waits=waits)
    with pytest.raises(RunError, match="the disk is full"):
        train(folder, 2, error=AssertionError("went on"))
    assert folder.histories == []


@pytest.mark.parametrize(("broken", "histories"), [(False, [1]), (True, [])])
def test_ctrl_c_waits_for_what_is_written_and_is_what_is_raised(folder, broken, histories):
    folder.broken = broken
    with pytest.raises(KeyboardInterrupt):
        train(folder, 1, error=KeyboardInterrupt())
    assert folder.histories == histories


def test_a_mistake_in_writing_is_not_hidden_by_another_error(folder):
    folder.broken, folder.error = True, TypeError("a mistake in the program")
    with pytest.raises(TypeError, match="a mistake in the program") as raised:
        train(folder, 1, error=KeyboardInterrupt())
    assert isinstance(raised.value.__context__, KeyboardInterrupt)


def test_no_signal_breaks_off_the_last_epoch_however_often_it_comes(folder):
    """Another process could take the run over while a write of this one is under way."""
    folder.go_on.clear()

    def ask():
        assert folder.started.wait(WAIT)
        for _ in range(3):
            time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        folder.go_on.set()

    def train():
        with Writer(folder, waits=True) as writer:
            writer.write("state 1", rows(1), "best 1")
            threading.Thread(target=ask).start()
        signals.raise_if_requested()

    with pytest.raises(KeyboardInterrupt), signals.as_interrupt():
        train()
    assert folder.histories == [1]
    assert folder.go_on.is_set()
