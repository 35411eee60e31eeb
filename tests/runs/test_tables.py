"""The tables of a run: numbers read back to the last bit, and damage is named."""

import math

import pytest

from retina.errors import RunError
from retina.runs import tables

COLUMNS = ("split", "id", "label", "logit")


def test_numbers_read_back_to_the_last_bit_and_texts_as_they_were(tmp_path):
    path = tmp_path / "table.csv"
    rows = [("test", "007", 1, 0.1 + 0.2), ("test", "nan", 0, -5e-324), ("test", 'a,"b\n', 1, math.inf)]
    tables.write(path, COLUMNS, rows)
    frame = tables.read(path, COLUMNS)
    assert [tuple(row) for row in frame.itertuples(index=False)] == rows
    assert str(frame["label"].dtype) == "int64"
    assert path.read_bytes().startswith(b"split,id,label,logit\ntest,007,1,0.30000000000000004\n")


def test_a_number_may_be_unknown_where_it_need_not_be_whole(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("epoch,val_loss\n1,\n2,nan\n3,0.5\n")
    assert tables.read(path, ("epoch", "val_loss"))["val_loss"].isna().tolist() == [True, True, False]


def test_further_columns_may_follow_all_or_none(tmp_path):
    path = tmp_path / "table.csv"
    tables.write(path, (*COLUMNS, "person"), [("test", "1", 1, 0.5, "")])
    assert tables.read(path, COLUMNS, ("person",))["person"].tolist() == [""]
    tables.write(path, COLUMNS, [("test", "1", 1, 0.5)])
    assert list(tables.read(path, COLUMNS, ("person",)).columns) == list(COLUMNS)
    with pytest.raises(RunError, match=r"is damaged \| Expected: .*'label'\] \| Found: .*'logit'"):
        tables.read(path, COLUMNS[:3])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("split,id,label\ntest,1,1\n", "is damaged .*Expected: .*'logit'"),
        ("id,split,label,logit\n1,test,1,0.5\n", "is damaged .*Found: .*'id', 'split'"),
        ("split,id,label,logit\ntest\n", "4 fields in every row"),
        ("split,id,label,logit\ntest,1,1,0.5,0.5\n", "4 fields in every row"),
        ("split,id,label,logit\ntest,1,,0.5\n", "no empty field"),
        ("split,id,label,logit\ntest,,1,0.5\n", "no empty field"),
        ("split,id,label,logit\n,1,1,0.5\n", "no empty field"),
        ("split,id,label,logit\ntest,1,0.5,0.5\n", "whole numbers: label"),
        ("split,id,label,logit\ntest,1,1,much\n", "numbers: logit .*Found: .*much"),
        ('split,id,label,logit\ntest,"1,1,0.5\n', "cannot be read"),
        ("split,id,label,logit\ntest,1,1,1_0\n", "numbers: logit .*Found: .*1_0"),
        ("split,id,label,logit\ntest,1,inf,0.5\n", "whole numbers: label"),
        ("split,id,label,logit\ntest,1,1e300,0.5\n", "whole numbers: label"),
        ("split,id,label,logit\ntest,1,nan,0.5\n", "whole numbers: label"),
        ("", "cannot be read .*an empty file"),
    ],
)
def test_a_damaged_table_is_one_line_that_names_the_file(tmp_path, text, words):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(RunError, match=words) as caught:
        tables.read(path, COLUMNS)
    assert f"Where: {path}" in str(caught.value)


def test_a_table_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(RunError, match="cannot be read"):
        tables.read(tmp_path / "table.csv", COLUMNS)
