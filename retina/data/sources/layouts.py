"""The layouts in which RFMiD is in circulation: where each has its label tables and images, and which a folder has.

kaggle           Training_Set/Training_Set/{RFMiD_Training_Labels.csv, Training/1.png}, Evaluation_Set/..., Test_Set/...
ieee-dataport    the same, not doubled
grand-challenge  1. Original Images/a. Training Set/1.png and 2. Groundtruths/a. RFMiD_Training_Labels.csv
plain            one CSV with a `split` column; images beside it, in `images/`, or in folders named after the splits
"""

from dataclasses import dataclass
from pathlib import Path

from retina.data.sources.label_table import LabelTable, peek_columns, read_table
from retina.errors import LabelError, some
from retina.experiments.splits import SPLITS

SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "evaluation"),
    "test": ("test", "testing"),
}
"""Split -> the names that a `split` column or a folder may give it, in lower case."""

_TABLES = {
    "train": "RFMiD_Training_Labels.csv",
    "validation": "RFMiD_Validation_Labels.csv",
    "test": "RFMiD_Testing_Labels.csv",
}
_TOPS = {
    "train": ("Training_Set", "Training"),
    "validation": ("Evaluation_Set", "Validation"),
    "test": ("Test_Set", "Test"),
}
_CHALLENGE = {"train": ("a. ", "Training"), "validation": ("b. ", "Validation"), "test": ("c. ", "Testing")}

LAYOUTS = {
    "kaggle": {
        split: (f"{top}/{top}/{_TABLES[split]}", f"{top}/{top}/{images}") for split, (top, images) in _TOPS.items()
    },
    "ieee-dataport": {split: (f"{top}/{_TABLES[split]}", f"{top}/{images}") for split, (top, images) in _TOPS.items()},
    "grand-challenge": {
        split: (f"2. Groundtruths/{letter}{_TABLES[split]}", f"1. Original Images/{letter}{word} Set")
        for split, (letter, word) in _CHALLENGE.items()
    },
}
"""Layout -> split -> (label table, image folder), relative to the data set's folder."""


@dataclass(frozen=True)
class ListedSplit:
    """One split as a label table lists it; its images are not looked up yet.

    Attributes:
        name: One of `SPLITS`.
        table: The label table.
        rows: Which rows of the table belong to the split.
        folders: Where its images may be; the folders need not exist.
        file_column: The column that names each image's file, where there is one.
    """

    name: str
    table: LabelTable
    rows: tuple[int, ...]
    folders: tuple[Path, ...]
    file_column: str | None = None


@dataclass(frozen=True)
class Layout:
    """A data set's folder, the name of its layout (a key of `LAYOUTS`, "mixed" or "plain"), and its splits."""

    root: Path
    name: str
    splits: tuple[ListedSplit, ...]


def discover(folder: Path, target: str) -> Layout:
    """Find the data set in a folder, or in one of its subfolders.

    Args:
        folder: An absolute path.
        target: The column that holds the labels. A table that lacks it is an error only when its labels are read.

    Raises:
        LabelError: the folder or a split is missing, or there is no label table, or more than one.
    """
    if not folder.is_dir():
        raise LabelError(
            "the data folder does not exist" if not folder.exists() else "the data folder is a file",
            expected="a folder with RFMiD's label tables and images",
            where=folder,
        )
    for roots in ((folder,), tuple(path for path in _entries(folder) if path.is_dir())):
        layouts = [layout for root in roots if (layout := _official(root, target) or _plain(root, target))]
        if len(layouts) > 1:
            raise LabelError(
                "the folder holds more than one data set",
                found=", ".join(layout.root.name for layout in layouts),
                where=folder,
                advice="name one of these folders instead",
            )
        if layouts:
            return layouts[0]
    names = [path.name for path in _entries(folder)]
    raise LabelError(
        "no label table found",
        expected=f"{LAYOUTS['kaggle']['train'][0]} (Kaggle), {LAYOUTS['ieee-dataport']['train'][0]} (IEEE DataPort), "
        f"{LAYOUTS['grand-challenge']['train'][0]} (grand-challenge), or one CSV with the columns ID, {target} "
        "and split",
        found=some(names, 8) or "an empty folder",
        where=folder,
    )


def _entries(folder: Path) -> list[Path]:
    """The files and folders in a folder, sorted, without hidden ones (macOS leaves `._1.png` beside `1.png`)."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise LabelError("the data folder cannot be read", found=error.strerror or error, where=folder) from error


def _official(root: Path, target: str) -> Layout | None:
    """The layout of a folder with RFMiD's own tables. Splits may differ, because people unpack archives differently."""
    layouts = {split: name for split in SPLITS if (name := _layout_of(root, split))}
    if not layouts:
        return None
    missing = [split for split in SPLITS if split not in layouts]
    if missing:
        raise LabelError(
            f"the {missing[0]} split has no label table",
            expected=" or ".join(places[missing[0]][0] for places in LAYOUTS.values()),
            found="tables of " + ", ".join(layouts),
            where=root,
        )
    splits = []
    for split, name in layouts.items():
        table_path, images = (root / place for place in LAYOUTS[name][split])
        table = read_table(table_path, ("ID", target))
        splits.append(ListedSplit(split, table, tuple(range(len(table.rows))), (images,)))
    names = set(layouts.values())
    return Layout(root, names.pop() if len(names) == 1 else "mixed", tuple(splits))


def _layout_of(root: Path, split: str) -> str | None:
    """The layout whose label table for a split exists; `None` where none does."""
    names = [name for name, places in LAYOUTS.items() if (root / places[split][0]).is_file()]
    if len(names) > 1:
        raise LabelError(
            f"the {split} split has more than one label table",
            found=", ".join(LAYOUTS[name][split][0] for name in names),
            where=root,
            advice="remove all but one",
        )
    return names[0] if names else None


def _plain(root: Path, target: str) -> Layout | None:
    """The layout of a folder with one CSV that has a `split` column."""
    columns = ("ID", target, "split")
    path = _plain_table(root, columns)
    if path is None:
        return None
    table = read_table(path, columns)
    rows = _rows_of_splits(table)
    file_column = next((name for name in ("path", "filename") if table.has(name)), None)
    splits = (ListedSplit(split, table, rows[split], _plain_folders(root, split), file_column) for split in SPLITS)
    return Layout(root, "plain", tuple(splits))


def _plain_table(root: Path, columns: tuple[str, ...]) -> Path | None:
    """The one CSV with a `split` column; among several, the one that has all these columns."""
    paths = [path for path in _entries(root) if path.suffix.lower() == ".csv" and path.is_file()]
    headers = {path: peek_columns(path, columns) for path in paths}
    with_splits = [path for path, names in headers.items() if "split" in names]
    complete = [path for path in with_splits if {name.lower() for name in columns} <= set(headers[path])]
    tables = complete or with_splits
    if len(tables) > 1:
        raise LabelError(
            "more than one table has a split column",
            found=", ".join(path.name for path in tables),
            where=root,
            advice="keep one of them in this folder",
        )
    return tables[0] if tables else None


def _rows_of_splits(table: LabelTable) -> dict[str, tuple[int, ...]]:
    """Split -> the rows that belong to it; none may be empty."""
    split_of = {name: split for split, names in SPLIT_NAMES.items() for name in names}
    rows: dict[str, list[int]] = {split: [] for split in SPLITS}
    for row, cell in enumerate(table.cells("split")):
        if cell.lower() not in split_of:
            raise LabelError(
                "a row belongs to no known split",
                expected=", ".join(split_of),
                found=repr(cell),
                where=f"{table.path}, line {table.lines[row]}",
            )
        rows[split_of[cell.lower()]].append(row)
    empty = [split for split, members in rows.items() if not members]
    if empty:
        raise LabelError(
            f"the {empty[0]} split is empty", expected="at least one row", found="no row", where=table.path
        )
    return {split: tuple(members) for split, members in rows.items()}


def _plain_folders(root: Path, split: str) -> tuple[Path, ...]:
    """The folders in which a plain set may keep the images of a split."""
    folders = [path for path in _entries(root) if path.is_dir()]
    images = [path for path in folders if path.name.lower() == "images"]
    subfolders = [path for folder in images for path in _entries(folder) if path.is_dir()]
    of_split = [path for path in (*folders, *subfolders) if path.name.lower() in SPLIT_NAMES[split]]
    return (root, *images, *of_split)
