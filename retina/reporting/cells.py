"""Numbers and texts -> cells of a table, in the report's language; a missing estimate is named as missing."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retina.reporting.document import Cell, Column
from retina.reporting.language import Language

if TYPE_CHECKING:
    import pandas as pd

SMALLEST_P = 0.0005
"""Smaller p-values would be 0.000 in three decimals."""


def text(value: object) -> Cell:
    """A cell sorted by its text."""
    return Cell(str(value))


def count(value: float) -> Cell:
    """A whole number."""
    return Cell(f"{int(value):d}", float(value))


def number(language: Language, value: float | None, form: str = ".3f") -> Cell:
    """A number in a format of `format()`; NaN, infinite and `None` become the words for a missing estimate."""
    if not known(value):
        return Cell(language.say("report.none"))
    return Cell(format(value, form), float(value))


def interval(language: Language, value: float, low: float, high: float, *, signed: bool = False) -> Cell:
    """An estimate with its interval, sorted by the estimate; without an interval the estimate alone."""
    if not (known(value) and known(low) and known(high)):
        return number(language, value, "+.3f" if signed else ".3f")
    key = "report.results.interval_signed" if signed else "report.results.interval"
    return Cell(language.say(key, value=value, low=low, high=high), float(value))


def span(language: Language, low: float, high: float, *, signed: bool = False) -> Cell:
    """An interval alone, sorted by its lower end."""
    if not (known(low) and known(high)):
        return number(language, None)
    key = "report.results.span_signed" if signed else "report.results.span"
    return Cell(language.say(key, low=low, high=high), float(low))


def p_value(language: Language, value: float | None) -> Cell:
    """A p-value to three decimals, or `<0.001`."""
    if not known(value):
        return number(language, value)
    return Cell("<0.001" if value < SMALLEST_P else f"{value:.3f}", float(value))


def known(value: float | None) -> bool:
    """Whether a number was estimated."""
    return value is not None and math.isfinite(value)


def columns(
    language: Language,
    section: str,
    names: Iterable[str],
    texts: Sequence[str] = (),
    words: Mapping[str, str] | None = None,
) -> tuple[Column, ...]:
    """Columns headed by `report.<section>.<name>`, with a meaning where there is a `<name>_meaning`.

    Args:
        language: The report's.
        section: The table of `report.toml`.
        names: One key a column; a key with a dot is taken as it is after `report.`.
        texts: The names whose cells are texts, not numbers.
        words: The fields of heads that name a class, see `retina.reporting.wording.classes`.
    """
    heads = []
    for name in names:
        key = f"report.{name}" if "." in name else f"report.{section}.{name}"
        meaning = language.say(f"{key}_meaning") if language.knows(f"{key}_meaning") else ""
        heads.append(Column(language.say(key, **(words or {})), numeric=name not in texts, meaning=meaning))
    return tuple(heads)


def rows(frame: "pd.DataFrame", **where: object) -> list[dict[str, Any]]:
    """The rows of a table whose columns have the values in `where`, in order."""
    if frame.empty:
        return []
    for name, value in where.items():
        frame = frame[frame[name] == value]
    return frame.to_dict("records")
