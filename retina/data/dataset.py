"""From a data folder to images ready for training: labels, audit, cache, excluded images, and a fingerprint."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from retina.data.auditing import audit
from retina.data.drawing import synthetic
from retina.data.preparing import cache, fundus
from retina.data.preparing.pixels import Pixels
from retina.data.sources import labels
from retina.errors import DataError, ImageError, some
from retina.experiments.splits import SPLITS
from retina.experiments.target import DEFAULT, Target
from retina.machine import installation

DATA_VARIABLE = "RETINA_DATA"
KNOWN_LEAKS = ("same-image-across-splits",)
"""Errors of the audit that are warnings in training: official splits in circulation have them, and a result on another
test set could not be compared with published ones."""

NAMED = 3
"""Files that an error names."""


@dataclass(frozen=True)
class SplitImages:
    """The images of one split that are used.

    Args:
        rows: (N,) int64, their rows in the data set's `images`.
        ids: (N,) str, their ids.
        labels: (N,) int64, 0 or 1.
        persons: (N,) str, whose eye each shows, "" where that is not known; `None` where no person is known.
    """

    rows: np.ndarray
    ids: np.ndarray
    labels: np.ndarray
    persons: np.ndarray | None = None

    @property
    def prevalence(self) -> float:
        """Share of positives."""
        return float(self.labels.mean())


@dataclass(frozen=True)
class Dataset:
    """A data set whose images are decoded.

    Args:
        folder: The folder that was read.
        layout: The layout of its label tables, see `retina.data.sources.layouts`.
        builtin: The images were drawn by a program, as the built-in set was, and mean nothing clinically.
        target: What the labels are of; its column is spelled as in the label table.
        images: (M, S, S, 3) uint8, read from the image cache when indexed.
        splits: Split -> the images that are used.
        excluded: The images that are left out, see `exclusion`.
        fingerprint: See `fingerprint`.
        warnings: What the audit found that does not prevent training, one sentence each.
    """

    folder: Path
    layout: str
    builtin: bool
    target: Target
    images: Pixels
    splits: dict[str, SplitImages]
    excluded: tuple[dict[str, Any], ...]
    fingerprint: str
    warnings: tuple[str, ...]

    @property
    def notice(self) -> str | None:
        """What a reader must know about the images; `None` where there is nothing."""
        return synthetic.NOTICE if self.builtin else None


def named(folder: Path | None) -> Path | None:
    """The data folder that a user named: `folder`, else that of `RETINA_DATA`; `None` for the built-in set."""
    variable = os.environ.get(DATA_VARIABLE)
    return Path(variable) if folder is None and variable else folder


def choose(folder: Path | None, *, quiet: bool = False) -> Path:
    """The data folder to use: that of `named`, else the built-in set, which is drawn when absent.

    Raises:
        DataError: there is no such folder.
    """
    folder = named(folder)
    folder = synthetic.builtin(quiet=quiet) if folder is None else folder
    if not folder.is_dir():
        raise DataError("no such data folder", where=folder, advice="check the path given by --data or RETINA_DATA")
    return folder


def load(
    folder: Path,
    *,
    target: Target = DEFAULT,
    image_size: int,
    crop: bool,
    skip_bad: bool = False,
    quiet: bool = False,
) -> Dataset:
    """Read, audit and decode a data set.

    Args:
        folder: The data folder; see `choose`.
        target: Its column holds the labels.
        image_size: Side of the square images in pixels.
        crop: Crop to the fundus disc before resizing.
        skip_bad: Leave out images that are missing, cannot be decoded, or are in two splits, and record which.
        quiet: Show no progress.

    Raises:
        DataError: the folder, its labels or its images would corrupt a result; the line names the first of them.
    """
    listing = labels.read(folder, target)
    report = audit.check(listing, thorough=False, quiet=quiet)
    audit.require(report, skip_bad=skip_bad, allow=KNOWN_LEAKS)
    frame = listing.frame.assign(reason=reasons(listing.frame, report) if skip_bad else None)
    # From here on a row's index is the image's place in the cache; `split` relies on it.
    usable = frame[frame["reason"].isna()].reset_index(drop=True)
    images = cache.open_or_build(list(map(Path, usable["path"])), image_size=image_size, crop=crop, quiet=quiet)
    usable["digest"] = images.digests
    usable["reason"] = pd.Series(images.bad, dtype=object).reindex(usable.index)
    if not skip_bad:
        refuse_bad(usable)
    excluded = pd.concat([frame[frame["reason"].notna()], usable[usable["reason"].notna()]])
    used = usable[usable["reason"].isna()]
    return Dataset(
        folder=folder,
        layout=listing.layout,
        builtin=synthetic.is_drawn(folder),
        target=listing.target,
        images=images.images,
        splits=split(used, folder, listing.target),
        excluded=tuple(exclusion(row) for row in excluded.to_dict("records")),
        fingerprint=fingerprint(used),
        warnings=warnings(report, skip_bad=skip_bad),
    )


def exclusion(row: dict[str, Any]) -> dict[str, Any]:
    """An image that is left out, as recorded: its split, id, reason, label, and whether it has a file (`found`)."""
    label = None if pd.isna(row["label"]) else int(row["label"])
    return {name: row[name] for name in ("split", "id", "reason")} | {
        "label": label,
        "found": isinstance(row["path"], str),
    }


def reasons(frame: pd.DataFrame, report: audit.Audit) -> pd.Series:
    """Why the audit would leave an image out, for each listed image; NaN for those to use."""
    by_name = {name: problem.sentence for problem in report.errors for name in problem.skip}
    return (frame["split"] + "/" + frame["id"]).map(by_name)


def warnings(report: audit.Audit, *, skip_bad: bool) -> tuple[str, ...]:
    """The problems that do not prevent training, one sentence each."""
    leaks = [] if skip_bad else [problem for problem in report.errors if problem.rule in KNOWN_LEAKS]
    advice = "trained on and tested on; --skip-bad leaves it out of training"
    minor = [problem for problem in report.problems if problem.severity == "warning"]
    return tuple([f"{problem.sentence}: {advice}" for problem in leaks] + [problem.sentence for problem in minor])


def refuse_bad(frame: pd.DataFrame) -> None:
    """Raise when an image could not be decoded.

    Raises:
        ImageError: with the first images and how many there are.
    """
    bad = frame[frame["reason"].notna()]
    if len(bad):
        raise ImageError(
            f"{len(bad)} of {len(frame)} images cannot be decoded",
            expected="whole PNG, JPEG or TIFF images",
            found=bad["reason"].iloc[0],
            where=some(bad["path"], NAMED),
            advice="fix or replace them, or leave them out with --skip-bad",
        )


def split(frame: pd.DataFrame, folder: Path, target: Target) -> dict[str, SplitImages]:
    """Group the images in use by split.

    Raises:
        DataError: a split has no image of one of the two classes.
    """
    splits = {}
    for name in SPLITS:
        rows = frame[frame["split"] == name]
        values = rows["label"].to_numpy(np.int64)
        if len(set(values.tolist())) < 2:  # noqa: PLR2004 - two classes
            raise DataError(
                f"the {name} split cannot be used",
                expected=f"images of both classes of {target.name}",
                found=f"{len(values)} usable images, {int(values.sum())} of them positive",
                where=folder,
                advice=f"see `{installation.program()} data audit`",
            )
        splits[name] = SplitImages(rows.index.to_numpy(np.int64), rows["id"].to_numpy(object), values)
    return splits


def fingerprint(frame: pd.DataFrame) -> str:
    """The SHA-256 (64 hexadecimal digits) of what is trained and tested on, wherever the folder is.

    It covers split, id, label and bytes of every image, and the version of the rules that crop and resize them; not the
    name of the target, so two columns with the same labels have one fingerprint.
    """
    lines = frame[["split", "id", "label", "digest"]].astype(str).agg("\t".join, axis=1)
    return hashlib.sha256("\n".join([fundus.PREPARATION, *lines]).encode()).hexdigest()
