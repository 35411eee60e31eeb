"""A study as a person watches it: what the run folders say, in words."""

import time
from functools import partial

import pytest
from small_runs import Interrupt

from retina.machine import progress
from retina.training import execution
from retina.training.studies import agenda, engines
from retina.training.studies.outcome import Outcome
from retina.training.studies.pace import Pace
from retina.training.studies.view import StudyView

pytestmark = pytest.mark.usefixtures("network")


def view_of(plans, results, *, quiet=True):
    pace = Pace(results)
    return StudyView(agenda.agenda(plans, pace), pace, quiet=quiet)


def test_the_view_tells_what_the_run_folders_say(planned, tmp_path, monkeypatch):
    plans = planned(epochs=2)
    view = view_of(plans, tmp_path)
    view.look()
    assert view.lines() == ["0 of 2 runs ended, time left not known yet"]
    seen = []

    class Looking(Interrupt):
        def on_train_batch_end(self, batch, logs=None):
            step = self.model.optimizer.iterations.numpy()
            if step in (3, 9):
                until = time.monotonic() + 60
                view.look()
                while step == 9 and view.members[plans[0].name].epochs == 0 and time.monotonic() < until:
                    time.sleep(0.01)  # the first epoch is written while the second one trains
                    view.look()
                seen.append(view.lines())

    with monkeypatch.context() as patch:
        patch.setattr(execution, "execute", partial(execution.execute, listeners=[Looking(0)]))
        engines.run(plans[:1], engines.here(), lambda _: None)
    assert seen[0] == [
        "0 of 2 runs ended, time left not known yet",
        f"  {plans[0].name}  epoch 0/2  in its first epoch",
    ]
    head, line = seen[1]
    assert "left at most" in head
    assert line.startswith(f"  {plans[0].name}  epoch 1/2  val loss ")
    view.look()
    assert view.lines()[0].startswith("1 of 2 runs ended, ")
    assert len(view.lines()) == 1
    view.end(plans[1].name)
    assert view.lines()[0].startswith("2 of 2 runs ended, ")


def test_without_a_terminal_every_run_that_ends_has_its_line_and_none_when_quiet(planned, tmp_path, capsys):
    plans = planned()
    for quiet in (False, True):
        view = view_of(plans, tmp_path, quiet=quiet)
        with view.show(parallel_runs=1):
            view.report(Outcome(plans[0].name, "failed", error="the disk is full"))
            view.report(Outcome(plans[0].name, "completed", seconds=75, attempts=2))
            view.report(Outcome(plans[1].name, "completed", reused=True))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"{plans[0].name}  failed: the disk is full | It is tried once more after the others.",
        f"{plans[0].name}  completed in 1 min 15 s",
        f"{plans[1].name}  finished before, reused",
    ]


def test_without_a_terminal_a_run_that_takes_long_says_now_and_then_how_far_it_is(
    planned, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(progress, "INTERVAL", 0.01)
    plans = planned("resnet18", epochs=3)
    view = view_of(plans, tmp_path, quiet=False)

    class Slow(Interrupt):
        def on_epoch_begin(self, epoch, logs=None):
            until = time.monotonic() + 60
            while view.members[plans[0].name].epochs < epoch and time.monotonic() < until:
                time.sleep(0.01)  # each epoch waits until the view knows of the one before

        def on_train_batch_end(self, batch, logs=None):
            """Train on."""

    monkeypatch.setattr(execution, "execute", partial(execution.execute, listeners=[Slow(0)]))
    with view.show(parallel_runs=1):
        engines.run(plans, engines.here(), lambda _: None)
    lines = capsys.readouterr().err.splitlines()
    for epoch in (1, 2):
        assert sum(line.startswith(f"{plans[0].name}  epoch {epoch}/3  val loss ") for line in lines) == 1
    assert any(line.startswith("0 of 1 runs ended, ") and line.endswith(" left at most") for line in lines)
