"""RFMiD's label tables and image files -> one DataFrame, from every layout in circulation.

RFMiD's ids restart at 1 in every split, so an image's key is (split, id), never the id alone.
"""

import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import pandas as pd

from retina.data.sources.label_table import LabelTable, canonical_id, integer
from retina.data.sources.layouts import ListedSplit, discover
from retina.data.sources.rfmid import DISEASES, OTHER
from retina.errors import LabelError
from retina.experiments.target import DEFAULT, Target, binary

__all__ = ["IMAGE_SUFFIXES", "Listing", "read"]

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff"})
CONTROL = {chr(code) for code in range(32)} | {"\x7f"}
"""Characters that no name of a file in use has; a carriage return would also end a row of the tables written."""
_KEYS = {"id", "split", "path", "filename"}
"""Columns that say which image a row is about."""
_NOT_FLAGS = _KEYS | {"label", "label_text"}
_SPELLINGS = {name.lower(): name for name in (DEFAULT.column, *DISEASES, OTHER)}
"""RFMiD's columns: name in lower case -> RFMiD's spelling."""


@dataclass(frozen=True)
class Listing:
    """The images that a data folder lists, with their labels and files.

    Attributes:
        folder: The data set's own folder, absolute.
        layout: A key of `layouts.LAYOUTS`, "mixed" (splits unpacked differently) or "plain".
        target: What the labels are of; its column is spelled as by RFMiD, or else as in the table.
        tables: Split -> the file of its label table.
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


def read(folder: Path, target: Target = DEFAULT) -> Listing:
    """Read a data set's labels and find its images.

    Args:
        folder: The data set's folder, or the folder that holds it.
        target: Its column holds the labels; the column is found whatever its case.

    Raises:
        LabelError: the folder or a split is missing, there is no label table or more than one, a table cannot be read
            or lacks `ID` or the target's column, an id or a path leads out of the folder, two files fit one id, or two
            splits list one image.
    """
    layout = discover(Path(folder).expanduser().absolute(), target.column)
    target = _with_spelling(target, [split.table for split in layout.splits])
    images = _ImageFolders()
    frame = pd.concat([_frame(split, target, layout.root, images) for split in layout.splits], ignore_index=True)
    _refuse_shared_images(frame, layout.root)
    paths = set(frame["path"].dropna())
    extra = tuple(path for path in images.all_images() if str(path) not in paths)
    tables = {split.name: split.table.path for split in layout.splits}
    return Listing(layout.root, layout.name, target, tables, frame, extra)


def _with_spelling(target: Target, tables: list[LabelTable]) -> Target:
    """The target with its column spelled as by RFMiD or else as in the first table, so that a column has one name.

    Raises:
        LabelError: a table has no such column; the nearest one is suggested.
    """
    spellings = []
    for table in tables:
        guess = table.nearest(target.column, apart_from=_KEYS)
        advice = f"did you mean --target {shlex.quote(guess)}?" if guess else "name a column of 0 and 1 with --target"
        spellings.append(table.spelling(target.column, advice))
    column = _SPELLINGS.get(spellings[0].lower(), spellings[0])
    return target if column == target.column else binary(column)


class _ImageFolders:
    """The image files of each folder that is looked into; every folder is read once."""

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, Path]] = {}

    def inside(self, folder: Path) -> dict[str, Path]:
        """File name -> path of the images in a folder; empty where there is no such folder."""
        if folder not in self._folders:
            self._folders[folder] = _list_images(folder)
        return self._folders[folder]

    def all_images(self) -> list[Path]:
        """Every image in the folders looked into so far, sorted."""
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


def _frame(split: ListedSplit, target: Target, root: Path, images: _ImageFolders) -> pd.DataFrame:
    """The rows of one split as a frame, in natural order of their ids."""
    table = split.table
    cells, texts = table.cells("ID"), table.cells(target.column)
    ids = {row: _checked_id(cells[row], table, row) for row in split.rows}
    order = sorted(split.rows, key=lambda row: (_natural(ids[row]), row))
    find = _finder(split, root, images)
    columns = {
        "split": pd.array([split.name] * len(order), dtype="str"),
        "id": pd.array([ids[row] for row in order], dtype="str"),
        "label": pd.array([integer(texts[row]) for row in order], dtype="Int64"),
        "label_text": pd.array([texts[row] for row in order], dtype="str"),
        # dtype object: pandas' own str would turn None into a float NaN.
        "path": pd.Series([find(row, ids[row]) for row in order], dtype=object),
    }
    for name, values in _flags(table, target).items():
        columns[name] = pd.array([values[row] for row in order], dtype="Int64")
    return pd.DataFrame(columns)


def _checked_id(cell: str, table: LabelTable, row: int) -> str:
    """The canonical id, which must be a plain file name."""
    if not cell or cell in {".", ".."} or any(mark in "/\\" or mark in CONTROL for mark in cell):
        raise LabelError(
            "an id is not a plain name" if cell else "a row has no id",
            expected="a number or a name without /, \\ or control characters",
            found=repr(cell),
            where=f"{table.path}, line {table.lines[row]}",
        )
    return canonical_id(cell)


def _natural(text: str) -> tuple[list[str | int], str]:
    """A key that sorts 2 before 10; the text itself gives 7 and 07 a fixed order."""
    parts = re.split(r"([0-9]+)", text)
    return [int(part) if position % 2 else part for position, part in enumerate(parts)], text


def _flags(table: LabelTable, target: Target) -> dict[str, list[int | None]]:
    """Column -> whole numbers: RFMiD's columns, and others that hold only 0 and 1, without the target's column."""
    flags = {}
    for column in table.columns:
        if column.lower() in _NOT_FLAGS | {target.column.lower()}:
            continue
        cells = table.cells(column)
        values = [integer(cell) for cell in cells]
        distinct = {value for value, cell in zip(values, cells, strict=True) if cell}
        if column.lower() in _SPELLINGS or (distinct and distinct <= {0, 1}):
            flags[_SPELLINGS.get(column.lower(), column)] = values
    return flags


def _finder(split: ListedSplit, root: Path, images: _ImageFolders) -> Callable[[int, str], str | None]:
    """The function that finds an image of a split from its row and id: by the file that the row names, or by the id."""
    if split.file_column is not None:
        cells = split.table.cells(split.file_column)
        folders = {root, *split.folders}
        return lambda row, name: _only(_files_named(cells[row], folders, images, split, row), split, row, name)
    by_name: dict[str, set[Path]] = {}
    for path in (path for folder in split.folders for path in images.inside(folder).values()):
        by_name.setdefault(path.stem, set()).add(path)
        by_name.setdefault(path.name, set()).add(path)
    return lambda row, name: _only(by_name.get(name, set()), split, row, name)


def _files_named(cell: str, folders: set[Path], images: _ImageFolders, split: ListedSplit, row: int) -> set[Path]:
    """The images that a cell of a `path` or `filename` column can name; the cell may not lead out of the folder."""
    windows = PureWindowsPath(cell)  # reads both / and \, so that a table written on Windows is read and checked too
    if windows.anchor or ".." in windows.parts or "\0" in cell:
        raise LabelError(
            f"a {split.file_column} leads out of the data folder",
            expected="a relative path without ..",
            found=repr(cell),
            where=f"{split.table.path}, line {split.table.lines[row]}",
        )
    paths = [folder.joinpath(*windows.parts) for folder in folders]
    return {path for path in paths if cell and path.name in images.inside(path.parent)}


def _only(paths: set[Path], split: ListedSplit, row: int, name: str) -> str | None:
    """The one image of a row, as text, or None where there is none; two are an error."""
    if len(paths) > 1:
        raise LabelError(
            f"two images for {split.name}/{name}",
            expected="one image file a row",
            found=", ".join(str(path) for path in sorted(paths)),
            where=f"{split.table.path}, line {split.table.lines[row]}",
            advice="remove all but one of them",
        )
    return str(next(iter(paths))) if paths else None


def _refuse_shared_images(frame: pd.DataFrame, root: Path) -> None:
    """Refuse an image that two splits list, even where a symbolic link gives its folder two names."""
    rows = frame[frame["path"].notna()]
    paths = [Path(path) for path in rows["path"]]
    real = {parent: parent.resolve() for parent in {path.parent for path in paths}}
    files = pd.Series([str(real[path.parent] / path.name) for path in paths], index=rows.index, dtype="str")
    shared = rows[rows["split"].groupby(files).transform("nunique") > 1]
    if len(shared):
        first = shared[files[shared.index] == files[shared.index[0]]]
        raise LabelError(
            "two splits list the same image",
            expected="every image in one split",
            found=" and ".join(first["split"] + "/" + first["id"]) + f" ({len(shared)} rows concerned)",
            where=first["path"].iloc[0],
            advice=f"give each split its own image folder in {root}",
        )
