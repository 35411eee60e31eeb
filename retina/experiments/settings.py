"""What a setting may be, in a form that a check, an option and a table of help share; and words that are not known."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retina.experiments.target import COLUMN_NAMES, DISEASE_RISK, is_column

LONGEST_NAME = 100
"""Bytes of a parameter set's name at most: file systems end at 255 for the name of a run."""


@dataclass(frozen=True)
class Setting:
    """What a field of an experiment may be, in a form that a check, an option and a table of help can share.

    Args:
        help: One clause for a reader, with the unit.
        kind: `str`, `int`, `float` or `bool`.
        low: Smallest value allowed, for numbers.
        high: Largest value allowed, for numbers.
        choices: The words allowed, for strings.
        prefixes: Beside the choices, `PREFIX:NAME` is allowed with one of these and a plain NAME, as in `keras:VGG19`.
        optional: `None` is allowed; in a file, by leaving the key out, as an option by the word `none`.
        in_file: The field may stand in a parameter file.
        plain: The text becomes part of a folder's name and of tables: letters and digits of any script, `.`, `_`, `-`.
        column: The text names a column of the label table.
    """

    help: str
    kind: type
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    optional: bool = False
    in_file: bool = True
    plain: bool = False
    column: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The choices, and what stands for those that a prefix opens."""
        return (*self.choices, *(f"{prefix}:NAME" for prefix in self.prefixes))

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        if self.choices:
            return "one of " + ", ".join(self.words)
        if self.plain:
            return f"a name of letters, digits, ., _ and -, at most {LONGEST_NAME} bytes"
        if self.column:
            return COLUMN_NAMES
        names = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
        words = names[self.kind]
        if math.isfinite(self.low) or math.isfinite(self.high):
            words += " from {:g} to {}".format(self.low, f"{self.high:g}" if self.kind is float else self.high)
        return words + (", or none" if self.optional else "")

    def accepts(self, value: object) -> bool:
        """Whether a value has the right type and lies in range. An integer is a number; a bool is not."""
        if value is None:
            return self.optional
        if self.kind is float:
            right_type = isinstance(value, int | float) and not isinstance(value, bool)
        else:
            right_type = type(value) is self.kind
        if not right_type:
            return False
        if self.choices:
            prefix, _, name = value.partition(":")
            return value in self.choices or (prefix in self.prefixes and is_plain(name))
        if self.plain:
            return is_plain(value)
        if self.column:
            return is_column(value)
        return self.kind in (str, bool) or self.low <= value <= self.high


MEANT_FOR = {
    "focal_gamma": ("loss", "focal"),
    "focal_alpha": ("loss", "focal"),
    "feature_variants": ("fine_tune", "head"),
    "deterministic": ("deterministic", True),
}
"""Settings of an experiment that mean something with one value of another setting, or of their own, alone."""


ADDED = {"target": DISEASE_RISK}
"""Settings that experiments were given after runs had been recorded, and the value that every run before then had.

At that value a setting is left out of digests and comparisons: the runs from before and after are the same.
"""


def without_added(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of an experiment without those of `ADDED` that have the value of earlier runs."""
    return {name: value for name, value in values.items() if name not in ADDED or value != ADDED[name]}


def meaningful(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of an experiment without those that say nothing in it, see `MEANT_FOR` and `ADDED`."""
    return {
        name: value
        for name, value in without_added(values).items()
        if name not in MEANT_FOR or values[MEANT_FOR[name][0]] == MEANT_FOR[name][1]
    }


def is_plain(name: str) -> bool:
    """Whether a name can be part of a folder's name, a table and a page without being taken for anything else."""
    letters = all(letter.isalnum() or letter in "._-" for letter in name)
    return letters and name[:1].isalnum() and len(name.encode()) <= LONGEST_NAME


def setting(help: str, kind: type, default: object = dataclasses.MISSING, **limits: Any) -> Any:  # noqa: A002, ANN401
    """Declare a field together with its rule."""
    return field(default=default, metadata={"setting": Setting(help, kind, **limits)})
