"""The run folder: what is written is read back, and damage is named."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import make_run

from retina.errors import RunError
from retina.runs import folder as runs
from retina.runs.folder import HISTORY_COLUMNS, Prediction, Run


@pytest.fixture
def run(tmp_path):
    return runs.create(tmp_path, "a")


def test_a_record_is_not_written_by_a_process_that_lost_the_run(run):
    def refuse():
        raise RunError("another process has it")

    made = make_run(run.folder.parent.parent)
    with pytest.raises(RunError, match="another process"):
        replace(run, guard=refuse).write_record(made.record())
    assert not run.record_path.exists()


values = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(*[values] * (len(HISTORY_COLUMNS) - 1)), max_size=5))
def test_a_history_is_read_to_the_last_bit(tmp_path_factory, rows):
    run = Run(tmp_path_factory.mktemp("run"))
    written = [dict(zip(HISTORY_COLUMNS, (number, *row), strict=True)) for number, row in enumerate(rows, start=1)]
    run.write_history(written)
    assert run.history().to_dict("records") == written


identifiers = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1).filter(str.strip)


@given(st.lists(st.tuples(identifiers, st.integers(0, 1), values), min_size=1, max_size=5))
def test_predictions_are_read_to_the_last_bit_whatever_the_ids(tmp_path_factory, rows):
    run = Run(tmp_path_factory.mktemp("run"))
    written = [("validation", "1", 0, 0.5), ("validation", "NA", 1, 1.5), *(("test", *row) for row in rows)]
    run.write_predictions(Prediction(*row) for row in written)
    assert list(run.predictions().itertuples(index=False, name=None)) == written


@given(st.lists(st.tuples(identifiers, st.integers(0, 1), values, st.just("") | identifiers), min_size=1, max_size=5))
def test_persons_are_read_as_written_and_the_column_is_there_only_where_one_is_known(tmp_path_factory, rows):
    run = Run(tmp_path_factory.mktemp("run"))
    written = [Prediction("validation", "1", 0, 0.5), *(Prediction("test", *row) for row in rows)]
    run.write_predictions(written)
    frame = run.predictions()
    known = any(row.person for row in written)
    assert list(frame.columns) == [*runs.PREDICTION_COLUMNS, *([runs.PERSON] if known else [])]
    width = len(frame.columns)
    assert list(frame.itertuples(index=False, name=None)) == [row[:width] for row in written]


HEADER = "split,id,label,logit\n"
DAMAGED = [
    "",
    HEADER,
    HEADER + "test,1,1,0.5\n",
    HEADER + "validation,1,1,0.5\ntest,1,2,0.5\n",
    HEADER + "validation,1,1,0.5\ntest,1,x,0.5\n",
    HEADER + "validation,1,1,0.5\ntest,1,,0.5\n",
    "split,id,label\nvalidation,1,1\ntest,1,1\n",
    "split,id,label,logit,patient\nvalidation,1,1,0.5,a\ntest,1,1,0.5,b\n",
    "split,id,label,person,logit\nvalidation,1,1,a,0.5\ntest,1,1,b,0.5\n",
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_table_is_named(run, text):
    run.predictions_path.write_text(text)
    with pytest.raises(RunError) as caught:
        run.predictions()
    assert str(run.predictions_path) in str(caught.value)


def test_runs_are_listed_by_name_and_other_folders_are_not_runs(tmp_path):
    assert runs.list_runs(tmp_path) == []
    made = [make_run(tmp_path, backbone).folder.name for backbone in ("vgg16", "resnet18")]
    runs.create(tmp_path, "empty")
    assert [run.folder.name for run in runs.list_runs(tmp_path)] == sorted(made)


def test_a_run_is_found_by_name_or_folder(tmp_path):
    run = make_run(tmp_path)
    assert runs.find(tmp_path, run.folder.name) == runs.find(tmp_path / "elsewhere", str(run.folder)) == run
    with pytest.raises(RunError, match="no run 'b'"):
        runs.find(tmp_path, "b")


def test_a_results_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="--results DIR"):
        runs.require_writable(tmp_path / "file" / "deeper")
    runs.require_writable(tmp_path / "not" / "yet" / "there")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    with pytest.raises(RunError, match="--results DIR"):
        runs.create(tmp_path / "file", "a")
