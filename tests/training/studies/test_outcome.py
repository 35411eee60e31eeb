"""What became of a run of a study, also where another process holds it."""

import threading
import time

import pytest
from made_runs import rewrite

from retina.errors import HeldError, RunError
from retina.runs import lease
from retina.training.studies import outcome

pytestmark = pytest.mark.usefixtures("network")


def attempt(plan, **options):
    return outcome.attempt(plan.name, lambda: outcome.train(plan, **options))


def test_a_run_that_another_process_holds_is_waited_for(planned, monkeypatch):
    monkeypatch.setattr(outcome, "POLL", 0.05)
    (plan,) = planned("resnet18")
    folder = plan.run.folder
    folder.mkdir(parents=True)
    release = threading.Event()

    def hold():
        with lease.take(folder):
            release.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        while lease.holder_of(folder) is None:
            time.sleep(0.01)
        refused = attempt(plan)
        assert refused.status == "failed"
        assert "is being trained by another process" in refused.error
        threading.Timer(0.3, release.set).start()
        assert attempt(plan, patience=60).finished
    finally:
        release.set()
        holder.join()
    assert issubclass(HeldError, RunError)


def test_only_a_run_of_the_same_digest_with_results_was_finished_before(planned):
    (plan,) = planned("resnet18")
    assert outcome.finished_before(plan) is None
    attempt(plan)
    before = outcome.finished_before(plan)
    assert (before.name, before.status, before.reused) == (plan.name, "completed", True)
    rewrite(plan.run, digest="0" * 64)
    assert outcome.finished_before(plan) is None
    plan.run.record_path.write_text("{")
    assert outcome.finished_before(plan) is None


def test_the_second_try_counts_with_the_first():
    first = outcome.Outcome("a", "failed", error="the disk is full", seconds=2.0)
    second = outcome.Outcome("a", "completed", seconds=3.0).after(first)
    assert (second.status, second.error, second.attempts, second.seconds) == ("completed", None, 2, 5.0)
