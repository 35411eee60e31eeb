"""A label table: every way of writing it is read, and a broken one is refused with file and line."""

import csv
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sets_on_disk import LABELS, table_of, table_text, write_official

from retina.data.sources import labels
from retina.data.sources.label_table import canonical_id, integer, read_table
from retina.errors import LabelError

DIALECTS = {
    "a byte-order mark": lambda rows: b"\xef\xbb\xbf" + table_text(*rows).encode(),
    "semicolons": lambda rows: table_text(*rows, separator=";").encode(),
    "tabs": lambda rows: table_text(*rows, separator="\t").encode(),
    "CRLF": lambda rows: table_text(*rows, newline="\r\n").encode(),
    "quotes": lambda rows: table_text(*rows, quoting=csv.QUOTE_ALL).encode(),
    "a mark, semicolons, quotes and CRLF": lambda rows: (
        b"\xef\xbb\xbf" + table_text(*rows, separator=";", newline="\r\n", quoting=csv.QUOTE_ALL).encode()
    ),
    "spaces around names": lambda rows: b" ID , Disease_Risk ,DR \n" + table_text(*rows).split("\n", 1)[1].encode(),
    "spaces before quotes": lambda rows: b'"ID", "Disease_Risk", "DR"\n' + table_text(*rows).split("\n", 1)[1].encode(),
    "names in other case": lambda rows: b"id,DISEASE_RISK,dr\n" + table_text(*rows).split("\n", 1)[1].encode(),
    "blank lines": lambda rows: b"\n" + table_text(*rows).replace("\n", "\n\n").encode() + b",,\n",
    "no newline at the end": lambda rows: table_text(*rows).rstrip("\n").encode(),
    "a separator at every line's end": lambda rows: table_text(*rows).replace("\n", ",\n").encode(),
    "two separators at every line's end": lambda rows: table_text(*rows).replace("\n", ",,\n").encode(),
    "other separators within names": lambda rows: (
        b'ID,Disease_Risk,DR,"a;b;c;d;e;f"\n'
        + b"".join(b"%s,0\n" % line.encode() for line in table_text(*rows).splitlines()[1:])
    ),
    "a saved row number": lambda rows: (
        b",ID,Disease_Risk,DR\n"
        + b"".join(b"%d,%s\n" % (i, line.encode()) for i, line in enumerate(table_text(*rows).splitlines()[1:]))
    ),
    "numbers with a point": lambda rows: (
        b"ID,Disease_Risk,DR\n" + "".join(f"{i}.0,{r}.0,{d}.0\n" for i, r, d in rows[1]).encode()
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_table_written_with(tmp_path, dialect):
    """Each way of writing a table gives the same frame as the plain one."""
    root = write_official(tmp_path)
    rows = [(row, label, label) for row, label in enumerate(LABELS["train"], 1)]
    table_of(root).write_bytes(DIALECTS[dialect]((["ID", "Disease_Risk", "DR"], rows)))
    frame = labels.read(root).frame.query("split == 'train'")
    assert list(frame["id"]) == [str(row) for row in range(1, 7)]
    assert tuple(frame["label"]) == LABELS["train"]
    assert tuple(frame["DR"]) == LABELS["train"]
    assert frame["path"].notna().all()


@pytest.mark.parametrize(
    ("cell", "name"),
    [("7", "7"), ("07", "07"), ("7.0", "7"), ("7.00", "7"), ("7.5", "7.5"), ("x.0", "x.0"), ("\u0667.0", "\u0667.0")],
)
def test_an_id_is_canonical(cell, name):
    assert canonical_id(cell) == name


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *[("1", 1), ("0", 0), ("1.0", 1), ("-1", -1), ("2", 2)],
        *[(cell, None) for cell in ("", "1.5", "yes", "nan", "9" * 30, "1e3", "\u0661")],
    ],
)
def test_a_label_that_is_no_whole_number_is_none(cell, value):
    assert integer(cell) == value


BROKEN_TABLES = {
    "no ID": (b"name,Disease_Risk\n1,1\n", r"no column ID .*name, Disease_Risk"),
    "no Disease_Risk": (b"ID,DR\n1,1\n", r"no column Disease_Risk .*ID, DR"),
    "only a header": (b"ID,Disease_Risk\n", r"empty .*only a header"),
    "nothing": (b"", r"empty .*nothing"),
    "only a mark": (b"\xef\xbb\xbf\n", r"empty .*nothing"),
    "Latin-1": (b"ID,Disease_Risk,note\n1,1,a\n2,0,caf\xe9\n", r"not UTF-8.*0xe9.*line 3"),
    "UTF-16": ("ID,Disease_Risk\n1,1\n".encode("utf-16"), r"not UTF-8.*line 1"),
    "a row too long": (b"ID,Disease_Risk\n1,1\n2,0,0\n", r"Expected: 2 fields.*Found: 3 fields.*line 3"),
    "a row too short": (b"ID,Disease_Risk,DR\n1,1\n", r"Expected: 3 fields.*Found: 2 fields.*line 2"),
    "an open quote": (b'ID,Disease_Risk\n1,"1\n2,0\n', r"not well-formed"),
    "a column twice": (b"ID,Disease_Risk,id\n1,1,1\n", r"names a column twice.*ID, id"),
    "no id": (b"ID,Disease_Risk\n1,1\n,0\n", r"a row has no id.*line 3"),
}


@pytest.mark.parametrize("fault", BROKEN_TABLES)
def test_a_broken_table_is_refused_naming_the_file(tmp_path, fault):
    root = write_official(tmp_path)
    content, words = BROKEN_TABLES[fault]
    table_of(root).write_bytes(content)
    with pytest.raises(LabelError, match=words) as caught:
        labels.read(root)
    assert "RFMiD_Training_Labels.csv" in str(caught.value)


NAMES = st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True), max_size=3, unique_by=str.lower).filter(
    lambda names: not {"id", "disease_risk"} & {name.lower() for name in names}
)


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6) | st.sampled_from(['"', ";", ",", "a\nb"])


@settings(max_examples=80, deadline=None)
@given(
    data=st.data(),
    names=NAMES,
    separator=st.sampled_from(",;\t"),
    newline=st.sampled_from(["\n", "\r\n"]),
    mark=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_any_table_comes_back_as_it_was_written(*, data, names, separator, newline, mark, quoting):
    header = ["ID", "Disease_Risk", *names]
    row = st.tuples(st.integers(0, 9999).map(str), st.sampled_from("01"), *[CELLS] * len(names))
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    text = table_text(header, rows, separator, newline, quoting)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes((b"\xef\xbb\xbf" if mark else b"") + text.encode())
        table = read_table(path, ("ID", "Disease_Risk"))
    assert table.columns == tuple(header)
    assert table.rows == tuple(tuple(cell.strip() for cell in row) for row in rows)
