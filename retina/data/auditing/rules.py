"""The rules of an audit. Each function checks the listed rows and yields what is wrong as `Problem`s."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from retina.data.auditing.duplicates import BITS, COPY, near_groups
from retina.data.sources.rfmid import DISEASES, OTHER
from retina.errors import some
from retina.experiments.splits import SPLITS
from retina.experiments.target import DEFAULT, Target


class Rule(NamedTuple):
    """What a rule expects of a data set.

    Attributes:
        severity: "error" (it would corrupt a result) or "warning" (it should be known).
        expected: What should be so, in words; `{target}` stands for the target's column.
    """

    severity: str
    expected: str


RULES = {
    "label-value": Rule("error", "{target} 0 or 1"),
    "duplicate-id": Rule("error", "every id once in its split"),
    "risk-not-or": Rule("error", "{target} 1 exactly where a disease column is 1"),
    "missing-image": Rule("error", "an image for every row"),
    "unreadable-image": Rule("error", "whole PNG, JPEG or TIFF images"),
    "empty-split": Rule("error", "images that can be used in every split"),
    "single-class": Rule("error", "both classes in every split"),
    "same-image-different-label": Rule("error", "one label an image"),
    "same-image-across-splits": Rule("error", "no image in two splits"),
    "copy-across-splits": Rule("error", "no photograph in two splits"),
    "same-image-within-split": Rule("warning", "every image once"),
    "near-duplicate-across-splits": Rule("warning", "no eye in two splits"),
    "extra-image": Rule("warning", "a row for every image"),
    "prevalence-shift": Rule("warning", "about the same prevalence in every split"),
    "size-tells-label": Rule("warning", "an image size that says nothing about the label"),
}
"""Name -> rule, in the order in which an audit reports them."""

MOST_DISEASES = 27
"""The fewest disease columns with which the default target is compared: as many as the grand-challenge copy has."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a data set.

    Attributes:
        rule: A key of `RULES`.
        severity: "error" or "warning".
        sentence: What is wrong, in words and numbers.
        split: The split concerned; None where it is several, or none.
        ids: The images concerned, as `split/id`.
        paths: The files concerned.
        skip: Those of `ids` to leave out to remove the problem; empty where leaving images out does not help.
    """

    rule: str
    severity: str
    sentence: str
    split: str | None = None
    ids: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()


def problem(rule: str, sentence: str, rows: pd.DataFrame | None = None, **more: object) -> Problem:
    """Make a problem.

    Args:
        rule: A key of `RULES`.
        sentence: What is wrong.
        rows: The listed rows concerned, from which `split`, `ids` and `paths` are taken.
        **more: Other fields of `Problem`.
    """
    if rows is not None:
        splits = rows["split"].unique()
        more.setdefault("split", splits[0] if len(splits) == 1 else None)
        more |= {"ids": names(rows), "paths": tuple(rows["path"].dropna().unique())}
    return Problem(rule, RULES[rule].severity, sentence, **more)


def names(rows: pd.DataFrame) -> tuple[str, ...]:
    """The rows' keys as `split/id`."""
    return tuple(rows["split"] + "/" + rows["id"])


def count(number: int, noun: str) -> str:
    """A number with its noun: 1 image, 2 images."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def label_rules(frame: pd.DataFrame, target: Target) -> Iterator[Problem]:
    """Labels other than 0 and 1, ids listed twice, and labels of any disease that contradict the disease columns."""
    for split in SPLITS:
        rows = frame[frame["split"] == split]
        bad = rows[~is_label(rows)]
        if len(bad):
            cells = [f"{row.id} ({row.label_text!r})" for row in bad.itertuples()]
            yield problem(
                "label-value", f"{count(len(bad), 'label')} of {target.name} in {split} not 0 or 1: {some(cells)}", bad
            )
        twice = rows[rows["id"].duplicated(keep=False)]
        if len(twice):
            ids = list(dict.fromkeys(twice["id"]))
            yield problem(
                "duplicate-id", f"{count(len(ids), 'id')} listed more than once in {split}: {some(ids)}", twice
            )
        wrong = rows[_contradicts(rows)] if target == DEFAULT else rows[:0]
        if len(wrong):
            sentence = f"{target.name} contradicts the disease columns in {count(len(wrong), 'row')} of {split}"
            yield problem("risk-not-or", f"{sentence}: {some(wrong['id'])}", wrong)


def is_label(rows: pd.DataFrame) -> pd.Series:
    """Which labels are 0 or 1: bool, on the rows' index."""
    return rows["label"].isin([0, 1]).fillna(value=False).astype(bool)


def _contradicts(rows: pd.DataFrame) -> pd.Series:
    """Where the label, RFMiD's for any disease, and the disease columns cannot both be right: bool, on the rows' index.

    Where all diseases have a column (RFMiD's 45, or some and `OTHER`) the label is 1 exactly where one of them is. A
    copy without `OTHER` that lacks columns can have a 1 for a disease that it does not list, so that only a 0 beside a
    disease is wrong there.
    """
    flags = rows[[name for name in (*DISEASES, OTHER) if name in rows and rows[name].notna().any()]]
    if flags.shape[1] < MOST_DISEASES:
        return pd.Series(data=False, index=rows.index)
    ill = (flags == 1).fillna(value=False).any(axis=1)
    complete = OTHER in flags or flags.shape[1] == len(DISEASES)
    all_diseases_listed = flags.notna().all(axis=1) & complete
    label = rows["label"].fillna(-1).astype(int)
    return ((label == 0) & ill) | ((label == 1) & ~ill & all_diseases_listed)


def image_rules(frame: pd.DataFrame, extra: Sequence[Path], target: Target) -> Iterator[Problem]:
    """Images that are missing or cannot be read, splits without usable images or classes, and files that no row lists.

    Args:
        frame: Listed rows with a column `fault`: why the image cannot be used, or None.
        extra: Image files that no row lists.
        target: What the labels are of.
    """
    for split in SPLITS:
        rows = frame[frame["split"] == split]
        missing = rows[rows["path"].isna()]
        if len(missing):
            sentence = f"{count(len(missing), 'image')} of {split} missing: {some(missing['id'])}"
            yield problem("missing-image", sentence, missing, skip=names(missing))
        broken = rows[rows["fault"].notna()]
        if len(broken):
            cells = [f"{row.id} ({row.fault})" for row in broken.itertuples()]
            sentence = f"{count(len(broken), 'image')} of {split} unreadable: {some(cells, 3)}"
            yield problem("unreadable-image", sentence, broken, skip=names(broken))
        yield from _class_rules(split, target, rows[rows["path"].notna() & rows["fault"].isna()])
    if extra:
        sentence = f"{count(len(extra), 'image file')} that no row lists: {some(path.name for path in extra)}"
        yield problem("extra-image", sentence, paths=tuple(map(str, extra)))


def _class_rules(split: str, target: Target, usable: pd.DataFrame) -> Iterator[Problem]:
    """A split must have usable images of both classes."""
    classes = usable["label"][is_label(usable)].unique()
    if not len(usable):
        yield problem("empty-split", f"no image of {split} can be used", split=split)
    elif len(classes) == 1:
        sentence = f"all {count(len(usable), 'usable image')} of {split} have {target.name} {classes[0]}"
        yield problem("single-class", sentence, split=split)


def duplicate_rules(frame: pd.DataFrame) -> Iterator[Problem]:
    """The same bytes more than once, and photographs that look alike across splits.

    Args:
        frame: Listed rows with the columns `digest` and `perceptual_hash`, None where they were not computed.
    """
    # A row that is listed twice is a `duplicate-id`, not an image that is there twice.
    rows = frame[frame["path"].notna()].drop_duplicates(["split", "id", "path"])
    with_digest = rows[rows["digest"].notna()]
    for _, same in with_digest[with_digest["digest"].duplicated(keep=False)].groupby("digest", sort=False):
        yield from _same_bytes(same)
    with_hash = rows[rows["perceptual_hash"].notna()]
    if len(with_hash):
        yield from _alike(with_hash)


def _same_bytes(same: pd.DataFrame) -> Iterator[Problem]:
    """What is wrong with rows whose files have the same bytes."""
    images = some(names(same))
    if len(set(same["label"].dropna())) > 1:
        yield problem("same-image-different-label", f"{images} are the same image with different labels", same)
    if len(set(same["split"])) > 1:
        # The copy in the later split stays, so that validation and test keep all their images.
        last = max(same["split"], key=SPLITS.index)
        earlier = same[same["split"] != last]
        yield problem("same-image-across-splits", f"{images} are the same image", same, skip=names(earlier))
    if same.duplicated("split").any():
        yield problem("same-image-within-split", f"{images} are the same image", same)


def _alike(rows: pd.DataFrame) -> Iterator[Problem]:
    """Photographs in different splits that look alike though their bytes differ."""
    hashes = np.stack([np.frombuffer(bits, dtype=np.uint8) for bits in rows["perceptual_hash"]])
    for members, widest in near_groups(hashes):
        alike = rows.iloc[members]
        if len(set(alike["split"])) > 1 and len(set(alike["digest"])) > 1:
            apart = f"{widest} of {BITS} bits of their hashes differ, or fewer"
            if widest <= COPY:
                yield problem(
                    "copy-across-splits", f"{some(names(alike))} are copies of one photograph ({apart})", alike
                )
            else:
                yield problem("near-duplicate-across-splits", f"{some(names(alike))} look alike ({apart})", alike)
