"""A tracker is brought up to the run folder: every epoch once, and after a failure nothing more."""

import pytest
from made_runs import make_run, rewrite
from small_runs import planned

from retina.errors import RunError
from retina.training.tracking import follow, trackers


class Screen(trackers.Tracker):
    """Notes what it is shown; some epochs are there from an earlier session, and one may not be shown."""

    name = "a screen"
    errors = (OSError,)

    def __init__(self, there=0, fails_at=None):
        self.there, self.fails_at = there, fails_at
        self.shown, self.statuses, self.broken = [], [], False

    def begin(self, rows):
        return min(self.there, len(rows))

    def show(self, row):
        if row["epoch"] == self.fails_at:
            raise OSError(28, "No space left\non device")
        self.shown.append(row["epoch"])

    def close(self, status):
        self.statuses.append(status)


def test_what_an_earlier_session_showed_is_not_shown_again(tmp_path):
    run = make_run(tmp_path, epochs=4)
    screen = Screen(there=2)
    following = follow.Follow(screen, run)
    following.hear()
    following.hear()
    assert (screen.shown, screen.statuses) == ([3, 4], [])
    following.follow("completed")
    assert (screen.shown, screen.statuses) == ([3, 4], ["completed"])


def test_a_tracker_that_fails_is_named_in_one_line_and_shown_nothing_more(tmp_path, caplog):
    screen = Screen(fails_at=2)
    following = follow.Follow(screen, make_run(tmp_path, epochs=4))
    following.hear()
    following.follow("completed")
    assert (screen.shown, screen.statuses) == ([1], [])
    (line,) = caplog.messages
    assert line == "the run is not shown in a screen any more ([Errno 28] No space left on device) | Training goes on."


def test_other_errors_are_mistakes_and_stay_themselves(tmp_path):
    screen = Screen(fails_at=1)
    screen.errors = (KeyError,)
    with pytest.raises(OSError, match="No space left"):
        follow.Follow(screen, make_run(tmp_path, epochs=1)).hear()


@pytest.fixture
def screen(monkeypatch):
    """A tracker that `--track screen` would choose."""
    made = Screen()
    monkeypatch.setitem(trackers.TRACKERS, "screen", lambda plan: made)
    return made


@pytest.mark.parametrize(("status", "closed"), [("interrupted", ["interrupted"]), ("running", [])])
def test_the_status_is_shown_in_the_end_unless_another_process_trains_the_run(
    tiny_set, tmp_path, screen, status, closed
):
    plan = planned(tiny_set, tmp_path)

    def train():
        with follow.tracked("screen", plan) as (watcher,):
            rewrite(make_run(tmp_path, status=status, epochs=2), name=plan.name).folder.rename(plan.run.folder)
            watcher.on_epoch_end(1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train()
    assert (screen.shown, screen.statuses) == ([1, 2], closed)


def test_without_a_record_nothing_is_shown_and_without_a_tracker_nothing_is_watched(tiny_set, tmp_path, screen):
    plan = planned(tiny_set, tmp_path)

    def fail():
        with follow.tracked("screen", plan):
            raise RunError("the folder cannot be written")

    with pytest.raises(RunError, match="cannot be written"):
        fail()
    assert (screen.shown, screen.statuses) == ([], [])
    with follow.tracked(None, plan) as watchers:
        assert watchers == ()
