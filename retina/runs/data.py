"""The data set of a run as its record has it: what was used, what was left out, and what a result has to beat."""

from dataclasses import dataclass
from math import inf
from typing import Annotated

from retina.experiments.splits import PREDICTED_SPLITS, SPLITS
from retina.runs.reading import Count, Needs, OneOf, Range

Share = Annotated[float, Range(0, 1)]


@dataclass(frozen=True, kw_only=True)
class Split:
    """One split as it was used: images, diseased ones among them, and their share, 0-1."""

    images: Annotated[int, Range(1, inf)]
    positives: Count
    prevalence: float | None = None


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """An image that was left out, with its label, 0 or 1 where it has one, and whether there was an image file."""

    split: Annotated[str, OneOf(SPLITS)]
    id: str
    reason: str
    label: int | None = None
    found: bool = True


@dataclass(frozen=True, kw_only=True)
class Data:
    """The data set.

    Args:
        source: `built-in` for images that a program drew, `folder` for others.
        notice: What a reader must know of the images.
        folder: Its path on the machine that trained.
        layout: The layout that its labels were found in.
        fingerprint: The SHA-256 of labels and bytes of every image, 64 hexadecimal digits.
        splits: Split -> what was used of it.
        excluded: The images that were left out.
        warnings: What the audit found that does not forbid training, a sentence each.
        near_duplicates: Whether near duplicates were looked for, in words.
    """

    source: str
    notice: str | None
    folder: str = "folder"
    layout: str | None = None
    fingerprint: str
    splits: Annotated[dict[str, Split], Needs(SPLITS)]
    excluded: tuple[Exclusion, ...]
    warnings: tuple[str, ...]
    near_duplicates: str | None = None


@dataclass(frozen=True, kw_only=True)
class Majority:
    """The majority guess on one split: its accuracy, 0-1."""

    accuracy: Share


@dataclass(frozen=True, kw_only=True)
class ColourHistogram:
    """The regression that sees only colours, on one split: accuracy and AUROC, 0-1."""

    accuracy: Share
    auroc: Share | None = None


@dataclass(frozen=True, kw_only=True)
class Baselines:
    """What a result has to beat, by predicted split."""

    majority: Annotated[dict[str, Majority], Needs(PREDICTED_SPLITS)]
    colour_histogram: Annotated[dict[str, ColourHistogram], Needs(PREDICTED_SPLITS)]
