"""The audit: what is wrong with a data set, reported before anything is trained on it."""

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pandas as pd

from retina.data.auditing import counts
from retina.data.auditing.balance import balance_rules
from retina.data.auditing.inspection import ImageFacts, inspect
from retina.data.auditing.rules import RULES, Problem, count, duplicate_rules, image_rules, label_rules
from retina.data.sources.labels import Listing
from retina.errors import AuditError, some
from retina.experiments.target import DEFAULT, Target

__all__ = ["Audit", "Problem", "check", "require"]


@dataclass(frozen=True)
class Audit:
    """The result of an audit. Every number is a plain int, float or None.

    Attributes:
        folder: The data set's folder.
        layout: Its layout.
        target: What its labels are of.
        splits: Split -> `listed`, `found`, `missing`, `unreadable`, `truncated` (of the unreadable), `extra`,
            `positives`, `negatives`, `prevalence` (of the listed rows with a label of 0 or 1; None where there is
            none). `extra` counts unlisted files in folders that hold images of this split alone.
        classes: "split positive" or "split negative" -> the same first five counts: what is missing from one class
            alone shifts the prevalence.
        sizes: "widthxheight" -> `images`, `positives`, `prevalence` and the number of images in each split, over the
            rows with a label of 0 or 1 and a readable header; most images first. In RFMiD a size is a camera.
        problems: What is wrong, in the order of `RULES`, errors first.
        thorough: Whether every image was decoded and near duplicates were looked for.
    """

    folder: Path
    layout: str
    target: Target
    splits: dict[str, dict[str, int | float | None]]
    classes: dict[str, dict[str, int | float | None]]
    sizes: dict[str, dict[str, int | float | None]]
    problems: tuple[Problem, ...]
    thorough: bool

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that would corrupt a result."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def ok(self) -> bool:
        """Whether the data set has no error; it may have warnings."""
        return not self.errors

    def to_dict(self) -> dict[str, object]:
        """The same as plain values, ready for JSON."""
        return {
            "folder": str(self.folder),
            "layout": self.layout,
            "target": self.target.name,
            "thorough": self.thorough,
            "ok": self.ok,
            "splits": self.splits,
            "classes": self.classes,
            "sizes": self.sizes,
            "problems": [{key: _plain(value) for key, value in vars(problem).items()} for problem in self.problems],
        }


def check(listing: Listing, *, thorough: bool = True, quiet: bool = False) -> Audit:
    """Audit a data set.

    Args:
        listing: The images that the folder lists.
        thorough: Decode every image, on all cores, and look for near duplicates across splits. Otherwise only open
            every header; a truncated image is not noticed then. Exact duplicates are found either way.
        quiet: Show no progress.

    Returns:
        The numbers, and every problem. What is wrong with the data is never raised.

    Raises:
        DataError: a decoding process was killed.
    """
    facts = inspect(listing.frame["path"].dropna(), thorough=thorough, quiet=quiet)
    frame = _with_facts(listing.frame, facts)
    of_labels, of_images = label_rules(frame, listing.target), image_rules(frame, listing.extra, listing.target)
    unsorted = chain(of_labels, of_images, duplicate_rules(frame), balance_rules(frame))
    problems = tuple(sorted(unsorted, key=lambda item: list(RULES).index(item.rule)))
    tables = counts.by_split(frame, listing), counts.by_class(frame), counts.by_size(frame)
    return Audit(listing.folder, listing.layout, listing.target, *tables, problems, thorough)


def require(audit: Audit, *, skip_bad: bool = False, allow: Collection[str] = ()) -> None:
    """Refuse a data set that would corrupt a result.

    Args:
        audit: The result of `check`.
        skip_bad: Ignore the errors that leaving images out would remove.
        allow: Rules whose errors to ignore.

    Raises:
        AuditError: one line with the first problem, what was expected, where, and what to do.
    """
    errors = [item for item in audit.errors if item.rule not in allow and not (skip_bad and item.skip)]
    if not errors:
        return
    first = errors[0]
    places = first.paths or first.ids or (str(audit.folder),)
    advice = f"see everything with `data audit {audit.folder}{_option(audit.target)}`"
    if all(item.skip for item in errors):
        advice += ", or leave these images out with --skip-bad"
    raise AuditError(
        f"the audit found {count(len(errors), 'error')} in the data",
        expected=RULES[first.rule].expected.format(target=audit.target.name),
        found=first.sentence,
        where=some(places, 1),
        advice=advice,
    )


def _with_facts(frame: pd.DataFrame, facts: dict[str, ImageFacts]) -> pd.DataFrame:
    """The listed rows with the facts about their images: `fault`, `size`, `digest` and `perceptual_hash`, or None."""
    rows = [facts[path] if path is not None else ImageFacts() for path in frame["path"]]
    columns = {
        "fault": [row.fault for row in rows],
        "size": [None if row.size is None else "{}x{}".format(*row.size) for row in rows],
        "digest": [row.digest for row in rows],
        "perceptual_hash": [row.perceptual_hash for row in rows],
    }
    series = {name: pd.Series(values, index=frame.index, dtype=object) for name, values in columns.items()}
    return frame.assign(**series)


def _option(target: Target) -> str:
    """The option with which `data audit` audits a target; empty for the default one."""
    return "" if target == DEFAULT else f" --target {shlex.quote(target.column)}"


def _plain(value: object) -> object:
    """A tuple as a list, anything else as it is."""
    return list(value) if isinstance(value, tuple) else value
