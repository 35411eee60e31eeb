"""`runs` as a user types it."""

import json

from command_line import call
from made_runs import make_run, sealed


def test_runs_lists_what_was_made_and_names_what_is_damaged(tmp_path):
    assert call("runs", "--results", tmp_path).stdout == f"No runs yet in {tmp_path}.\n"
    run = make_run(tmp_path)
    listed = call("runs", "--results", tmp_path)
    assert listed.exit_code == 0
    assert run.folder.name in listed.stdout
    assert json.loads(call("runs", "--results", tmp_path, "--json").stdout)[0]["status"] == "completed"
    damaged = tmp_path / "runs" / "broken"
    damaged.mkdir()
    (damaged / "record.json").write_text("{")
    result = call("runs", "--results", tmp_path)
    assert result.exit_code == 1
    assert run.folder.name in result.stdout
    assert "broken" in result.stderr


def test_a_folder_of_damaged_runs_alone_prints_nothing_but_their_errors(tmp_path):
    damaged = tmp_path / "runs" / "broken"
    damaged.mkdir(parents=True)
    (damaged / "record.json").write_text("{")
    result = call("runs", "--results", tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "broken" in result.stderr
    verified = call("runs", "--verify", "--json", "--results", tmp_path)
    assert verified.exit_code == 1
    assert json.loads(verified.stdout)["verified"] == 0
    assert "broken" in json.loads(verified.stdout)["damaged"][0]


def complete(results):
    """A run with all its files."""
    run = make_run(results)
    run.model_path.write_bytes(b"a model")
    return sealed(run)


def test_verify_counts_the_runs_that_are_as_they_were_written(tmp_path):
    run = complete(tmp_path)
    verified = call("runs", "--verify", "--results", tmp_path)
    assert (verified.exit_code, verified.stdout) == (0, "Finished runs as they were written: 1. Damaged: 0.\n")
    run.history_path.write_text(run.history_path.read_text() + "\n")
    verified = call("runs", "--verify", "--results", tmp_path)
    assert (verified.exit_code, verified.stdout) == (1, "Finished runs as they were written: 0. Damaged: 1.\n")
    assert "history.csv" in verified.stderr
