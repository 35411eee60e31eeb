"""Where and when a run was trained: what earlier versions did not record may be missing."""

import pytest

from retina.runs import reading
from retina.runs.reading import MisfitError
from retina.runs.session import Environment, Git, Session, Timings

ENVIRONMENT = {"packages": {"torch": "2.13.0"}, "git": None}


def test_an_environment_needs_its_packages_and_says_where_it_was_no_clone():
    environment = reading.read(Environment, ENVIRONMENT)
    assert (environment.device_name, environment.cores, environment.git) == ("?", None, None)
    assert reading.read(Environment, ENVIRONMENT | {"git": {"commit": "c0ffee"}}).git == Git(
        commit="c0ffee", dirty=False
    )
    for missing in ENVIRONMENT:
        with pytest.raises(MisfitError, match=missing):
            reading.read(Environment, {key: value for key, value in ENVIRONMENT.items() if key != missing})


def test_times_that_were_not_measured_are_left_out_of_a_record():
    timings = reading.read(Timings, {"started": "2026-11-23T10:00:00+00:00", "training_seconds": 3})
    written = reading.plain(timings)
    assert written["training_seconds"] == 3
    assert written["finished"] is None
    assert "feature_seconds" not in written
    assert reading.read(Timings, written) == timings


def test_a_session_counts_its_epochs():
    content = {"attempt": 1, "started": "2026", "epochs_run": 2, "environment": ENVIRONMENT}
    assert reading.read(Session, content).epochs_run == 2
    with pytest.raises(MisfitError, match="epochs_run"):
        reading.read(Session, content | {"epochs_run": -1})
