"""The CSV tables of a run folder: numbers are written so that they read back to the last bit; damage is named."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retina.errors import RunError
from retina.experiments.splits import IMAGE_KEY
from retina.machine import files

if TYPE_CHECKING:
    import pandas as pd

TEXTS = (*IMAGE_KEY, "person")
NEVER_EMPTY = IMAGE_KEY
WHOLE = ("epoch", "label")
LARGEST = 2.0**53
"""Beyond this a float64 does not tell whole numbers apart."""


def write(path: Path, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a table whole or not at all.

    Raises:
        RetinaError: the folder cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    files.write_text(path, text.getvalue())


def read(path: Path, columns: Sequence[str], perhaps: Sequence[str] = ()) -> "pd.DataFrame":
    """Read a table: `TEXTS` as texts, `WHOLE` as int64, everything else as float64.

    It is read by Python's own `csv`: pandas takes milliseconds to begin with a table, however short it is, and a
    thousand runs have two each. In texts nothing counts as missing, whatever they say: NA may be an id.

    Args:
        path: The file.
        columns: The columns that it must have, in this order.
        perhaps: Columns that may follow them, all or none.

    Raises:
        RunError: it is missing, has other columns, a row of another length, no split or id, no number where one
            belongs, or no whole number.
    """
    import pandas as pd

    try:
        text = files.read_bounded(path).decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (OSError, ValueError, csv.Error) as error:  # a text that is no UTF-8 is a ValueError
        raise RunError("a table of a run cannot be read", found=error, where=path) from error
    if not rows:
        raise RunError("a table of a run cannot be read", found="an empty file", where=path)
    names, *rows = rows
    if tuple(names) not in (tuple(columns), (*columns, *perhaps)):
        raise RunError("a table of a run is damaged", expected=list(columns), found=names, where=path)
    rows = [row for row in rows if row]
    if any(len(row) != len(names) for row in rows):
        raise RunError("a table of a run is damaged", expected=f"{len(names)} fields in every row", where=path)
    try:
        return pd.DataFrame({name: _column(name, [row[place] for row in rows]) for place, name in enumerate(names)})
    except ValueError as error:
        raise RunError("a table of a run is damaged", expected=str(error), found=error.__cause__, where=path) from error


def _column(name: str, values: list[str]) -> np.ndarray:
    """The values of a column in its type.

    Raises:
        ValueError: what was expected of one of them and does not hold.
    """
    if name in (*NEVER_EMPTY, *WHOLE) and not all(values):
        raise ValueError("no empty field")
    if name in TEXTS:
        return np.array(values, dtype=object)
    try:
        numbers = np.array([_number(value) if value else np.nan for value in values], np.float64)
    except ValueError as error:
        raise ValueError(f"numbers: {name}") from error
    if name not in WHOLE:
        return numbers
    # Whole numbers are read as floats first, so that a broken one is named.
    if not (np.abs(numbers) < LARGEST).all() or (numbers % 1 != 0).any():
        raise ValueError(f"whole numbers: {name}")
    return numbers.astype(np.int64)


def _number(text: str) -> float:
    """A number as `write` writes it; Python alone also takes 1_0 for one."""
    if "_" in text:
        raise ValueError(f"could not convert string to float: {text!r}")
    return float(text)
