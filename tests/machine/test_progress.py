"""Progress of long work: a bar on a terminal, a plain line now and then elsewhere, nothing when quiet."""

import time

import pytest

from retina.machine import progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_work_that_takes_long_says_now_and_then_how_far_it_is(clock, capsys):
    with progress.bar("Preparing images", 3200) as advance:
        for seconds in (10, 19.9, 0.1, 15, 15, 1):
            clock[0] += seconds
            advance(200)
    assert capsys.readouterr().err.splitlines() == [
        "Preparing images: 600 of 3200 images, 2 min 10 s left",
        "Preparing images: 1000 of 3200 images, 2 min 12 s left",
    ]


def test_work_that_is_done_soon_says_nothing(clock, capsys):
    with progress.bar("Preparing images", 2) as advance:
        clock[0] += progress.INTERVAL - 1
        advance(2)
    assert capsys.readouterr() == ("", "")


def test_quiet_says_nothing(clock, capsys, monkeypatch):
    for terminal in (False, True):
        monkeypatch.setattr(progress, "on_terminal", lambda terminal=terminal: terminal)
        with progress.bar("Preparing images", 2, quiet=True) as advance:
            clock[0] += 1000
            advance(1)
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_there_is_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(progress, "on_terminal", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress.bar("Preparing images", 2) as advance:
        advance(1)
        time.sleep(0.3)  # drawn ten times a second
    shown = capsys.readouterr()
    assert "Preparing images" in shown.err
    assert "1/2" in shown.err
    assert shown.out == ""
