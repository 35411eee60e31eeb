"""The CSV tables of a run folder: numbers are written so that they read back to the last bit; damage is named."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retina.errors import RunError
from retina.experiments.splits import IMAGE_KEY
from retina.machine import files

if TYPE_CHECKING:
    import pandas as pd

TEXTS = (*IMAGE_KEY, "person")
NEVER_EMPTY = IMAGE_KEY
WHOLE = ("epoch", "label")


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

    Args:
        path: The file.
        columns: The columns that it must have, in this order.
        perhaps: Columns that may follow them, all or none.

    Raises:
        RunError: it is missing, has other columns, no split or id, or no whole number where one belongs.
    """
    import pandas as pd

    # Whole numbers are read as floats first, so that the checks below can name an empty or broken one. In texts nothing
    # counts as missing: pandas would take an id such as NA or null for an empty field.
    numbers = [name for name in (*columns, *perhaps) if name not in TEXTS]
    try:
        frame = pd.read_csv(
            io.BytesIO(files.read_bounded(path)),
            dtype={name: str if name in TEXTS else "float64" for name in (*columns, *perhaps)},
            keep_default_na=False,
            na_values={name: ["", "nan"] for name in numbers},
        )
    except (OSError, ValueError) as error:
        raise RunError("a table of a run cannot be read", found=error, where=path) from error
    if tuple(frame.columns) not in (tuple(columns), (*columns, *perhaps)):
        raise RunError("a table of a run is damaged", expected=list(columns), found=list(frame.columns), where=path)
    integers = [name for name in WHOLE if name in columns]
    filled = frame[[*integers, *(name for name in NEVER_EMPTY if name in columns)]]
    if (filled.isna() | (filled == "")).any(axis=None):  # pandas reads an empty text as one, not as missing
        raise RunError("a table of a run is damaged", expected="no empty field", where=path)
    if (frame[integers] % 1 != 0).any(axis=None):
        raise RunError("a table of a run is damaged", expected=f"whole numbers: {', '.join(integers)}", where=path)
    return frame.astype(dict.fromkeys(integers, "int64"))
