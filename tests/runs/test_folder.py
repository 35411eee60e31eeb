"""The run folder: what is written is read back, and damage is named."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina.errors import RunError
from retina.runs import folder as runs
from retina.runs.folder import HISTORY_COLUMNS, Run

RECORD = {key: runs.KINDS.get(key, str)() for key in runs.RECORD_KEYS} | {"schema": runs.SCHEMA, "status": "completed"}


@pytest.fixture
def run(tmp_path):
    return runs.create(tmp_path, "a")


def test_a_record_is_read_as_written(run):
    run.write_record(RECORD | {"note": "Größe, 眼底"})
    assert run.record() == RECORD | {"note": "Größe, 眼底"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("{", "cannot be read"),
        ("[]", "another schema"),
        ('{"schema": 99}', "another schema"),
        *(
            (json.dumps({k: v for k, v in RECORD.items() if k != key}), f"no {key}")
            for key in ("status", "weights", "data")
        ),
        (json.dumps(RECORD | {"status": "asleep"}), "asleep"),
        ("\ud800", "cannot be read"),
    ],
)
def test_a_damaged_record_is_named(run, text, words):
    run.record_path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(RunError, match=words) as caught:
        run.record()
    assert str(run.record_path) in str(caught.value)


def test_a_missing_record_is_named(run):
    with pytest.raises(RunError, match="cannot be read"):
        run.record()


def test_a_record_may_not_hold_what_json_does_not_know(run):
    with pytest.raises(ValueError, match="JSON"):
        run.write_record(RECORD | {"loss": math.nan})
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
    run.write_predictions(written)
    assert list(run.predictions().itertuples(index=False, name=None)) == written


HEADER = "split,id,label,logit\n"
DAMAGED = [
    "",
    HEADER,
    HEADER + "test,1,1,0.5\n",
    HEADER + "validation,1,1,0.5\ntest,1,2,0.5\n",
    HEADER + "validation,1,1,0.5\ntest,1,x,0.5\n",
    HEADER + "validation,1,1,0.5\ntest,1,,0.5\n",
    "split,id,label\nvalidation,1,1\ntest,1,1\n",
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_table_is_named(run, text):
    run.predictions_path.write_text(text)
    with pytest.raises(RunError) as caught:
        run.predictions()
    assert str(run.predictions_path) in str(caught.value)


def test_runs_are_listed_by_name_and_other_folders_are_not_runs(tmp_path):
    assert runs.list_runs(tmp_path) == []
    for name in ("b", "a"):
        runs.create(tmp_path, name).write_record(RECORD)
    runs.create(tmp_path, "empty")
    assert [run.folder.name for run in runs.list_runs(tmp_path)] == ["a", "b"]


def test_a_run_is_found_by_name_or_folder(tmp_path):
    run = runs.create(tmp_path, "a")
    run.write_record(RECORD)
    assert runs.find(tmp_path, "a") == runs.find(tmp_path / "elsewhere", str(run.folder)) == run
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
