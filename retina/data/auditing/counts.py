"""The numbers of an audit: images by split, by class and by size, and how many of them can be used."""

from pathlib import Path

import pandas as pd

from retina.data.sources.labels import Listing
from retina.experiments.splits import SPLITS


def by_split(frame: pd.DataFrame, listing: Listing) -> dict[str, dict[str, int | float | None]]:
    """Split -> the numbers of its images, see `Audit.splits`.

    Args:
        frame: Listed rows with a column `fault`: why the image cannot be used, or None.
        listing: Where they come from, with the files that no row lists.
    """
    folders = {
        split: {Path(path).parent for path in frame["path"][frame["split"] == split].dropna()} for split in SPLITS
    }
    counts = {}
    for split in SPLITS:
        rows = frame[frame["split"] == split]
        own = folders[split].difference(*(places for other, places in folders.items() if other != split))
        counts[split] = {
            **_image_counts(rows),
            "extra": sum(path.parent in own for path in listing.extra),
            **_classes(rows),
        }
    return counts


def _image_counts(rows: pd.DataFrame) -> dict[str, int]:
    """How many images rows list, and how many of them have no file or cannot be used."""
    files = int(rows["path"].notna().sum())
    return {
        "listed": len(rows),
        "found": files,
        "missing": len(rows) - files,
        "unreadable": int(rows["fault"].notna().sum()),
        "truncated": int(rows["fault"].str.contains("truncated", na=False).sum()),
    }


def by_class(frame: pd.DataFrame) -> dict[str, dict[str, int | float | None]]:
    """Split and class, as "train positive" -> the numbers of its images, see `Audit.classes`."""
    return {
        f"{split} {word}": _image_counts(
            frame[(frame["split"] == split) & frame["label"].eq(label).fillna(value=False)]
        )
        for split in SPLITS
        for label, word in ((1, "positive"), (0, "negative"))
    }


def _classes(rows: pd.DataFrame) -> dict[str, int | float | None]:
    """Positives, negatives and prevalence of rows."""
    positives, negatives = int((rows["label"] == 1).sum()), int((rows["label"] == 0).sum())
    labelled = positives + negatives
    return {
        "positives": positives,
        "negatives": negatives,
        "prevalence": positives / labelled if labelled else None,
    }


def by_size(frame: pd.DataFrame) -> dict[str, dict[str, int | float | None]]:
    """Image size, as "widthxheight" -> the numbers of its images, see `Audit.sizes`."""
    rows = frame[frame["size"].notna() & frame["label"].isin([0, 1]).fillna(value=False)]
    counts = {}
    for size, group in rows.groupby("size", sort=False):
        inside = {split: int((group["split"] == split).sum()) for split in SPLITS}
        counts[str(size)] = {"images": len(group), **inside, **_classes(group)}
    return dict(sorted(counts.items(), key=lambda item: -item[1]["images"]))
