"""Where each layout of RFMiD in circulation keeps its label tables and images, and which one a folder has.

kaggle           Training_Set/Training_Set/{RFMiD_Training_Labels.csv, Training/1.png}, Evaluation_Set/..., Test_Set/...
ieee-dataport    the same, not doubled
grand-challenge  1. Original Images/a. Training Set/1.png and 2. Groundtruths/a. RFMiD_Training_Labels.csv
plain            one CSV with a `split` column; images beside it, in `images/`, or in folders named after the splits
"""

from dataclasses import dataclass
from pathlib import Path

from retina.data.sources.tables import Table, peek_columns, read_table
from retina.errors import LabelError, some
from retina.experiments.splits import SPLITS

SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "evaluation"),
    "test": ("test", "testing"),
}
"""Split -> the names by which a `split` column or a folder may call it, in lower case."""

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
class Part:
    """One split before its images are looked up.

    Attributes:
        split: One of `SPLITS`.
        table: The label table that lists it.
        rows: Which rows of the table belong to it.
        folders: Where its images may lie; they need not exist.
        file_column: The column that names each image's file, where there is one.
    """

    split: str
    table: Table
    rows: tuple[int, ...]
    folders: tuple[Path, ...]
    file_column: str | None = None


@dataclass(frozen=True)
class Layout:
    """A data set's folder, its layout (a key of `LAYOUTS`, "mixed" or "plain"), and one part for each split."""

    root: Path
    name: str
    parts: tuple[Part, ...]


def discover(folder: Path, target: str) -> Layout:
    """Find the data set in a folder, or in one of its subfolders.

    Args:
        folder: An absolute path.
        target: The column that holds the labels. A table may lack it, which is noticed where its labels are read.

    Raises:
        LabelError: the folder or a split is missing, there is no label table, or more than one could be meant.
    """
    if not folder.is_dir():
        raise LabelError(
            "the data folder does not exist" if not folder.exists() else "the data folder is a file",
            expected="a folder with RFMiD's label tables and images",
            where=folder,
        )
    for roots in ((folder,), tuple(path for path in _entries(folder) if path.is_dir())):
        found = [layout for root in roots if (layout := _official(root, target) or _plain(root, target))]
        if len(found) > 1:
            raise LabelError(
                "the folder holds more than one data set",
                found=", ".join(layout.root.name for layout in found),
                where=folder,
                advice="name one of them",
            )
        if found:
            return found[0]
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
    """What lies in a folder, by name, without hidden files (macOS leaves `._1.png` beside `1.png`)."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise LabelError("the data folder cannot be read", found=error.strerror or error, where=folder) from error


def _official(root: Path, target: str) -> Layout | None:
    """The layout of a folder with RFMiD's own tables, each split found for itself: some unpack only one doubled."""
    chosen = {split: name for split in SPLITS if (name := _layout_of(root, split))}
    if not chosen:
        return None
    missing = [split for split in SPLITS if split not in chosen]
    if missing:
        raise LabelError(
            f"the {missing[0]} split has no label table",
            expected=" or ".join(places[missing[0]][0] for places in LAYOUTS.values()),
            found="tables of " + ", ".join(chosen),
            where=root,
        )
    parts = []
    for split, name in chosen.items():
        table_path, images = (root / place for place in LAYOUTS[name][split])
        table = read_table(table_path, ("ID", target))
        parts.append(Part(split, table, tuple(range(len(table.rows))), (images,)))
    names = set(chosen.values())
    return Layout(root, names.pop() if len(names) == 1 else "mixed", tuple(parts))


def _layout_of(root: Path, split: str) -> str | None:
    """The layout whose label table for a split is there."""
    there = [name for name, places in LAYOUTS.items() if (root / places[split][0]).is_file()]
    if len(there) > 1:
        raise LabelError(
            f"the {split} split has more than one label table",
            found=", ".join(LAYOUTS[name][split][0] for name in there),
            where=root,
            advice="remove all but one",
        )
    return there[0] if there else None


def _plain(root: Path, target: str) -> Layout | None:
    """The layout of a folder with one CSV that has a `split` column."""
    wanted = ("ID", target, "split")
    path = _plain_table(root, wanted)
    if path is None:
        return None
    table = read_table(path, wanted)
    rows = _rows_of_splits(table)
    file_column = next((name for name in ("path", "filename") if table.has(name)), None)
    parts = (Part(split, table, rows[split], _plain_folders(root, split), file_column) for split in SPLITS)
    return Layout(root, "plain", tuple(parts))


def _plain_table(root: Path, wanted: tuple[str, ...]) -> Path | None:
    """The one CSV with a `split` column; among several, the one that has all the columns wanted."""
    tables = [path for path in _entries(root) if path.suffix.lower() == ".csv" and path.is_file()]
    columns = {path: peek_columns(path, wanted) for path in tables}
    split = [path for path, names in columns.items() if "split" in names]
    labelled = [path for path in split if {name.lower() for name in wanted} <= set(columns[path])] or split
    if len(labelled) > 1:
        raise LabelError(
            "more than one table has a split column",
            found=", ".join(path.name for path in labelled),
            where=root,
            advice="keep one of them in this folder",
        )
    return labelled[0] if labelled else None


def _rows_of_splits(table: Table) -> dict[str, tuple[int, ...]]:
    """Split -> the rows that belong to it; none may be empty."""
    known = {name: split for split, names in SPLIT_NAMES.items() for name in names}
    rows: dict[str, list[int]] = {split: [] for split in SPLITS}
    for row, cell in enumerate(table.cells("split")):
        if cell.lower() not in known:
            raise LabelError(
                "a row belongs to no known split",
                expected=", ".join(known),
                found=repr(cell),
                where=f"{table.path}, line {table.lines[row]}",
            )
        rows[known[cell.lower()]].append(row)
    empty = [split for split, members in rows.items() if not members]
    if empty:
        raise LabelError(
            f"the {empty[0]} split is empty", expected="at least one row", found="no row", where=table.path
        )
    return {split: tuple(members) for split, members in rows.items()}


def _plain_folders(root: Path, split: str) -> tuple[Path, ...]:
    """The folders in which a plain set may keep the images of a split."""
    inside = [path for path in _entries(root) if path.is_dir()]
    images = [path for path in inside if path.name.lower() == "images"]
    deeper = [path for folder in images for path in _entries(folder) if path.is_dir()]
    named = [path for path in (*inside, *deeper) if path.name.lower() in SPLIT_NAMES[split]]
    return (root, *images, *named)
