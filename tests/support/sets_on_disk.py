"""Writes small data sets in every layout: real tables and real images."""

import csv
import io
import shutil

import numpy as np
from PIL import Image

SPLITS = ("train", "validation", "test")
OFFICIAL = {
    "kaggle": {
        "train": ("Training_Set/Training_Set/RFMiD_Training_Labels.csv", "Training_Set/Training_Set/Training"),
        "validation": (
            "Evaluation_Set/Evaluation_Set/RFMiD_Validation_Labels.csv",
            "Evaluation_Set/Evaluation_Set/Validation",
        ),
        "test": ("Test_Set/Test_Set/RFMiD_Testing_Labels.csv", "Test_Set/Test_Set/Test"),
    },
    "ieee-dataport": {
        "train": ("Training_Set/RFMiD_Training_Labels.csv", "Training_Set/Training"),
        "validation": ("Evaluation_Set/RFMiD_Validation_Labels.csv", "Evaluation_Set/Validation"),
        "test": ("Test_Set/RFMiD_Testing_Labels.csv", "Test_Set/Test"),
    },
    "grand-challenge": {
        "train": ("2. Groundtruths/a. RFMiD_Training_Labels.csv", "1. Original Images/a. Training Set"),
        "validation": ("2. Groundtruths/b. RFMiD_Validation_Labels.csv", "1. Original Images/b. Validation Set"),
        "test": ("2. Groundtruths/c. RFMiD_Testing_Labels.csv", "1. Original Images/c. Testing Set"),
    },
}
LABELS = {"train": (1, 0, 1, 1, 0, 1), "validation": (0, 1, 1), "test": (1, 0, 1)}


def write_image(path, seed, size=(16, 12)):
    """Write one picture of noise; the seed decides every pixel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def table_text(header, rows, separator=",", newline="\n", quoting=csv.QUOTE_MINIMAL):
    """A delimited table as text."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator, lineterminator=newline, quoting=quoting)
    writer.writerows([header, *rows])
    return stream.getvalue()


def write_official(root, layout="ieee-dataport", labels=None, suffix=".png", size=(16, 12)):
    """Write a set in one of RFMiD's own layouts, ids from 1 in every split; returns its folder."""
    for number, (split, values) in enumerate((labels or LABELS).items()):
        table, images = (root / place for place in OFFICIAL[layout][split])
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text(table_text(["ID", "Disease_Risk"], list(enumerate(values, 1))), encoding="utf-8")
        for row in range(1, len(values) + 1):
            write_image(images / f"{row}{suffix}", (number, row), size)
    return root


def write_plain(root, place="beside", suffix=".png"):
    """Write a plain set with one CSV; returns its folder.

    Args:
        root: The folder.
        place: "beside", "images", "folders", "images/folders", "path" or "filename": where the images lie, or by which
            column they are named.
        suffix: The images' extension.
    """
    root.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (split, values) in enumerate(LABELS.items()):
        for row, label in enumerate(values, 1):
            name = str(row) if "folders" in place else f"{10 * number + row}"
            folder = {"beside": "", "filename": "", "images": "images", "folders": split, "path": f"deep/{split}"}.get(
                place, f"images/{split}"
            )
            file = f"eye{name}{suffix}" if place in {"path", "filename"} else f"{name}{suffix}"
            write_image(root / folder / file, (number, row))
            rows.append(
                [name, label, split] + ([f"{folder}/{file}".lstrip("/")] if place in {"path", "filename"} else [])
            )
    header = ["ID", "Disease_Risk", "split"] + ([place] if place in {"path", "filename"} else [])
    (root / "labels.csv").write_text(table_text(header, rows), encoding="utf-8")
    return root


def table_of(root, split="train", layout="ieee-dataport"):
    """The label table of a split."""
    return root / OFFICIAL[layout][split][0]


def image_of(root, split, name, layout="ieee-dataport"):
    """The path of an image of a split, with its extension."""
    return root / OFFICIAL[layout][split][1] / name


def copy_image(root, source, target):
    """Put the bytes of one (split, name) in place of another."""
    shutil.copyfile(image_of(root, *source), image_of(root, *target))
