"""The state of a run folder: whole or not, trained or not, also while it changes."""

import json
import os
from dataclasses import asdict, replace

import pytest
from made_runs import make_run, rewrite, sealed

from retina.analysis.gathering import collection
from retina.errors import RunError
from retina.runs import folder as runs
from retina.runs import lease, status


def test_a_run_whose_process_was_killed_is_interrupted_and_one_that_is_trained_is_running(tmp_path):
    run = make_run(tmp_path, status="running", epochs=2)
    found = status.record(run)
    assert (found.status, found.error) == ("interrupted", "the process was killed")
    assert found.epochs_run == 2
    with lease.take(run.folder):
        assert status.record(run).status == "running"
    assert run.record().status == "running"


def test_a_run_of_a_machine_that_fell_silent_is_interrupted(tmp_path):
    run = make_run(tmp_path, status="running", epochs=2)
    with lease.take(run.folder) as held:
        said = asdict(replace(held.holder, place="elsewhere"))
    path = run.folder / "attempt-1.json"
    path.write_text(json.dumps(said))
    assert status.record(run).status == "running"
    os.utime(path, (0, 0))
    assert status.record(run).status == "interrupted"


@pytest.mark.parametrize("name", runs.TABLES)
def test_a_changed_and_a_missing_file_are_named(tmp_path, name):
    run = make_run(tmp_path)
    status.check(run, run.record(), runs.TABLES)
    path = run.folder / name
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(RunError, match=f"{name} of a finished run is not as it was written"):
        status.check(run, run.record(), runs.TABLES)
    path.unlink()
    with pytest.raises(RunError, match=f"{name} of a finished run is missing"):
        status.check(run, run.record(), runs.TABLES)


def test_all_finished_runs_are_verified_and_the_damaged_ones_named(tmp_path):
    made = [make_run(tmp_path, seed=seed) for seed in range(4)]
    for run in made:
        run.model_path.write_bytes(b"weights")
        sealed(run)
    make_run(tmp_path, seed=9, status="interrupted")
    assert status.verify(tmp_path) == (4, [])
    made[0].model_path.write_bytes(b"weighty")
    made[1].record_path.write_text(made[1].record_path.read_text().replace('"best_epoch": ', '"best_epoch": 1'))
    made[2].model_path.unlink()
    whole, damaged = status.verify(tmp_path)
    assert whole == 1
    assert [line.partition(" |")[0] for line in damaged] == [
        "model.keras of a finished run is not as it was written",
        "the record of a run is damaged",
        "model.keras of a finished run is missing",
    ]


def test_a_run_that_is_trained_again_while_it_is_read_is_no_damaged_one(tmp_path, monkeypatch):
    """`--force` begins between the reading of the record and that of the predictions."""
    run = make_run(tmp_path)
    read = runs.Run.predictions

    def meanwhile(self):
        monkeypatch.setattr(runs.Run, "predictions", read)
        rewrite(run, status="running", epochs_run=0)
        run.predictions_path.unlink()
        run.history_path.unlink()
        return read(self)

    monkeypatch.setattr(runs.Run, "predictions", meanwhile)
    entry = collection.read(run)
    assert (entry.finished, entry.record.status, len(entry.history)) == (False, "interrupted", 0)
