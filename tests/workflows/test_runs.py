"""The runs below a results folder, from Python."""

from made_runs import make_run, sealed

from retina.workflows import runs as workflow


def test_runs_are_summarised_and_damaged_ones_are_named(tmp_path):
    run = make_run(tmp_path)
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "record.json").write_text("{")
    made = workflow.list_runs(tmp_path)
    assert [item.record.name for item in made.summaries] == [run.folder.name]
    assert len(made.damaged) == 1
    assert "broken" in made.damaged[0]


def complete(results):
    """A run with all its files."""
    run = make_run(results)
    run.model_path.write_bytes(b"a model")
    return sealed(run)


def test_verification_counts_what_is_as_it_was_written(tmp_path):
    complete(tmp_path)
    assert workflow.verify_runs(tmp_path) == workflow.Verification(1, [])
