"""Read one label table: a delimited text file, in the variants that are in circulation.

A byte-order mark, commas, semicolons or tabs, quotes, spaces around names, CRLF and blank lines are all accepted.
What could silently change a label is an error that names the file and the line: bytes that are not UTF-8, a row with
too many or too few fields, a column named twice.
"""

import csv
import io
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from retina.errors import LabelError, nearest
from retina.machine import files

SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class LabelTable:
    """The cells of a label table, as text without surrounding spaces.

    Attributes:
        path: The file.
        columns: Column names; unnamed columns are left out.
        rows: One tuple of cells a row, in the order of `columns`.
        lines: The line of the file, from 1, on which each row ends.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def has(self, *names: str) -> bool:
        """Whether the table has all these columns, whatever their case."""
        return {name.lower() for name in names} <= {column.lower() for column in self.columns}

    def cells(self, name: str) -> tuple[str, ...]:
        """The cells of one column, whatever the case of its name.

        Raises:
            LabelError: there is no such column.
        """
        position = self.columns.index(self.spelling(name))
        return tuple(row[position] for row in self.rows)

    def spelling(self, name: str, advice: str | None = None) -> str:
        """The name of a column as the table writes it.

        Args:
            name: The name in any case.
            advice: What to do where there is no such column.

        Raises:
            LabelError: there is no such column.
        """
        for column in self.columns:
            if column.lower() == name.lower():
                return column
        raise LabelError(
            f"the label table has no column {name}",
            expected=f"a column named {name}",
            found=", ".join(self.columns[:8]) + (", ..." if len(self.columns) > 8 else ""),  # noqa: PLR2004
            where=self.path,
            advice=advice,
        )

    def nearest(self, name: str, apart_from: Collection[str]) -> str | None:
        """The column whose name is most like `name`, whatever its case; `None` where none is near.

        Args:
            name: The name.
            apart_from: Columns to leave out, in lower case.
        """
        spellings = {column.lower(): column for column in self.columns if column.lower() not in apart_from}
        return spellings.get(nearest(name, spellings) or "")


def read_table(path: Path, columns: Collection[str]) -> LabelTable:
    """Read a label table.

    Args:
        path: A UTF-8 text file, with or without a byte-order mark.
        columns: Columns that the table should have, by which the separator is recognised. They may be absent.

    Raises:
        LabelError: the file cannot be read, is not UTF-8, names a column twice, has a row with a wrong number of
            fields, or holds no row.
    """
    text = _text(path)
    separator = _separator(text, columns)
    # Strict: otherwise text after a closing quote is read as part of the field, and a quote that is never closed takes
    # in the rest of the file.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    records, lines = [], []
    try:
        for record in reader:
            cells = tuple(cell.strip() for cell in record)
            if any(cells):
                records.append(cells)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise LabelError(
            "the label table is not well-formed",
            expected="fields quoted in full or not at all",
            found=error,
            where=f"{path}, line {reader.line_num}",
        ) from error
    if len(records) < 2:  # noqa: PLR2004
        raise LabelError(
            "the label table is empty",
            expected="a header and at least one row",
            found="only a header" if records else "nothing",
            where=path,
        )
    _check_widths(path, records, lines)
    return _named_columns(path, records, lines)


def peek_columns(path: Path, columns: Collection[str]) -> tuple[str, ...]:
    """The column names in a file's first line, in lower case, whether or not the rest can be read.

    Args:
        path: The file.
        columns: As in `read_table`.

    Raises:
        LabelError: the file cannot be read.
    """
    text = _bytes(path, most=1 << 16).decode("utf-8-sig", errors="replace")
    return _header(text, _separator(text, columns))


def canonical_id(cell: str) -> str:
    """The id as text: `7` and `7.0` are both "7"; "07" stays "07", because it may name another file."""
    return str(int(cell.split(".", maxsplit=1)[0])) if re.fullmatch(r"[0-9]{1,18}\.0+", cell) else cell


def integer(cell: str) -> int | None:
    """The whole number a cell holds (`1` or `1.0`), or None where it holds anything else."""
    # Eighteen digits are the most that always fit into the frame's Int64.
    return int(cell.split(".", maxsplit=1)[0]) if re.fullmatch(r"[+-]?[0-9]{1,18}(\.0*)?", cell) else None


def _bytes(path: Path, most: int = -1) -> bytes:
    """The first `most` bytes of a file, or all of it."""
    try:
        if most < 0:
            return files.read_bounded(path)
        with path.open("rb") as stream:
            return stream.read(most)
    except OSError as error:
        raise LabelError("the label table cannot be read", found=error.strerror or error, where=path) from error


def _text(path: Path) -> str:
    """The file's text, without its byte-order mark."""
    content = _bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # No other encoding is tried: Latin-1 decodes any bytes, so a wrong guess would go unnoticed.
        line = 1 + content.count(b"\n", 0, error.start)
        raise LabelError(
            "the label table is not UTF-8 text",
            expected="UTF-8, with or without a byte-order mark",
            found=f"byte 0x{content[error.start]:02x}",
            where=f"{path}, line {line}",
            advice="open the table in a spreadsheet and save it as 'CSV UTF-8'",
        ) from error


def _header(text: str, separator: str) -> tuple[str, ...]:
    """The names in the first line that is not blank, in lower case."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    return tuple(name.strip().lower() for name in next(csv.reader([line], delimiter=separator, skipinitialspace=True)))


def _separator(text: str, columns: Collection[str]) -> str:
    """The separator that splits the header into most of these columns; of several, into most columns."""

    def fit(separator: str) -> tuple[int, int]:
        names = _header(text, separator)
        return sum(name.lower() in names for name in columns), len(names)

    return max(SEPARATORS, key=fit)


def _check_widths(path: Path, records: list[tuple[str, ...]], lines: list[int]) -> None:
    """Refuse a row with more or fewer cells than the header."""
    for record, line in zip(records, lines, strict=True):
        if len(record) != len(records[0]):
            raise LabelError(
                "a row of the label table does not match its header",
                expected=f"{len(records[0])} fields",
                found=f"{len(record)} fields",
                where=f"{path}, line {line}",
                advice="fix that line, or download the table again",
            )


def _named_columns(path: Path, records: list[tuple[str, ...]], lines: list[int]) -> LabelTable:
    """The table without columns that have no name (a saved row number, a separator at the line's end)."""
    positions = [position for position, name in enumerate(records[0]) if name]
    columns = tuple(records[0][position] for position in positions)
    lower = [name.lower() for name in columns]
    duplicates = sorted({name for name in columns if lower.count(name.lower()) > 1})
    if duplicates:
        raise LabelError("the label table names a column twice", found=", ".join(duplicates), where=path)
    rows = tuple(tuple(record[position] for position in positions) for record in records[1:])
    return LabelTable(path, columns, rows, tuple(lines[1:]))
