"""RFMiD label tables and image files -> one DataFrame, from every layout in circulation.

RFMiD's ids restart at 1 in every split, so an image's key is (split, id), never the id alone.
"""

import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import pandas as pd

from retina.data.sources.layouts import Part, discover
from retina.data.sources.rfmid import DISEASES, OTHER
from retina.data.sources.tables import Table, canonical_id, integer
from retina.errors import LabelError
from retina.experiments.target import DEFAULT, Target, binary

__all__ = ["IMAGE_SUFFIXES", "LabelTable", "read"]

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff"})
_KEYS = {"id", "split", "path", "filename"}
"""Columns that say which image a row is of."""
_NOT_FLAGS = _KEYS | {"label", "label_text"}
_RFMID = {name.lower(): name for name in (DEFAULT.column, *DISEASES, OTHER)}
"""RFMiD's columns in its own spelling, by their names in lower case."""


@dataclass(frozen=True)
class LabelTable:
    """What a data folder lists, and where its images lie.

    Attributes:
        folder: The data set's own folder, absolute.
        layout: A key of `layouts.LAYOUTS`, "mixed" (splits unpacked differently) or "plain".
        target: What the labels are of, its column in RFMiD's spelling, or as the table writes it.
        tables: Split -> the label table it was read from.
        frame: One row a listed image, ordered by split and then by id in natural order: `split` (str, one of
            `SPLITS`), `id` (str), `label` (Int64, <NA> where the cell holds no whole number), `label_text` (str, the
            cell), `path` (absolute, as str, or None where there is no image), then one Int64 column a flag: a disease,
            or another column of 0 and 1; the target is not among them.
        extra: Image files that no row lists.
    """

    folder: Path
    layout: str
    target: Target
    tables: dict[str, Path]
    frame: pd.DataFrame
    extra: tuple[Path, ...]


def read(folder: Path, target: Target = DEFAULT) -> LabelTable:
    """Read a data set's labels and find its images.

    Args:
        folder: The data set's folder, or the folder that holds it.
        target: Its column holds the labels; the column is found whatever its case.

    Raises:
        LabelError: the folder or a split is missing, no label table or more than one is found, a table cannot be read
            or lacks `ID` or the target's column, an id or a path leads out of the folder, two files fit one id, or two
            splits list one image.
    """
    layout = discover(Path(folder).expanduser().absolute(), target.column)
    target = _spelled(target, [part.table for part in layout.parts])
    images = _Images()
    frame = pd.concat([_frame(part, target, layout.root, images) for part in layout.parts], ignore_index=True)
    _refuse_shared_images(frame, layout.root)
    listed = set(frame["path"].dropna())
    extra = tuple(path for path in images.seen() if str(path) not in listed)
    tables = {part.split: part.table.path for part in layout.parts}
    return LabelTable(layout.root, layout.name, target, tables, frame, extra)


def _spelled(target: Target, tables: list[Table]) -> Target:
    """The target with its column as RFMiD or else the first table writes it, so that one column has one name.

    Raises:
        LabelError: a table has no such column; the nearest one is suggested.
    """
    spellings = []
    for table in tables:
        guess = table.nearest(target.column, apart_from=_KEYS)
        advice = f"did you mean --target {shlex.quote(guess)}?" if guess else "name a column of 0 and 1 with --target"
        spellings.append(table.spelling(target.column, advice))
    column = _RFMID.get(spellings[0].lower(), spellings[0])
    return target if column == target.column else binary(column)


class _Images:
    """The image files of each folder asked for, every folder listed once."""

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, Path]] = {}

    def inside(self, folder: Path) -> dict[str, Path]:
        """File name -> path of the images in a folder; empty where there is no such folder."""
        if folder not in self._folders:
            self._folders[folder] = _list_images(folder)
        return self._folders[folder]

    def seen(self) -> list[Path]:
        """Every image in the folders asked for so far."""
        return sorted({path for names in self._folders.values() for path in names.values()})


def _list_images(folder: Path) -> dict[str, Path]:
    """The image files of one folder, without hidden ones (macOS leaves `._1.png` beside `1.png`)."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_file()]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise LabelError("an image folder cannot be read", found=error.strerror or error, where=folder) from error
    return {name: folder / name for name in names if Path(name).suffix.lower() in IMAGE_SUFFIXES}


def _frame(part: Part, target: Target, root: Path, images: _Images) -> pd.DataFrame:
    """The rows of one split as a frame, in natural order of their ids."""
    table = part.table
    cells, texts = table.cells("ID"), table.cells(target.column)
    ids = {row: _checked_id(cells[row], table, row) for row in part.rows}
    order = sorted(part.rows, key=lambda row: (_natural(ids[row]), row))
    find = _finder(part, root, images)
    columns = {
        "split": pd.array([part.split] * len(order), dtype="str"),
        "id": pd.array([ids[row] for row in order], dtype="str"),
        "label": pd.array([integer(texts[row]) for row in order], dtype="Int64"),
        "label_text": pd.array([texts[row] for row in order], dtype="str"),
        # dtype object: pandas' own str would turn None into a float NaN.
        "path": pd.Series([find(row, ids[row]) for row in order], dtype=object),
    }
    for name, values in _flags(table, target).items():
        columns[name] = pd.array([values[row] for row in order], dtype="Int64")
    return pd.DataFrame(columns)


def _checked_id(cell: str, table: Table, row: int) -> str:
    """The canonical id, which must be a plain file name."""
    if not cell or cell in {".", ".."} or any(mark in cell for mark in "/\\\0"):
        raise LabelError(
            "an id is no plain name" if cell else "a row has no id",
            expected="a number or a name without / or \\",
            found=repr(cell),
            where=f"{table.path}, line {table.lines[row]}",
        )
    return canonical_id(cell)


def _natural(text: str) -> tuple[list[str | int], str]:
    """A key that sorts 2 before 10; equal numbers written differently keep a fixed order."""
    parts = re.split(r"([0-9]+)", text)
    return [int(part) if position % 2 else part for position, part in enumerate(parts)], text


def _flags(table: Table, target: Target) -> dict[str, list[int | None]]:
    """Column -> whole numbers, for RFMiD's columns and every other that holds only 0 and 1; not the target's."""
    flags = {}
    for column in table.columns:
        if column.lower() in _NOT_FLAGS | {target.column.lower()}:
            continue
        cells = table.cells(column)
        values = [integer(cell) for cell in cells]
        written = {value for value, cell in zip(values, cells, strict=True) if cell}
        if column.lower() in _RFMID or (written and written <= {0, 1}):
            flags[_RFMID.get(column.lower(), column)] = values
    return flags


def _finder(part: Part, root: Path, images: _Images) -> Callable[[int, str], str | None]:
    """How a split's images are found, from a row and its id: by the file the row names, else by the id."""
    if part.file_column is not None:
        named = part.table.cells(part.file_column)
        places = {root, *part.folders}
        return lambda row, name: _only(_files_named(named[row], places, images, part, row), part, row, name)
    by_name: dict[str, set[Path]] = {}
    for path in (path for folder in part.folders for path in images.inside(folder).values()):
        by_name.setdefault(path.stem, set()).add(path)
        by_name.setdefault(path.name, set()).add(path)
    return lambda row, name: _only(by_name.get(name, set()), part, row, name)


def _files_named(cell: str, places: set[Path], images: _Images, part: Part, row: int) -> set[Path]:
    """The images that a cell of a `path` or `filename` column can mean; the cell may not lead out of the folder."""
    windows = PureWindowsPath(cell)  # reads / and \ alike, so a table written on Windows is understood and judged too
    if windows.anchor or ".." in windows.parts or "\0" in cell:
        raise LabelError(
            f"a {part.file_column} leads out of the data folder",
            expected="a relative path without ..",
            found=repr(cell),
            where=f"{part.table.path}, line {part.table.lines[row]}",
        )
    paths = [place.joinpath(*windows.parts) for place in places]
    return {path for path in paths if cell and path.name in images.inside(path.parent)}


def _only(found: set[Path], part: Part, row: int, name: str) -> str | None:
    """The single image found, as text, or None where there is none."""
    if len(found) > 1:
        raise LabelError(
            f"two images for {part.split}/{name}",
            expected="one image file a row",
            found=", ".join(str(path) for path in sorted(found)),
            where=f"{part.table.path}, line {part.table.lines[row]}",
            advice="remove all but one of them",
        )
    return str(next(iter(found))) if found else None


def _refuse_shared_images(frame: pd.DataFrame, root: Path) -> None:
    """Refuse an image that two splits list, also where a symbolic link gives a folder two names."""
    present = frame[frame["path"].notna()]
    paths = [Path(path) for path in present["path"]]
    real = {parent: parent.resolve() for parent in {path.parent for path in paths}}
    files = pd.Series([str(real[path.parent] / path.name) for path in paths], index=present.index, dtype="str")
    shared = present[present["split"].groupby(files).transform("nunique") > 1]
    if len(shared):
        first = shared[files[shared.index] == files[shared.index[0]]]
        raise LabelError(
            "two splits list the same image",
            expected="every image in one split",
            found=" and ".join(first["split"] + "/" + first["id"]) + f" ({len(shared)} rows concerned)",
            where=first["path"].iloc[0],
            advice=f"give each split its own image folder in {root}",
        )
