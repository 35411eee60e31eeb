"""What training found out, or the error that broke it off, becomes the final record; nothing else is changed by it."""

import dataclasses
import math

import pytest
from made_runs import make_run

from retina.errors import DivergedError, PrunedError, RetinaError, RunError
from retina.runs.record import Model
from retina.training import ending
from retina.training.ending import ClosingRecord, Findings

MODEL = Model(parameters=7, trainable_parameters=3)
LOSSES = [0.5, 0.4, 0.6, 0.7, 0.8]


@pytest.fixture
def run(tmp_path):
    """A run that has trained two of its ten epochs."""
    return make_run(tmp_path, status="running", epochs=2)


def findings(losses=LOSSES):
    timings = {"training_seconds": 2.5, "feature_seconds": None, "images_per_second": 9.0}
    files = {"model.keras": "0" * 64}
    return Findings([{"val_loss": loss} for loss in losses], "ab" * 32, files, timings)


def changed(record, before):
    """The fields in which two records differ."""
    names = [item.name for item in dataclasses.fields(record)]
    return {name: getattr(record, name) for name in names if getattr(record, name) != getattr(before, name)}


def test_the_final_record_of_a_finished_run_holds_what_training_found_out(run):
    before = dataclasses.replace(run.record(), model=MODEL, epochs_run=0, best_epoch=None)
    record = ending.completed(before, findings())
    assert set(changed(record, before)) == {
        *("status", "model", "timings", "early_stopping", "best_epoch", "epochs_run", "files")
    }
    assert (record.status, record.best_epoch, record.epochs_run) == ("stopped_early", 2, 5)
    assert record.early_stopping == dataclasses.replace(before.early_stopping, stop_epoch=5)
    assert record.model == dataclasses.replace(MODEL, weights_sha256="ab" * 32)
    assert (record.timings.training_seconds, record.timings.started) == (2.5, before.timings.started)
    assert record.timings.finished is not None
    assert ending.completed(before, findings(LOSSES * 2)).status == "completed"


@pytest.mark.parametrize(
    ("error", "status", "words", "step", "pruned"),
    [
        (KeyboardInterrupt(), "interrupted", "KeyboardInterrupt", None, None),
        (DivergedError("no number", step=4), "diverged", "no number", 4, None),
        (PrunedError("no promise", epoch=2), "interrupted", "no promise", None, 2),
        (RetinaError("the disk is full"), "failed", "the disk is full", None, None),
        (ZeroDivisionError("a fault"), "failed", "a fault", None, None),
    ],
)
def test_a_run_that_breaks_off_says_why_how_far_it_came_and_on_what_network(run, error, status, words, *, step, pruned):
    def broken():
        with ClosingRecord(run, dataclasses.replace(run.record(), epochs_run=0)) as closing:
            closing.model = MODEL
            raise error

    with pytest.raises(type(error)):
        broken()
    record = run.record()
    assert (record.status, record.error, record.diverged_step, record.pruned_epoch) == (status, words, step, pruned)
    assert (record.model, record.epochs_run) == (MODEL, 2)
    assert not record.finished


def test_the_first_error_is_raised_where_the_record_cannot_be_written_either(run):
    def refuse():
        raise RunError("the record cannot be written")

    before = run.record_path.read_bytes()
    held = dataclasses.replace(run, guard=refuse)
    with pytest.raises(DivergedError, match="training diverged"), ClosingRecord(held, run.record()):
        raise DivergedError("training diverged")
    assert run.record_path.read_bytes() == before


def test_the_first_error_is_raised_where_the_record_holds_what_json_does_not_know(run):
    before = run.record_path.read_bytes()
    timings = dataclasses.replace(run.record().timings, training_seconds=math.nan)
    begun = dataclasses.replace(run.record(), timings=timings)
    with pytest.raises(DivergedError, match="training diverged"), ClosingRecord(run, begun):
        raise DivergedError("training diverged")
    assert run.record_path.read_bytes() == before


def test_a_record_that_cannot_be_written_is_told_where_nothing_else_went_wrong(run):
    def refuse():
        raise RunError("the record cannot be written")

    held = dataclasses.replace(run, guard=refuse)
    with pytest.raises(RunError, match="cannot be written"), ClosingRecord(held, run.record()) as closing:
        closing.model, closing.findings = MODEL, findings()
